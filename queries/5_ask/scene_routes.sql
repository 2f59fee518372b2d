-- writes: scene_routes
-- reads:  scenes, scene_landmarks, surfaces
-- keep:   cached
-- keys:   scene_id, from_id, to_id

-- Routes: the ways on a scan's free floor from each landmark that is an end to each other one. In go scenes, landmarks and triangles; out comes a row an ordered pair
-- of landmarks between which there is a way, with the actions at its turns, the landmarks beside them (corners), the path and the stops, as floor_routes
-- has them.
WITH gathered AS (
    SELECT scene_id, array_agg(named_struct('object_id', object_id, 'obb', obb, 'is_end', CAST(is_end AS BIGINT))) AS landmarks
    FROM scene_landmarks
    GROUP BY scene_id
),
scanned AS (
    SELECT scene_id, array_agg(named_struct('vertices', vertices, 'triangles', triangles)) AS surfaces
    FROM surfaces
    WHERE $scene_tasks
    GROUP BY scene_id
),
walked AS (
    SELECT
        c.scene_id, c.source, c.licence, c.split,
        unnest(floor_routes(
            s.surfaces, g.landmarks, c.floor_z,
            named_struct(
                'cell', $walk_cell, 'clearance', $walk_clearance, 'reach', $landmark_reach, 'corner_reach', $corner_reach,
                'straight', $straight_turn, 'max_turns', 3))) AS route
    FROM gathered AS g
    JOIN scenes AS c ON c.scene_id = g.scene_id
    JOIN scanned AS s ON s.scene_id = c.scene_id
    WHERE c.kind IN ('scan', 'house') AND c.metric
)
SELECT
    scene_id, source, licence, split, route['from_id'] AS from_id, route['to_id'] AS to_id, route['length'] AS length, route['detour'] AS detour, route['clear'] AS clear,
    route['actions'] AS actions, route['landmarks'] AS corners, route['path'] AS path, route['stops'] AS stops,
    CAST(coalesce(cardinality(route['actions']), 0) AS BIGINT) AS turns
FROM walked
