-- writes: questions
-- reads:  frame_pairs
-- keep:   table
-- keys:   question_id

-- Camera turn: does the camera look further to the left or to the right in image 2 than in image 1? In go frame pairs; out comes a question a pair. The
-- turn is that of the two directions of view on the ground plan, wherever the cameras stand; it needs no scale.
WITH judged AS (
    SELECT
        *, motion['turn'] AS turn_deg,
        CASE
            WHEN pair_reason IS NOT NULL THEN pair_reason
            WHEN motion IS NULL THEN 'no_motion'
            WHEN abs(motion['turn']) < $min_camera_turn THEN 'hardly_turned'
            -- A half turn has no side.
            WHEN abs(motion['turn']) > $max_camera_turn THEN 'near_boundary'
            WHEN abs(motion['tilt']) > 0.4 * abs(motion['turn']) THEN 'tilted'
        END AS reason
    FROM frame_pairs
    WHERE $pair_tasks
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY scene_id, reason IS NULL ORDER BY draw($seed, 'camera_turn', one_frame, other_frame), one_frame, other_frame) AS place
    FROM judged
)
SELECT
    id_hash('camera_turn', one_frame, other_frame) AS question_id,
    frame_ids,
    'pair' AS frames_from,
    true AS ordered,
    scene_id,
    source,
    licence,
    split,
    'camera_turn' AS task,
    CASE WHEN turn_deg > 0.0 THEN 'turned_right' ELSE 'turned_left' END AS relation,
    'choice' AS answer_form,
    'choice of 2 options' AS shape,
    [image_slot('view_one', 0), image_slot('view_two', 1)] AS slots,
    ['turned_left', 'turned_right'] AS options,
    CAST([] AS VARCHAR[]) AS object_ids,
    ['', ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked(CAST([] AS VARCHAR[])) AS marks,
    CASE WHEN turn_deg > 0.0 THEN 'turned_right' ELSE 'turned_left' END AS answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    coalesce(abs(turn_deg), 0.0) / 90.0 AS margin,
    1.0 AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND place > $questions_per_scene_task THEN 'enough_of_scene' ELSE reason END AS filtered
FROM ranked
