-- writes: questions
-- reads:  scene_references, scene_images
-- keep:   table
-- keys:   question_id

-- Object size: how long is the longest side of the bed? In go a scene's references; out comes a question an object, in whole centimetres, for a
-- number or for one of four values that are measured in the dataset. The side is that of the upright box: a tilted box has sides that are no
-- dimension of the object.
WITH measured AS (
    SELECT
        r.*,
        CASE
            WHEN NOT r.metric THEN 'not_metric'
            WHEN r.view_reason IS NOT NULL THEN r.view_reason
            WHEN NOT r.measurable THEN 'seen_in_part'
            WHEN least(r.longest, r.longest_along_axes) < (1.0 - $max_size_disagreement) * greatest(r.longest, r.longest_along_axes)
                THEN 'definitions_disagree'
        END AS reason,
        CASE WHEN draw($seed, 'object_size/shape', r.scene_id, r.object_id) < 0.5 THEN 'number' ELSE 'choice of value' END AS shape
    FROM scene_references AS r
    WHERE r.name_reason IS NULL
),
ranked AS (
    SELECT
        *, 100.0 * longest AS centimetres,
        row_number() OVER (
            PARTITION BY scene_id, reason IS NULL ORDER BY draw($seed, 'object_size', scene_id, object_id), object_id) AS place
    FROM measured
)
SELECT
    id_hash('object_size', p.scene_id, p.object_id, p.shape) AS question_id,
    i.frame_ids,
    'uniform' AS frames_from,
    false AS ordered,
    p.scene_id,
    p.source,
    p.licence,
    p.split,
    'object_size' AS task,
    'longest_side' AS relation,
    CASE WHEN p.shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    p.shape,
    [object_slot('object', p.name), value_slot('size', p.centimetres, 'cm', 0)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    [p.object_id] AS object_ids,
    [p.category, ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked([p.object_id]) AS marks,
    CASE WHEN p.shape = 'number' THEN CAST(CAST(round(p.centimetres) AS BIGINT) AS VARCHAR) ELSE value_text(p.centimetres, 'cm', 0) END AS answer,
    p.centimetres AS answer_value,
    'cm' AS answer_unit,
    1.0 AS margin,
    p.visible AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN p.reason IS NULL AND p.place > $questions_per_scene_task THEN 'enough_of_scene' ELSE p.reason END AS filtered
FROM scene_images AS i
JOIN ranked AS p ON p.scene_id = i.scene_id
