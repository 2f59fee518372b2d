-- writes: graph_routes
-- reads:  scenes, scene_objects, scene_references, waypoints, links, landmark_views, surfaces
-- keep:   cached
-- keys:   scene_id, from_waypoint, to_waypoint

-- Routes over navigation graphs, such as R2R's: the shortest way from each waypoint of a scene to each other, with a landmark that photos from
-- there show at each place where it starts, turns or ends, as graph_routes has them. In go waypoints, links, the names of objects and who is seen
-- from where; out comes a row an ordered pair of waypoints between which there is a way, with the reason why it makes no plan. Of scenes with
-- triangles the ways over the free floor are asked about instead.
WITH scanned AS (
    SELECT scene_id FROM surfaces WHERE $scene_tasks GROUP BY scene_id
),
seen AS (
    SELECT scene_id, waypoint_id, array_agg(object_id) AS seen FROM landmark_views GROUP BY scene_id, waypoint_id
),
standing AS (
    SELECT
        w.scene_id,
        array_agg(named_struct(
            'waypoint_id', w.waypoint_id, 'position', w.position, 'height', w.height, 'region', w.region,
            'seen', coalesce(s.seen, CAST([] AS VARCHAR[])))) AS waypoints
    FROM seen AS s
    RIGHT JOIN waypoints AS w ON w.scene_id = s.scene_id AND w.waypoint_id = s.waypoint_id
    WHERE $scene_tasks
    GROUP BY w.scene_id
),
linked AS (
    SELECT
        scene_id,
        array_agg(named_struct('from_waypoint', from_waypoint, 'to_waypoint', to_waypoint, 'length', length)) AS links
    FROM links
    WHERE $scene_tasks
    GROUP BY scene_id
),
named AS (
    SELECT
        r.scene_id,
        array_agg(named_struct(
            'object_id', r.object_id, 'name', r.name, 'obb', r.obb, 'region', o.region,
            'landmark', CASE
                WHEN r.name IS NULL OR array_has($skip_categories, lower(r.name)) OR array_has($skip_landmarks, lower(r.name)) THEN 0
                WHEN r.longest < $min_object_size THEN 0
                ELSE 1
            END)) AS objects
    FROM scene_objects AS o
    JOIN scene_references AS r ON r.scene_id = o.scene_id AND r.object_id = o.object_id
    WHERE $scene_tasks
    GROUP BY r.scene_id
),
walked AS (
    SELECT
        c.scene_id, c.source, c.licence, c.split,
        unnest(graph_routes(
            w.waypoints, l.links, n.objects,
            named_struct(
                'straight', $straight_turn, 'reach', $waypoint_reach, 'min_leg', $min_route_leg, 'max_rise', $max_route_rise,
                'max_turns', 4))) AS route
    FROM named AS n
    JOIN scenes AS c ON c.scene_id = n.scene_id
    JOIN standing AS w ON w.scene_id = c.scene_id
    JOIN linked AS l ON l.scene_id = c.scene_id
    WHERE c.kind IN ('scan', 'house') AND c.metric AND c.scene_id NOT IN (SELECT scene_id FROM scanned)
)
SELECT
    scene_id, source, licence, split, route['from_waypoint'] AS from_waypoint, route['to_waypoint'] AS to_waypoint, route['length'] AS length,
    route['stops'] AS stops, route['path'] AS path, route['turns'] AS turns, route['actions'] AS actions, route['landmarks'] AS landmarks,
    route['names'] AS names, route['faced'] AS faced, route['faced_names'] AS faced_names, route['faced_turns'] AS faced_turns,
    route['fault'] AS fault
FROM walked
