-- writes: questions
-- reads:  scenes, scene_references, scene_landmarks, scene_routes, graph_routes, graph_plans, scene_images
-- keep:   table
-- keys:   question_id

-- Route plan: you stand by the bed and face the lamp; which way do you turn at each blank of the plan that leads to the tv? In go routes
-- over a scan's floor and plans over navigation graphs; out comes a question a route, for its turns.
--
-- A route starts beside one landmark, turns beside others, and ends beside yet another one. Whether its first step is a turn to the left, to the right,
-- back or none is drawn: the landmark that is faced at the start makes it so. On the way there are turns to the left and to the right alone.
-- Who reads a plan thinks of straight lines from one named landmark to the next, and not of the path: each turn is the same along both.
--
-- Of a scan all of its images are shown, evenly spread, and of a plan over a graph those from its stops.
--
-- The options are all that two of the blanks can be; of a single blank there are two. Seen from any of them, the others differ in the same way: nothing
-- but the scene tells which one is right.
WITH faced AS (
    -- What may be faced at the start: for each landmark of the start's region how far the first leg turns from it, right > 0; on a
    -- graph with the image that shows it.
    SELECT
        r.scene_id, r.from_id, r.to_id, coalesce(r.corners[1], r.to_id) AS next_id, f.object_id AS face_id, f.name AS face_name,
        f.visible AS face_visible, CAST(NULL AS VARCHAR) AS face_frame,
        (degrees(atan2(r.path[3] - r.path[1], r.path[4] - r.path[2]))
            - degrees(atan2(f.obb.centre.x - r.path[1], f.obb.centre.y - r.path[2])) + 540.0) % 360.0 - 180.0 AS turn
    FROM scene_routes AS r
    JOIN scene_landmarks AS s ON s.scene_id = r.scene_id AND s.object_id = r.from_id
    JOIN scene_landmarks AS f ON f.scene_id = r.scene_id
    WHERE f.object_id <> r.from_id AND f.object_id <> r.to_id AND NOT coalesce(array_has(r.corners, f.object_id), false)
        AND sqrt(power(f.obb.centre.x - r.path[1], 2) + power(f.obb.centre.y - r.path[2], 2)) BETWEEN 1.0 AND $max_direction_distance
        AND box_distance(s.obb, f.obb) >= 0.5 * $min_route_leg AND f.region IS NOT DISTINCT FROM s.region
    UNION ALL
    SELECT
        scene_id, landmarks[1] AS from_id, landmarks[CAST(array_length(landmarks) AS BIGINT)] AS to_id, landmarks[2] AS next_id,
        f['object_id'] AS face_id, f['name'] AS face_name,
        f['visible'] AS face_visible, f['frame_id'] AS face_frame, f['turn'] AS turn
    FROM (SELECT scene_id, landmarks, unnest(faced) AS f FROM graph_plans WHERE reason IS NULL)
),
-- The same turn between the landmarks: from the one where one stands, from the faced one to the next one of the plan, right > 0.
read_faced AS (
    SELECT f.*, (540.0 - relative_direction(s.obb, o.obb, n.obb)['angle']) % 360.0 - 180.0 AS read_turn
    FROM scene_references AS s
    JOIN (scene_references AS o
    JOIN (scene_references AS n
    JOIN faced AS f
        ON n.scene_id = f.scene_id AND n.object_id = f.next_id)
        ON o.scene_id = f.scene_id AND o.object_id = f.face_id)
        ON s.scene_id = f.scene_id AND s.object_id = f.from_id
),
-- The first steps that are clear, each with a landmark that makes it so; one of them is drawn.
starts AS (
    SELECT *
    FROM (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY scene_id, from_id, to_id
                ORDER BY draw($seed, 'route_plan/first', scene_id, from_id, to_id, first_action),
                    draw($seed, 'route_plan/face', scene_id, from_id, to_id, face_id), face_id) AS drawn
        FROM (
            SELECT
                *,
                CASE
                    WHEN abs(turn) <= $facing_margin AND abs(read_turn) <= $read_facing_margin THEN 'none'
                    WHEN abs(turn + 90.0) <= $facing_margin AND abs(read_turn + 90.0) <= $read_facing_margin THEN 'turn_left'
                    WHEN abs(turn - 90.0) <= $facing_margin AND abs(read_turn - 90.0) <= $read_facing_margin THEN 'turn_right'
                    WHEN 180.0 - abs(turn) <= $facing_margin AND 180.0 - abs(read_turn) <= $read_facing_margin THEN 'turn_back'
                END AS first_action
            FROM read_faced
        )
        WHERE first_action IS NOT NULL
    )
    WHERE drawn = 1
),
-- A row a turn, over a floor and over a graph: its action, and by how many degrees one turns that way between the straight lines that join three
-- landmarks.
read_turns AS (
    SELECT
        t.scene_id, t.from_id, t.to_id,
        CASE t.action WHEN 'turn_left' THEN -1.0 ELSE 1.0 END * (180.0 - relative_direction(c.obb, b.obb, n.obb)['angle']) AS turn
    FROM scene_references AS b
    JOIN (scene_references AS n
    JOIN (scene_references AS c
    JOIN (
        SELECT
            scene_id, from_id, to_id, action, landmarks[place] AS before_id, landmarks[place + 1] AS corner_id, landmarks[place + 2] AS next_id
        FROM (
            SELECT scene_id, from_id, to_id, landmarks, unnest(actions) AS action, unnest(generate_series(1, array_length(actions))) AS place
            FROM (
                SELECT scene_id, from_id, to_id, actions, array_append(array_prepend(from_id, corners), to_id) AS landmarks
                FROM scene_routes
                WHERE turns BETWEEN 1 AND 3
                UNION ALL
                SELECT
                    scene_id, landmarks[1] AS from_id, landmarks[CAST(array_length(landmarks) AS BIGINT)] AS to_id, actions, landmarks
                FROM graph_plans
                WHERE reason IS NULL
            )
        )
    ) AS t
        ON c.scene_id = t.scene_id AND c.object_id = t.corner_id)
        ON n.scene_id = t.scene_id AND n.object_id = t.next_id)
        ON b.scene_id = t.scene_id AND b.object_id = t.before_id
),
-- The least and the most of them: a plan is read as it is meant where neither is nearly straight on nor nearly back.
read_routes AS (
    SELECT scene_id, from_id, to_id, min(turn) AS least_turn, max(turn) AS most_turn
    FROM read_turns
    GROUP BY scene_id, from_id, to_id
),
-- The legs of routes over a floor: the shortest, how near the landmarks are that are named one after the other, metres, and by how many degrees the
-- landmark at a leg's end misses its direction.
legs AS (
    SELECT scene_id, from_id, to_id, min(length) AS shortest, min(apart) AS nearest, max(offset) AS offset
    FROM (
        SELECT
            r.scene_id, r.from_id, r.to_id, sqrt(power(r.to_x - r.from_x, 2) + power(r.to_y - r.from_y, 2)) AS length,
            box_distance(b.obb, e.obb) AS apart,
            abs((degrees(atan2(e.obb.centre.x - r.from_x, e.obb.centre.y - r.from_y))
                - degrees(atan2(r.to_x - r.from_x, r.to_y - r.from_y)) + 540.0) % 360.0 - 180.0) AS offset
        FROM scene_landmarks AS b
        JOIN (scene_landmarks AS e
        JOIN (
            SELECT
                scene_id, from_id, to_id, stops[2 * leg - 1] AS from_x, stops[2 * leg] AS from_y, stops[2 * leg + 1] AS to_x, stops[2 * leg + 2] AS to_y,
                begin_id, end_id
            FROM (
                SELECT
                    *, unnest(generate_series(1, turns + 1)) AS leg, unnest(array_prepend(from_id, corners)) AS begin_id,
                    unnest(array_append(corners, to_id)) AS end_id
                FROM scene_routes
                WHERE turns BETWEEN 1 AND 3
            )
        ) AS r
            ON r.scene_id = e.scene_id AND r.end_id = e.object_id)
            ON r.scene_id = b.scene_id AND r.begin_id = b.object_id
    )
    GROUP BY scene_id, from_id, to_id
),
floor_plans AS (
    SELECT
        r.scene_id, r.source, r.licence, r.split, r.from_id, r.to_id, r.turns, r.actions, r.corners, nullif(f.first_action, 'none') AS first_action,
        f.face_id, f.face_name, CAST(NULL AS VARCHAR[]) AS frame_ids, s.name AS start_name, g.name AS goal_name,
        s.category AS start_category, g.category AS goal_category, [c1.name, c2.name, c3.name] AS corner_names,
        least(s.visible, g.visible, f.face_visible, coalesce(c1.visible, 1.0), coalesce(c2.visible, 1.0), coalesce(c3.visible, 1.0)) AS visibility,
        CASE
            WHEN r.turns = 0 THEN 'straight_route'
            WHEN r.turns > 3 THEN 'too_many_turns'
            WHEN coalesce(r.actions[1], '') NOT IN ('turn_left', 'turn_right')
                OR r.turns >= 2 AND coalesce(r.actions[2], '') NOT IN ('turn_left', 'turn_right')
                OR r.turns >= 3 AND coalesce(r.actions[3], '') NOT IN ('turn_left', 'turn_right') THEN 'unclear_turn'
            WHEN r.corners[1] IS NULL OR r.turns >= 2 AND r.corners[2] IS NULL OR r.turns >= 3 AND r.corners[3] IS NULL THEN 'no_corner_landmark'
            WHEN NOT r.clear THEN 'blocked_leg'
            WHEN least(l.shortest, l.nearest) < 0.5 * $min_route_leg THEN 'short_leg'
            WHEN l.offset > $max_landmark_offset THEN 'landmark_elsewhere'
            WHEN coalesce(t.least_turn < $min_read_turn OR t.most_turn > $max_read_turn, true) THEN 'unclear_turn'
            WHEN r.detour > $max_detour THEN 'detour'
            WHEN f.face_id IS NULL THEN 'nothing_faced'
        END AS reason
    FROM scene_routes AS r
    JOIN scene_landmarks AS s ON s.scene_id = r.scene_id AND s.object_id = r.from_id
    JOIN scene_landmarks AS g ON g.scene_id = r.scene_id AND g.object_id = r.to_id
    LEFT JOIN legs AS l ON l.scene_id = r.scene_id AND l.from_id = r.from_id AND l.to_id = r.to_id
    LEFT JOIN read_routes AS t ON t.scene_id = r.scene_id AND t.from_id = r.from_id AND t.to_id = r.to_id
    LEFT JOIN starts AS f ON f.scene_id = r.scene_id AND f.from_id = r.from_id AND f.to_id = r.to_id
    LEFT JOIN scene_landmarks AS c1 ON c1.scene_id = r.scene_id AND c1.object_id = r.corners[1]
    LEFT JOIN scene_landmarks AS c2 ON c2.scene_id = r.scene_id AND c2.object_id = r.corners[2]
    LEFT JOIN scene_landmarks AS c3 ON c3.scene_id = r.scene_id AND c3.object_id = r.corners[3]
),
-- Ways without a plan have no landmarks; waypoints tell them apart.
plans_between AS (
    SELECT
        *, coalesce(CAST(array_length(landmarks) AS BIGINT), 2) AS stops_told,
        CASE WHEN reason IS NULL THEN landmarks[1] ELSE 'waypoint ' || from_waypoint END AS from_id,
        CASE WHEN reason IS NULL THEN landmarks[CAST(array_length(landmarks) AS BIGINT)] ELSE 'waypoint ' || to_waypoint END AS to_id
    FROM graph_plans
),
judged AS (
    SELECT * FROM floor_plans
    UNION ALL
    SELECT
        r.scene_id, r.source, r.licence, r.split, r.from_id, r.to_id, r.stops_told - 2 AS turns, r.actions,
        array_slice(r.landmarks, 2, r.stops_told - 1) AS corners, nullif(f.first_action, 'none') AS first_action, f.face_id, f.face_name,
        array_distinct(array_prepend(f.face_frame, r.frame_ids)) AS frame_ids, coalesce(r.names[1], '') AS start_name,
        coalesce(r.names[r.stops_told], '') AS goal_name, coalesce(r.names[1], '') AS start_category,
        coalesce(r.names[r.stops_told], '') AS goal_category,
        array_slice(r.names, 2, r.stops_told - 1) AS corner_names, coalesce(least(r.visible, f.face_visible), 0.0) AS visibility,
        CASE
            WHEN r.reason IS NOT NULL THEN r.reason
            WHEN coalesce(t.least_turn < $min_read_turn OR t.most_turn > $max_read_turn, true) THEN 'unclear_turn'
            WHEN f.face_id IS NULL THEN 'nothing_faced'
        END AS reason
    FROM starts AS f
    RIGHT JOIN (
        read_routes AS t
        RIGHT JOIN plans_between AS r ON r.scene_id = t.scene_id AND r.from_id = t.from_id AND r.to_id = t.to_id
    ) ON r.scene_id = f.scene_id AND r.from_id = f.from_id AND r.to_id = f.to_id
),
limited AS (
    SELECT
        *, CASE WHEN first_action IS NULL THEN actions ELSE array_prepend(first_action, actions) END AS blanks,
        turns + CAST(first_action IS NOT NULL AS BIGINT) AS n,
        row_number() OVER (PARTITION BY scene_id, reason IS NULL ORDER BY draw($seed, 'route_plan', scene_id, from_id, to_id), from_id, to_id) AS turn
    FROM judged
),
-- Which two of the blanks the options differ in; of a single one the second is 0.
varied AS (
    SELECT
        scene_id, from_id, to_id, n, blanks, first_action IS NOT NULL AS starts_with_turn,
        pairs[1 + CAST(floor(array_length(pairs) * draw($seed, 'route_plan/varied', scene_id, from_id, to_id)) AS BIGINT)] AS pair,
        draw($seed, 'route_plan/other', scene_id, from_id, to_id) < 0.5 AS first_of_two
    FROM (
        SELECT
            *,
            CASE n
                WHEN 1 THEN [[1, 0]]
                WHEN 2 THEN [[1, 2]]
                WHEN 3 THEN [[1, 2], [1, 3], [2, 3]]
                WHEN 4 THEN [[1, 2], [1, 3], [1, 4], [2, 3], [2, 4], [3, 4]]
                ELSE [[1, 2], [1, 3], [1, 4], [1, 5], [2, 3], [2, 4], [2, 5], [3, 4], [3, 5], [4, 5]]
            END AS pairs
        FROM limited
        WHERE reason IS NULL
    )
),
-- A row a blank: what it is, and what else it could be. The first step can be any of three turns, others to the left or to the right.
blanks AS (
    SELECT
        *,
        CASE
            WHEN place > 1 OR NOT starts_with_turn THEN CASE action WHEN 'turn_left' THEN 'turn_right' ELSE 'turn_left' END
            WHEN action = 'turn_left' THEN CASE WHEN first_of_two THEN 'turn_right' ELSE 'turn_back' END
            WHEN action = 'turn_right' THEN CASE WHEN first_of_two THEN 'turn_left' ELSE 'turn_back' END
            ELSE CASE WHEN first_of_two THEN 'turn_left' ELSE 'turn_right' END
        END AS other
    FROM (SELECT *, unnest(blanks) AS action, unnest(generate_series(1, n)) AS place FROM varied)
),
sequences AS (
    SELECT
        scene_id, from_id, to_id, o.number,
        replace(array_to_string(array_agg(
            CASE WHEN place = pair[1] AND o.first_changed OR place = pair[2] AND o.second_changed THEN other ELSE action END
            ORDER BY place), ', '), '_', ' ') AS sequence
    FROM (VALUES (1, false, false), (2, true, false), (3, false, true), (4, true, true)) AS o (number, first_changed, second_changed)
    CROSS JOIN blanks
    WHERE pair[2] > 0 OR NOT o.second_changed
    GROUP BY scene_id, from_id, to_id, o.number
),
options AS (
    SELECT scene_id, from_id, to_id, array_agg(sequence ORDER BY number) AS options
    FROM sequences
    GROUP BY scene_id, from_id, to_id
),
planned AS (
    SELECT
        r.*, o.options, coalesce(o.options[1], 'turn left') AS answer,
        concat_ws(
            chr(10),
            CASE WHEN first_action IS NOT NULL THEN '1. [please fill in]' END,
            numbering[1] || '. Go forward until the ' || corner_names[1],
            numbering[2] || '. [please fill in]',
            CASE WHEN turns >= 2 THEN numbering[3] || '. Go forward until the ' || corner_names[2] END,
            CASE WHEN turns >= 2 THEN numbering[4] || '. [please fill in]' END,
            CASE WHEN turns >= 3 THEN numbering[5] || '. Go forward until the ' || corner_names[3] END,
            CASE WHEN turns >= 3 THEN numbering[6] || '. [please fill in]' END,
            CASE WHEN turns >= 4 THEN numbering[7] || '. Go forward until the ' || corner_names[4] END,
            CASE WHEN turns >= 4 THEN numbering[8] || '. [please fill in]' END,
            numbering[1 + 2 * turns] || '. Go forward until the ' || goal_name) AS steps
    FROM options AS o
    RIGHT JOIN (SELECT *, generate_series(1 + n - turns, 10) AS numbering FROM limited) AS r
        ON r.scene_id = o.scene_id AND r.from_id = o.from_id AND r.to_id = o.to_id
),
-- Scenes without any route are counted, too.
plans AS (
    SELECT
        id_hash('route_plan', scene_id, from_id, to_id) AS question_id, scene_id, source, licence, split,
        cardinality(options) AS choices, start_name, face_name, goal_name, steps, options,
        array_concat([from_id, coalesce(face_id, from_id), to_id], coalesce(corners, CAST([] AS VARCHAR[]))) AS object_ids, frame_ids,
        [start_category, goal_category] AS categories, answer,
        visibility, CASE WHEN reason IS NULL AND turn > $questions_per_scene_task THEN 'enough_of_scene' ELSE reason END AS filtered
    FROM planned
    UNION ALL
    SELECT
        id_hash('route_plan', c.scene_id) AS question_id, c.scene_id, c.source, c.licence, c.split, 2 AS choices, '' AS start_name, '' AS face_name,
        '' AS goal_name, '' AS steps, CAST([] AS VARCHAR[]) AS options, CAST([] AS VARCHAR[]) AS object_ids, CAST(NULL AS VARCHAR[]) AS frame_ids,
        ['', ''] AS categories, '' AS answer,
        1.0 AS visibility,
        CASE
            WHEN NOT c.metric THEN 'not_metric'
            WHEN coalesce(l.n, 0) < 2 THEN 'no_landmarks'
            WHEN c.floor_z IS NULL THEN 'no_floor'
            ELSE 'nowhere_to_walk'
        END AS filtered
    FROM (SELECT scene_id, count(*) AS n FROM scene_landmarks GROUP BY scene_id) AS l
    RIGHT JOIN scenes AS c ON c.scene_id = l.scene_id
    WHERE c.kind IN ('scan', 'house') AND c.scene_id NOT IN (SELECT scene_id FROM scene_routes)
        AND c.scene_id NOT IN (SELECT scene_id FROM graph_routes)
)
SELECT
    r.question_id,
    coalesce(r.frame_ids, i.frame_ids) AS frame_ids,
    CASE WHEN r.frame_ids IS NULL THEN 'uniform' ELSE 'waypoints' END AS frames_from,
    false AS ordered,
    r.scene_id,
    r.source,
    r.licence,
    r.split,
    'route_plan' AS task,
    'route_turns' AS relation,
    'choice' AS answer_form,
    CASE WHEN coalesce(r.choices, 2) = 2 THEN 'choice of 2 options' ELSE 'choice of 4 options' END AS shape,
    [
        object_slot('start', r.start_name), object_slot('face', coalesce(r.face_name, '')), object_slot('goal', r.goal_name),
        direction_slot('steps', r.steps)
    ] AS slots,
    r.options,
    r.object_ids,
    r.categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked(r.object_ids) AS marks,
    r.answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    1.0 AS margin,
    r.visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    r.filtered
FROM scene_images AS i
JOIN plans AS r ON r.scene_id = i.scene_id
