-- writes: questions
-- reads:  references, objects, scenes, surface_gaps
-- keep:   table
-- keys:   question_id

-- Metric distance: how far apart are the chair and the table, in one image? In go a frame's references and their oriented boxes; out comes a question a
-- pair, for a number or for one of four values that are measured in the dataset. Only where depth was measured, or boxes are in metres, and never where
-- a model guessed.
--
-- Where a scan has surfaces, they must say the same. What was lifted from depth shows one side: its distance is asked where it is one to the side or up, and not into the image.
WITH placed AS (
    SELECT
        r.frame_id, r.object_id, r.source, r.scene_id, r.licence, r.split, r.name, r.category, r.name_matches, r.visibility, r.lift_quality, r.clipped_box,
        r.has_mask, r.label_point, r.colour, r.clear_outline, o.obb, o.low.y AS front, o.low.y + o.extent.y AS back, r.lifted_from,
        CASE
            WHEN NOT coalesce(c.metric, true) THEN 'not_metric'
            WHEN r.lifted_from = 'model' THEN 'estimated_depth'
            WHEN r.visibility < $min_visibility_metric THEN 'occluded'
            WHEN r.size_quality < $min_lift_quality_size THEN 'low_size_quality'
            WHEN r.lifted_from = 'depth' AND r.truncated THEN 'truncated'
        END AS length_reason,
        coalesce(r.skip_reason, r.object_reason) AS object_reason
    FROM scenes AS c
    RIGHT JOIN (references AS r JOIN objects AS o ON o.frame_id = r.frame_id AND o.object_id = r.object_id) ON c.scene_id = r.scene_id
    WHERE $metric_tasks AND o.obb IS NOT NULL
),
pairs AS (
    SELECT
        a.frame_id, a.scene_id, a.source, a.licence, a.split, a.object_id AS one, b.object_id AS other, a.name AS one_name, b.name AS other_name,
        a.category AS one_category, b.category AS other_category, a.clipped_box AS one_box, b.clipped_box AS other_box, a.label_point AS one_point,
        b.label_point AS other_point, a.colour AS one_colour, b.colour AS other_colour, a.has_mask AND b.has_mask AS have_masks,
        a.clear_outline AND b.clear_outline AS have_outlines, a.label_point IS NOT NULL AND b.label_point IS NOT NULL AS have_numbers,
        a.name_matches = 1 AND b.name_matches = 1 AND lower(a.name) <> lower(b.name) AS have_names,
        box_distance(a.obb, b.obb) AS distance, least(a.visibility, b.visibility) AS visibility, least(a.lift_quality, b.lift_quality) AS lift_quality,
        coalesce(
            a.object_reason, b.object_reason, a.length_reason, b.length_reason,
            CASE WHEN 'depth' IN (a.lifted_from, b.lifted_from) AND greatest(a.front, b.front) > least(a.back, b.back) THEN 'hidden_side' END) AS reason,
        draw($seed, 'metric_distance', a.frame_id, a.object_id, b.object_id) AS drawn,
        CASE
            WHEN draw($seed, 'metric_distance/shape', a.frame_id, a.object_id, b.object_id) < 0.5 THEN 'number'
            ELSE 'choice of value'
        END AS shape
    FROM placed AS b
    JOIN placed AS a ON a.frame_id = b.frame_id AND a.object_id < b.object_id
),
judged AS (
    SELECT
        p.* EXCEPT (reason),
        CASE
            WHEN p.reason IS NOT NULL THEN p.reason
            WHEN p.distance < $min_distance THEN 'too_near'
            WHEN p.distance > $max_distance THEN 'too_far'
            WHEN abs(p.distance - s.surface_distance) > greatest($max_box_error, $max_box_error_share * p.distance) THEN 'definitions_disagree'
        END AS reason
    FROM surface_gaps AS s
    RIGHT JOIN pairs AS p ON p.scene_id = s.scene_id AND p.one = s.one AND p.other = s.other
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY frame_id, reason IS NULL ORDER BY drawn, one, other) AS place
    FROM judged
)
SELECT
    id_hash('metric_distance', frame_id, one, other, shape) AS question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    licence,
    split,
    'metric_distance' AS task,
    'metres_apart' AS relation,
    CASE WHEN shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    shape,
    [object_slot('one', one_name), object_slot('other_one', other_name), value_slot('distance', distance, 'm', 1)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    [one, other] AS object_ids,
    [one_category, other_category] AS categories,
    named_struct(
        'name', have_names, 'box', one_box IS NOT NULL AND other_box IS NOT NULL, 'mask', have_masks, 'number', have_numbers,
        'outline', have_outlines) AS available,
    assign_marks(
        [
            named_struct('object_id', one, 'image', 0, 'box', one_box, 'label_point', one_point, 'own_colour', one_colour),
            named_struct('object_id', other, 'image', 0, 'box', other_box, 'label_point', other_point, 'own_colour', other_colour)
        ],
        draw($seed, 'marks', frame_id, one, other)) AS marks,
    CASE WHEN shape = 'number' THEN CAST(round(distance, 1) AS VARCHAR) ELSE value_text(distance, 'm', 1) END AS answer,
    distance AS answer_value,
    'm' AS answer_unit,
    1.0 AS margin,
    visibility,
    lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND place > $metric_questions_per_frame THEN 'enough_of_frame' ELSE reason END AS filtered
FROM ranked
