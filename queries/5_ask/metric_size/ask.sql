-- writes: questions
-- reads:  references, objects, scenes, category_sizes
-- keep:   table
-- keys:   question_id

-- Metric size: how tall is the door, how wide is the couch, in one image? In go a frame's references and their oriented boxes; out come two questions an
-- object, in whole centimetres, for a number or for one of four values that are measured in the dataset.
--
-- Height is the vertical side of an upright box, width its longer level side, which needs no front, and which must not point at the camera, as that of a
-- picture on the wall of a corridor does. What was lifted from depth has its height alone: its longer side may be turned away. Nothing is asked where
-- the image cuts an object off, where its box leans, or where the whole of it is larger or smaller than what it is called.
WITH placed AS (
    SELECT
        r.*, o.obb.lengths.z AS vertical, o.extent.z AS tall, o.obb.axes[9] AS upright_axis, s.side,
        100.0 * CASE s.side WHEN 'height' THEN o.obb.lengths.z ELSE greatest(o.obb.lengths.x, o.obb.lengths.y) END AS centimetres,
        coalesce(r.skip_reason, r.object_reason, CASE WHEN NOT coalesce(c.metric, true) THEN 'not_metric' END) AS object_or_scene_reason,
        greatest(o.obb.lengths.x, o.obb.lengths.y, o.obb.lengths.z) NOT BETWEEN z.smallest AND z.largest AS is_outlier,
        -- Of two sides of nearly one length, one is in view.
        least(o.obb.lengths.x, o.obb.lengths.y) < 0.8 * greatest(o.obb.lengths.x, o.obb.lengths.y)
            AND CASE
                WHEN o.obb.lengths.x >= o.obb.lengths.y THEN abs(o.obb.axes[1] * o.obb.centre.x + o.obb.axes[2] * o.obb.centre.y)
                ELSE abs(o.obb.axes[4] * o.obb.centre.x + o.obb.axes[5] * o.obb.centre.y)
            END > cos(radians($min_side_angle)) * sqrt(power(o.obb.centre.x, 2) + power(o.obb.centre.y, 2)) AS points_at_camera
    FROM (VALUES ('height'), ('width')) AS s (side)
    CROSS JOIN (
        category_sizes AS z
        RIGHT JOIN (
            scenes AS c
            RIGHT JOIN (references AS r JOIN objects AS o ON o.frame_id = r.frame_id AND o.object_id = r.object_id) ON c.scene_id = r.scene_id
        ) ON z.source = r.source AND z.category = r.category
    )
    WHERE $metric_tasks AND o.obb IS NOT NULL
),
judged AS (
    SELECT
        *,
        CASE
            WHEN object_or_scene_reason IS NOT NULL THEN object_or_scene_reason
            WHEN lifted_from = 'model' THEN 'estimated_depth'
            WHEN NOT upright THEN 'gravity_unknown'
            WHEN truncated THEN 'truncated'
            WHEN visibility < $min_visibility_metric THEN 'occluded'
            WHEN size_quality < $min_lift_quality_size THEN 'low_size_quality'
            WHEN side = 'width' AND (lifted_from = 'depth' OR points_at_camera) THEN 'hidden_side'
            WHEN least(vertical, tall) < (1.0 - $max_size_disagreement) * greatest(vertical, tall) OR abs(upright_axis) < 0.99 THEN 'definitions_disagree'
            WHEN centimetres < 100.0 * $min_object_size THEN 'too_small'
            WHEN lifted_from = 'scan' AND is_outlier THEN 'outlier_size'
        END AS reason,
        draw($seed, 'metric_size', frame_id, object_id, side) AS drawn,
        CASE WHEN draw($seed, 'metric_size/shape', frame_id, object_id, side) < 0.5 THEN 'number' ELSE 'choice of value' END AS shape
    FROM placed
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY frame_id, reason IS NULL ORDER BY drawn, object_id, side) AS place
    FROM judged
)
SELECT
    id_hash('metric_size', frame_id, object_id, side, shape) AS question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    licence,
    split,
    'metric_size' AS task,
    CASE side WHEN 'height' THEN 'height_of' ELSE 'width_of' END AS relation,
    CASE WHEN shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    shape,
    [object_slot('object', name), value_slot('size', centimetres, 'cm', 0)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    [object_id] AS object_ids,
    [category, ''] AS categories,
    named_struct(
        'name', name_matches = 1, 'box', clipped_box IS NOT NULL, 'mask', has_mask, 'number', label_point IS NOT NULL,
        'outline', clear_outline) AS available,
    assign_marks(
        [named_struct('object_id', object_id, 'image', 0, 'box', clipped_box, 'label_point', label_point, 'own_colour', colour)],
        draw($seed, 'marks', frame_id, object_id)) AS marks,
    CASE WHEN shape = 'number' THEN CAST(CAST(round(centimetres) AS BIGINT) AS VARCHAR) ELSE value_text(centimetres, 'cm', 0) END AS answer,
    centimetres AS answer_value,
    'cm' AS answer_unit,
    1.0 AS margin,
    visibility,
    lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND place > $metric_questions_per_frame THEN 'enough_of_frame' ELSE reason END AS filtered
FROM ranked
