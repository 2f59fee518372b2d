-- writes: questions
-- reads:  frame_pairs, pair_sightings
-- keep:   table
-- keys:   question_id

-- Camera to object: how far is the camera of image 2 from the desk? In go frame pairs and what their frames show; out comes a question a pair, image and
-- object that this image shows well, for a number or for one of four values that are measured in the dataset. The distance is that of the camera's centre
-- and the closest point of the object's box.
WITH views AS (
    SELECT *, 0 AS view, one_frame AS viewed FROM frame_pairs WHERE $pair_tasks AND pair_reason IS NULL
    UNION ALL
    SELECT *, 1 AS view, other_frame AS viewed FROM frame_pairs WHERE $pair_tasks AND pair_reason IS NULL
),
asked AS (
    SELECT
        v.scene_id, v.source, v.licence, v.split, v.metric, v.frame_ids, v.one_frame, v.other_frame, v.view, v.viewed, s.object_id, s.name, s.category,
        s.visible, s.distance, s.disagree, s.good, s.clear
    FROM views AS v
    JOIN pair_sightings AS s ON s.frame_id = v.viewed
    WHERE s.name_reason IS NULL
),
judged AS (
    SELECT
        *,
        CASE
            WHEN NOT metric THEN 'not_metric'
            WHEN NOT good THEN 'not_seen'
            WHEN NOT clear THEN 'seen_in_part'
            WHEN distance < $min_camera_distance THEN 'too_near'
            WHEN distance > $max_distance THEN 'too_far'
            WHEN disagree THEN 'definitions_disagree'
        END AS reason,
        CASE
            WHEN draw($seed, 'camera_object_distance/shape', one_frame, other_frame, object_id) < 0.5 THEN 'number'
            ELSE 'choice of value'
        END AS shape,
        draw($seed, 'camera_object_distance', one_frame, other_frame, object_id, view) AS drawn
    FROM asked
),
once AS (
    -- A frame is in many pairs: one of them asks about its object.
    SELECT
        *,
        row_number() OVER (
            PARTITION BY viewed, object_id, reason IS NULL ORDER BY drawn, one_frame, other_frame) AS of_frame
    FROM judged
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY scene_id, reason IS NULL AND of_frame = 1 ORDER BY drawn, one_frame, other_frame, object_id, view) AS place
    FROM once
)
SELECT
    id_hash('camera_object_distance', one_frame, other_frame, object_id, view, shape) AS question_id,
    frame_ids,
    'pair' AS frames_from,
    true AS ordered,
    scene_id,
    source,
    licence,
    split,
    'camera_object_distance' AS task,
    'from_camera' AS relation,
    CASE WHEN shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    shape,
    [object_slot('object', name), image_slot('view', view), value_slot('distance', distance, 'm', 1)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    [object_id] AS object_ids,
    [category, ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    assign_marks([named_struct('object_id', object_id, 'image', view, 'box', NULL, 'label_point', NULL, 'own_colour', NULL)], 0.0) AS marks,
    CASE WHEN shape = 'number' THEN CAST(round(distance, 1) AS VARCHAR) ELSE value_text(distance, 'm', 1) END AS answer,
    distance AS answer_value,
    'm' AS answer_unit,
    1.0 AS margin,
    visible AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND (of_frame > 1 OR place > $questions_per_scene_task) THEN 'enough_of_scene' ELSE reason END AS filtered
FROM ranked
