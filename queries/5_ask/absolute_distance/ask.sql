-- writes: questions
-- reads:  scene_pairs, scene_images
-- keep:   table
-- keys:   question_id

-- Absolute distance: how far apart are the closest points of the bed and the desk? In go pairs of a scene's objects; out comes a question a pair,
-- for a number or for one of four values that are measured in the dataset.
WITH drawn AS (
    SELECT
        *,
        CASE
            WHEN pair_reason IS NOT NULL THEN pair_reason
            WHEN distance < $min_distance THEN 'too_near'
            WHEN distance > $max_distance THEN 'too_far'
        END AS reason,
        CASE WHEN draw($seed, 'absolute_distance/shape', scene_id, one, other) < 0.5 THEN 'number' ELSE 'choice of value' END AS shape
    FROM scene_pairs
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY scene_id, reason IS NULL ORDER BY draw($seed, 'absolute_distance', scene_id, one, other), one, other) AS place
    FROM drawn
)
SELECT
    id_hash('absolute_distance', p.scene_id, p.one, p.other, p.shape) AS question_id,
    i.frame_ids,
    'uniform' AS frames_from,
    false AS ordered,
    p.scene_id,
    p.source,
    p.licence,
    p.split,
    'absolute_distance' AS task,
    'distance_apart' AS relation,
    CASE WHEN p.shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    p.shape,
    [object_slot('one', p.one_name), object_slot('other_one', p.other_name), value_slot('distance', p.distance, 'm', 1)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    [p.one, p.other] AS object_ids,
    [p.one_category, p.other_category] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked([p.one, p.other]) AS marks,
    CASE WHEN p.shape = 'number' THEN CAST(round(p.distance, 1) AS VARCHAR) ELSE value_text(p.distance, 'm', 1) END AS answer,
    p.distance AS answer_value,
    'm' AS answer_unit,
    1.0 AS margin,
    p.visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN p.reason IS NULL AND p.place > $questions_per_scene_task THEN 'enough_of_scene' ELSE p.reason END AS filtered
FROM scene_images AS i
JOIN ranked AS p ON p.scene_id = i.scene_id
