-- writes: graph_plans
-- reads:  graph_routes, waypoint_frames, landmark_views
-- keep:   cached
-- keys:   scene_id, from_waypoint, to_waypoint

-- Plans over navigation graphs with the images that show them. In go the ways over graphs and what was photographed at their waypoints; out comes a
-- row a way, with the reason why no plan is asked about it.
--
-- frame_ids    at each stop the image that looks most along the leg that leads there, along the one that leads on, and the one that shows most of the
--              landmark.
-- faced        what one could face at the start: objects that an image from there shows well, with how far the first leg turns from each and that
--              image.
-- reason       why nothing can be asked; of ways with the same ends by their landmarks, the shortest is left.
WITH plans AS (
    SELECT * FROM graph_routes WHERE fault IS NULL
),
stops AS (
    SELECT
        scene_id, from_waypoint, to_waypoint, waypoint_id, object_id, stop, stop_count,
        path[2 * stop - 1] AS x, path[2 * stop] AS y, path[2 * stop - 3] AS before_x, path[2 * stop - 2] AS before_y,
        path[2 * stop + 1] AS after_x, path[2 * stop + 2] AS after_y
    FROM (
        SELECT
            scene_id, from_waypoint, to_waypoint, path, CAST(array_length(stops) AS BIGINT) AS stop_count,
            unnest(stops) AS waypoint_id, unnest(landmarks) AS object_id, unnest(generate_series(1, CAST(array_length(stops) AS BIGINT))) AS stop
        FROM plans
    )
),
-- The way in, the way out.
directions AS (
    SELECT scene_id, from_waypoint, to_waypoint, waypoint_id, stop, 1 AS side, x - before_x AS way_x, y - before_y AS way_y FROM stops WHERE stop > 1
    UNION ALL
    SELECT scene_id, from_waypoint, to_waypoint, waypoint_id, stop, 2 AS side, after_x - x AS way_x, after_y - y AS way_y
    FROM stops
    WHERE stop < stop_count
),
ways AS (
    SELECT scene_id, from_waypoint, to_waypoint, stop, side, frame_id
    FROM (
        SELECT
            d.scene_id, d.from_waypoint, d.to_waypoint, d.stop, d.side, w.frame_id,
            row_number() OVER (
                PARTITION BY d.scene_id, d.from_waypoint, d.to_waypoint, d.stop, d.side
                ORDER BY d.way_x * w.ahead_x + d.way_y * w.ahead_y DESC, w.frame_id) AS best
        FROM waypoint_frames AS w
        JOIN directions AS d ON d.scene_id = w.scene_id AND d.waypoint_id = w.waypoint_id
    )
    WHERE best = 1
),
marked AS (
    SELECT p.scene_id, p.from_waypoint, p.to_waypoint, p.stop, 3 AS side, s.frame_id, s.visible
    FROM landmark_views AS s
    JOIN stops AS p ON p.scene_id = s.scene_id AND p.waypoint_id = s.waypoint_id AND p.object_id = s.object_id
),
shown AS (
    SELECT
        scene_id, from_waypoint, to_waypoint, array_distinct(array_agg(frame_id ORDER BY stop, side)) AS frame_ids, min(visible) AS visible
    FROM (
        SELECT *, CAST(NULL AS DOUBLE) AS visible FROM ways
        UNION ALL
        SELECT * FROM marked
    )
    GROUP BY scene_id, from_waypoint, to_waypoint
),
faced AS (
    SELECT
        f.scene_id, f.from_waypoint, f.to_waypoint,
        array_agg(named_struct(
            'object_id', f.object_id, 'name', f.name, 'turn', f.turn, 'frame_id', s.frame_id, 'visible', s.visible) ORDER BY f.object_id) AS faced
    FROM landmark_views AS s
    JOIN (
        SELECT scene_id, from_waypoint, to_waypoint, unnest(faced) AS object_id, unnest(faced_names) AS name, unnest(faced_turns) AS turn FROM plans
    ) AS f ON f.scene_id = s.scene_id AND f.from_waypoint = s.waypoint_id AND f.object_id = s.object_id
    GROUP BY f.scene_id, f.from_waypoint, f.to_waypoint
),
judged AS (
    SELECT
        p.* EXCEPT (faced, faced_names, faced_turns, fault), v.frame_ids, v.visible, f.faced,
        CASE
            WHEN p.fault IS NOT NULL THEN p.fault
            WHEN array_length(v.frame_ids) + 1 > $views_per_question THEN 'too_many_views'
        END AS reason
    FROM shown AS v
    RIGHT JOIN graph_routes AS p ON p.scene_id = v.scene_id AND p.from_waypoint = v.from_waypoint AND p.to_waypoint = v.to_waypoint
    LEFT JOIN faced AS f ON f.scene_id = p.scene_id AND f.from_waypoint = p.from_waypoint AND f.to_waypoint = p.to_waypoint
)
SELECT
    * EXCEPT (reason, least_told, most_told, nearest),
    CASE
        WHEN reason IS NOT NULL THEN reason
        -- The same words, and other turns.
        WHEN least_told <> most_told THEN 'unclear_turn'
        WHEN nearest > 1 THEN 'same_ends'
    END AS reason
FROM (
    SELECT
        *,
        min(array_to_string(actions, ' ')) OVER (PARTITION BY scene_id, array_to_string(landmarks, ' ')) AS least_told,
        max(array_to_string(actions, ' ')) OVER (PARTITION BY scene_id, array_to_string(landmarks, ' ')) AS most_told,
        row_number() OVER (
            PARTITION BY scene_id, reason IS NULL, landmarks[1], landmarks[CAST(array_length(landmarks) AS BIGINT)]
            ORDER BY length, from_waypoint, to_waypoint) AS nearest
    FROM judged
)
