-- writes: questions
-- reads:  frame_pairs, pair_sightings
-- keep:   table
-- keys:   question_id

-- Covisibility: is the desk in both images? In go frame pairs and what their frames show; out comes a question a pair and object that one of the images
-- shows well. The answer is yes where the other one does so, too, and no where it shows no pixel of it; nothing is asked in between.
WITH views AS (
    SELECT *, one_frame AS viewed FROM frame_pairs WHERE $pair_tasks AND pair_reason IS NULL
    UNION ALL
    SELECT *, other_frame AS viewed FROM frame_pairs WHERE $pair_tasks AND pair_reason IS NULL
),
shown AS (
    SELECT
        v.scene_id, v.source, v.licence, v.split, v.frame_ids, v.one_frame, v.other_frame, s.object_id, min(s.name) AS name,
        min(s.category) AS category, max(s.visible) AS visible, count(*) AS views, count(*) FILTER (WHERE s.good) AS good_views,
        bool_and(s.exhaustive) AS exhaustive
    FROM views AS v
    JOIN pair_sightings AS s ON s.frame_id = v.viewed
    WHERE s.name_reason IS NULL
    GROUP BY v.scene_id, v.source, v.licence, v.split, v.frame_ids, v.one_frame, v.other_frame, s.object_id
),
judged AS (
    SELECT
        *,
        CASE WHEN good_views = 2 THEN 'yes' ELSE 'no' END AS answer,
        CASE
            WHEN good_views = 0 THEN 'not_seen'
            WHEN good_views = 1 AND views = 2 THEN 'partly_seen'
            -- Another one that nobody marked may be in the image.
            WHEN good_views = 1 AND NOT exhaustive THEN 'not_exhaustive'
        END AS reason
    FROM shown
),
ranked AS (
    -- As many of either answer.
    SELECT
        *,
        row_number() OVER (
            PARTITION BY scene_id, answer, reason IS NULL
            ORDER BY draw($seed, 'covisible', one_frame, other_frame, object_id), one_frame, other_frame, object_id) AS place
    FROM judged
)
SELECT
    id_hash('covisible', one_frame, other_frame, object_id) AS question_id,
    frame_ids,
    'pair' AS frames_from,
    true AS ordered,
    scene_id,
    source,
    licence,
    split,
    'covisible' AS task,
    'in_both_images' AS relation,
    'yes_no' AS answer_form,
    'fixed yes_no' AS shape,
    [object_slot('object', name), image_slot('view_one', 0), image_slot('view_two', 1)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    [object_id] AS object_ids,
    [category, ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked([object_id]) AS marks,
    answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    1.0 AS margin,
    visible AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND place > $questions_per_scene_task / 2.0 THEN 'enough_of_scene' ELSE reason END AS filtered
FROM ranked
