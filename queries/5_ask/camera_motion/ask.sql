-- writes: questions
-- reads:  frame_pairs
-- keep:   table
-- keys:   question_id

-- Camera motion: which way did the camera move from image 1 to image 2? In go frame pairs; out come two questions a pair: one about the way on the
-- ground plan, in one word or in two, and one about up and down.
--
-- The way is that to the second camera in view space of the first one, which is level: forward is where the first one looks. One word says it where the
-- other way is at most 20 degrees beside it, two words where both are 30 to 60 degrees off; between the two nothing is asked.
WITH asked AS (
    SELECT
        p.*, k.kind, p.motion['right'] AS right_m, p.motion['forward'] AS forward_m, p.motion['up'] AS up_m,
        p.motion['lesser_over_greater'] AS ratio,
        greatest(abs(p.motion['right']), abs(p.motion['forward'])) AS greater,
        least(abs(p.motion['right']), abs(p.motion['forward'])) AS lesser
    FROM (VALUES ('way'), ('height')) AS k (kind)
    CROSS JOIN frame_pairs AS p
    WHERE $pair_tasks
),
named AS (
    SELECT
        *,
        CASE
            WHEN kind = 'height' THEN CASE WHEN up_m > 0.0 THEN 'moved_up' ELSE 'moved_down' END
            WHEN ratio > 0.36
                THEN 'moved_' || CASE WHEN forward_m > 0.0 THEN 'forward' ELSE 'back' END || CASE WHEN right_m > 0.0 THEN '_right' ELSE '_left' END
            WHEN abs(right_m) > abs(forward_m) THEN CASE WHEN right_m > 0.0 THEN 'moved_right' ELSE 'moved_left' END
            ELSE CASE WHEN forward_m > 0.0 THEN 'moved_forward' ELSE 'moved_back' END
        END AS relation,
        CASE
            WHEN pair_reason IS NOT NULL THEN pair_reason
            WHEN overlap > $max_pair_overlap THEN 'much_overlap'
            WHEN NOT metric THEN 'not_metric'
            WHEN motion IS NULL THEN 'no_motion'
            WHEN kind = 'height' THEN CASE WHEN abs(up_m) < $min_camera_move THEN 'hardly_moved' END
            WHEN greater < $min_camera_move THEN 'hardly_moved'
            -- The way is not on the ground plan.
            WHEN abs(up_m) > greater THEN 'mostly_vertical'
            WHEN ratio > 0.36 AND ratio < 0.577 THEN 'near_boundary'
            WHEN ratio >= 0.577 AND lesser < $min_camera_move THEN 'hardly_moved'
        END AS reason
    FROM asked
),
dealt AS (
    -- What happens seldom comes first, so that the ways are as even as the scene allows.
    SELECT
        *,
        row_number() OVER (
            PARTITION BY scene_id, relation, reason IS NULL ORDER BY draw($seed, 'camera_motion', one_frame, other_frame, kind), one_frame, other_frame
        ) AS of_relation
    FROM named
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY scene_id, reason IS NULL
            ORDER BY of_relation, draw($seed, 'camera_motion', one_frame, other_frame, kind), one_frame, other_frame, kind) AS place
    FROM dealt
)
SELECT
    id_hash('camera_motion', one_frame, other_frame, kind) AS question_id,
    frame_ids,
    'pair' AS frames_from,
    true AS ordered,
    scene_id,
    source,
    licence,
    split,
    'camera_motion' AS task,
    coalesce(relation, 'moved_forward') AS relation,
    'choice' AS answer_form,
    CASE kind WHEN 'height' THEN 'choice of 2 options' ELSE 'choice of 4 options' END AS shape,
    [image_slot('view_one', 0), image_slot('view_two', 1)] AS slots,
    CASE
        WHEN kind = 'height' THEN ['moved_up', 'moved_down']
        WHEN ratio > 0.36 THEN ['moved_forward_left', 'moved_forward_right', 'moved_back_left', 'moved_back_right']
        ELSE ['moved_left', 'moved_right', 'moved_forward', 'moved_back']
    END AS options,
    CAST([] AS VARCHAR[]) AS object_ids,
    ['', ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked(CAST([] AS VARCHAR[])) AS marks,
    coalesce(relation, 'moved_forward') AS answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    coalesce(CASE kind WHEN 'height' THEN abs(up_m) ELSE greater END, 0.0) AS margin,
    1.0 AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND place > $questions_per_scene_task THEN 'enough_of_scene' ELSE reason END AS filtered
FROM ranked
