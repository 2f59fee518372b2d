-- writes: region_images
-- reads:  scenes, waypoints, waypoint_frames
-- keep:   cached
-- keys:   scene_id

-- The images of questions about one room of a house: what was photographed at the waypoints in it, at most `views_per_question`, evenly spread in the
-- order of their ids. In go regions and the frames of waypoints; out comes a row a region.
--
-- house     the scene_id of the house that shows it.
-- name      how a text calls the room: by its kind.
-- frame_ids null where nothing was photographed in it.
-- reason    why no question can be asked: its kind says nothing, or is none that ends at walls, or the house has two of the kind; or no images look
--           to all sides of it.
WITH taken AS (
    SELECT
        w.scene_id || '/' || w.region AS region_id, f.frame_id,
        row_number() OVER (PARTITION BY w.scene_id, w.region ORDER BY f.frame_id) - 1 AS number,
        count(*) OVER (PARTITION BY w.scene_id, w.region) AS frames,
        CASE
            WHEN abs(f.ahead_x) > abs(f.ahead_y) THEN CASE WHEN f.ahead_x > 0.0 THEN 'east' ELSE 'west' END
            ELSE CASE WHEN f.ahead_y > 0.0 THEN 'north' ELSE 'south' END
        END AS side
    FROM waypoints AS w
    JOIN waypoint_frames AS f ON f.scene_id = w.scene_id AND f.waypoint_id = w.waypoint_id
    WHERE w.region IS NOT NULL
),
-- As scene_views spreads them: image floor(i (N - 1) / (n - 1)) of N is the i-th of n.
places AS (
    SELECT
        region_id, place,
        CASE
            WHEN shown = 1 THEN 0
            ELSE CAST(floor(place * (CAST(frames - 1 AS DOUBLE) / CAST(shown - 1 AS DOUBLE))) AS BIGINT)
        END AS number
    FROM (
        SELECT region_id, frames, shown, unnest(generate_series(0, shown - 1)) AS place
        FROM (SELECT region_id, max(frames) AS frames, least(max(frames), $views_per_question) AS shown FROM taken GROUP BY region_id)
    )
),
shown AS (
    SELECT p.region_id, array_agg(t.frame_id ORDER BY p.place) AS frame_ids
    FROM places AS p
    JOIN taken AS t ON t.region_id = p.region_id AND t.number = p.number
    GROUP BY p.region_id
),
seen AS (
    SELECT region_id, count(DISTINCT side) AS sides FROM taken GROUP BY region_id
)
SELECT
    r.scene_id, r.within AS house, r.category AS name, v.frame_ids,
    CASE
        WHEN r.category IS NULL OR r.category IN ('outdoor area', 'stairs') THEN 'skipped_category'
        WHEN r.alike > 1 THEN 'not_single'
        WHEN coalesce(s.sides, 0) < 4 THEN 'not_all_seen'
    END AS reason
FROM shown AS v
JOIN seen AS s ON s.region_id = v.region_id
RIGHT JOIN (
    SELECT *, count(*) OVER (PARTITION BY within, category) AS alike FROM scenes WHERE kind = 'region' AND within IS NOT NULL AND $scene_tasks
) AS r ON r.scene_id = v.region_id
