-- writes: questions
-- reads:  scene_references, scene_images
-- keep:   table
-- keys:   question_id

-- Relative direction: if I stand by the bed and face the desk, where is the tv? In go a scene's references; out comes a question an ordered
-- triple of objects, in one of three difficulties: left or right; left, right or behind; or one of four quadrants.
--
-- The sector must hold by a margin to BOTH of its boundaries, and nearly all of the object asked about must lie in it. Where one stands, what one faces
-- and what is asked about are in one room, or an image shows them together, two by two.
WITH usable AS (
    SELECT * FROM scene_references WHERE name_reason IS NULL AND view_reason IS NULL
),
facing AS (
    SELECT
        a.scene_id, a.source, a.licence, a.split, a.object_id AS stand, b.object_id AS face, a.name AS stand_name, b.name AS face_name,
        a.category AS stand_category, a.obb AS stand_obb, b.obb AS face_obb, a.region AS stand_region, a.good_views AS stand_views,
        coalesce(a.region = b.region, false) OR coalesce(array_has_any(a.good_views, b.good_views), false) AS together, least(a.visible, b.visible) AS visibility
    FROM usable AS b
    JOIN usable AS a ON a.scene_id = b.scene_id AND a.object_id <> b.object_id
    WHERE box_distance(a.obb, b.obb) BETWEEN $min_distance AND $max_direction_distance AND footprint_overlap(a.obb, b.obb) < 0.5
),
triples AS (
    SELECT
        f.*, c.object_id AS query, c.name AS query_name, c.category AS query_category, least(f.visibility, c.visible) AS seen,
        relative_direction(f.stand_obb, f.face_obb, c.obb) AS direction,
        coalesce(f.stand_region = c.region, false) OR coalesce(array_has_any(f.stand_views, c.good_views), false) AS query_together,
        ['easy', 'medium', 'hard'][1 + CAST(floor(3.0 * draw($seed, 'relative_direction/difficulty', f.scene_id, f.stand, f.face, c.object_id)) AS BIGINT)]
            AS difficulty
    FROM facing AS f
    JOIN usable AS c ON c.scene_id = f.scene_id AND c.object_id <> f.stand AND c.object_id <> f.face
    WHERE box_distance(f.stand_obb, c.obb) BETWEEN $min_distance AND $max_direction_distance
        AND box_distance(f.face_obb, c.obb) BETWEEN $min_distance AND $max_direction_distance
        AND footprint_overlap(f.stand_obb, c.obb) < 0.5
        AND draw($seed, 'relative_direction/triple', f.scene_id, f.stand, f.face, c.object_id) < $direction_triples
),
sectored AS (
    SELECT
        *,
        CASE difficulty WHEN 'easy' THEN direction['easy'] WHEN 'medium' THEN direction['medium'] ELSE direction['hard'] END AS sector
    FROM triples
),
judged AS (
    SELECT
        *,
        'direction_' || replace(sector['sector'], '-', '_') AS relation,
        CASE
            WHEN direction IS NULL OR least(direction['to_face'], direction['to_query']) < $min_stand_distance THEN 'too_near'
            -- Left or right of what is nearly behind is a riddle.
            WHEN difficulty = 'easy' AND abs(direction['angle'] - 180.0) < 45.0 THEN 'near_boundary'
            WHEN sector['boundary'] < $min_direction_margin THEN 'near_boundary'
            WHEN sector['corners_elsewhere'] > 2 OR sector['corners_beyond'] > 0 THEN 'corners_elsewhere'
            WHEN NOT (together AND query_together) THEN 'not_together'
        END AS reason
    FROM sectored
),
limited AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY scene_id, reason IS NULL ORDER BY draw($seed, 'relative_direction', scene_id, stand, face, query), stand, face, query) AS turn
    FROM judged
)
SELECT
    id_hash('relative_direction', p.scene_id, p.stand, p.face, p.query, p.difficulty) AS question_id,
    i.frame_ids,
    'uniform' AS frames_from,
    false AS ordered,
    p.scene_id,
    p.source,
    p.licence,
    p.split,
    'relative_direction' AS task,
    coalesce(p.relation, 'direction_left') AS relation,
    'choice' AS answer_form,
    CASE p.difficulty WHEN 'easy' THEN 'choice of 2 options' WHEN 'medium' THEN 'choice of 3 options' ELSE 'choice of 4 options' END AS shape,
    [object_slot('stand', p.stand_name), object_slot('face', p.face_name), object_slot('query', p.query_name)] AS slots,
    CASE p.difficulty
        WHEN 'easy' THEN ['direction_left', 'direction_right']
        WHEN 'medium' THEN ['direction_left', 'direction_right', 'direction_back']
        ELSE ['direction_front_left', 'direction_front_right', 'direction_back_left', 'direction_back_right']
    END AS options,
    [p.stand, p.face, p.query] AS object_ids,
    [p.stand_category, p.query_category] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked([p.stand, p.face, p.query]) AS marks,
    coalesce(p.relation, 'direction_left') AS answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    coalesce(p.sector['boundary'], 0.0) / 45.0 AS margin,
    p.seen AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN p.reason IS NULL AND p.turn > $questions_per_scene_task THEN 'enough_of_scene' ELSE p.reason END AS filtered
FROM scene_images AS i
JOIN limited AS p ON p.scene_id = i.scene_id
