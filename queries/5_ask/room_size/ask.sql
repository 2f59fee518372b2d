-- writes: questions
-- reads:  scenes, scene_images, scene_views, scene_sightings, scene_objects, region_images, surfaces
-- keep:   table
-- keys:   question_id

-- Room size: how many square metres has the floor of the room? In go scenes and their triangles; out comes a question a scene. The area is what
-- the source says, or that of the alpha shape of all vertices on the ground plan, as VSI-Bench measures it. Of a house, each room is asked about by its
-- kind, too, where its outline is known. Floor that no image shows cannot be guessed: of a scene's objects, as many as `min_scene_seen` have to be in
-- its images.
WITH seen AS (
    SELECT o.scene_id, CAST(count(s.object_id) AS DOUBLE) / count(*) AS share
    FROM scene_objects AS o
    LEFT JOIN (
        SELECT DISTINCT v.scene_id, s.object_id
        FROM scene_views AS v
        JOIN scene_sightings AS s ON s.frame_id = v.frame_id
    ) AS s ON s.scene_id = o.scene_id AND s.object_id = o.object_id
    GROUP BY o.scene_id
),
measured AS (
    SELECT
        c.*, f.floor,
        coalesce(c.floor_area, f.floor['area']) AS square_metres
    FROM (
        SELECT scene_id, floor_area(flatten(array_agg(vertices ORDER BY object_id)), $room_alpha, 0.0) AS floor
        FROM surfaces
        GROUP BY scene_id
    ) AS f
    RIGHT JOIN scenes AS c ON c.scene_id = f.scene_id
),
shaped AS (
    SELECT
        *,
        CASE WHEN draw($seed, 'room_size/shape', scene_id) < 0.5 THEN 'number' ELSE 'choice of value' END AS shape,
        CASE
            WHEN NOT metric THEN 'not_metric'
            WHEN square_metres IS NULL OR square_metres <= 0.0 THEN 'no_floor'
            WHEN floor_area IS NULL AND floor['hull'] - floor['area'] > 0.25 * floor['area'] THEN 'definitions_disagree'
            WHEN floor_area IS NULL AND (floor['points'] < 2000.0 OR floor['largest_part'] < 0.9) THEN 'incomplete_scan'
        END AS reason
    FROM measured
    WHERE kind IN ('scan', 'house', 'region')
),
shown AS (
    SELECT
        i.scene_id, i.scene_id AS shown_in, i.frame_ids, 'uniform' AS frames_from, 'floor_area' AS relation, '' AS room,
        CASE WHEN s.share < $min_scene_seen THEN 'not_all_seen' END AS reason
    FROM scene_images AS i
    LEFT JOIN seen AS s ON s.scene_id = i.scene_id
    UNION ALL
    SELECT scene_id, house AS shown_in, frame_ids, 'waypoints' AS frames_from, 'region_area' AS relation, coalesce(name, '') AS room, reason
    FROM region_images
    WHERE frame_ids IS NOT NULL AND $scene_tasks
)
SELECT
    id_hash('room_size', p.scene_id, p.shape) AS question_id,
    i.frame_ids,
    i.frames_from,
    false AS ordered,
    i.shown_in AS scene_id,
    p.source,
    p.licence,
    p.split,
    'room_size' AS task,
    i.relation,
    CASE WHEN p.shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    p.shape,
    [value_slot('area', coalesce(p.square_metres, 0.0), 'm2', 1), direction_slot('room', i.room)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    CAST([] AS VARCHAR[]) AS object_ids,
    [i.room, ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked(CAST([] AS VARCHAR[])) AS marks,
    CASE
        WHEN p.shape = 'number' THEN CAST(round(coalesce(p.square_metres, 0.0), 1) AS VARCHAR)
        ELSE value_text(coalesce(p.square_metres, 0.0), 'm2', 1)
    END AS answer,
    p.square_metres AS answer_value,
    'm2' AS answer_unit,
    1.0 AS margin,
    1.0 AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    coalesce(i.reason, p.reason) AS filtered
FROM shown AS i
JOIN shaped AS p ON p.scene_id = i.scene_id
