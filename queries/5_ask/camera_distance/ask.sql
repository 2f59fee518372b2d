-- writes: questions
-- reads:  frame_pairs
-- keep:   table
-- keys:   question_id

-- Camera distance: how far apart are the places from which image 1 and image 2 were taken? In go frame pairs; out comes a question a pair, for a number
-- or for one of four values that are measured in the dataset.
WITH judged AS (
    SELECT
        *, motion['distance'] AS distance,
        CASE
            WHEN pair_reason IS NOT NULL THEN pair_reason
            WHEN overlap > $max_pair_overlap THEN 'much_overlap'
            WHEN NOT metric THEN 'not_metric'
            WHEN motion IS NULL THEN 'no_motion'
            WHEN motion['distance'] < $min_camera_move THEN 'hardly_moved'
            WHEN motion['distance'] > $max_distance THEN 'too_far'
        END AS reason,
        CASE WHEN draw($seed, 'camera_distance/shape', one_frame, other_frame) < 0.5 THEN 'number' ELSE 'choice of value' END AS shape
    FROM frame_pairs
    WHERE $pair_tasks
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY scene_id, reason IS NULL ORDER BY draw($seed, 'camera_distance', one_frame, other_frame), one_frame, other_frame) AS place
    FROM judged
)
SELECT
    id_hash('camera_distance', one_frame, other_frame, shape) AS question_id,
    frame_ids,
    'pair' AS frames_from,
    true AS ordered,
    scene_id,
    source,
    licence,
    split,
    'camera_distance' AS task,
    'cameras_apart' AS relation,
    CASE WHEN shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    shape,
    [image_slot('view_one', 0), image_slot('view_two', 1), value_slot('distance', coalesce(distance, 0.0), 'm', 1)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    CAST([] AS VARCHAR[]) AS object_ids,
    ['', ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked(CAST([] AS VARCHAR[])) AS marks,
    CASE
        WHEN shape = 'number' THEN CAST(round(coalesce(distance, 0.0), 1) AS VARCHAR)
        ELSE value_text(coalesce(distance, 0.0), 'm', 1)
    END AS answer,
    distance AS answer_value,
    'm' AS answer_unit,
    1.0 AS margin,
    1.0 AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND place > $questions_per_scene_task THEN 'enough_of_scene' ELSE reason END AS filtered
FROM ranked
