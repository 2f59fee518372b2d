-- writes: region_images
-- reads:  scenes, waypoints, waypoint_frames
-- keep:   cached
-- keys:   scene_id

-- The images of questions about one room of a house: of what was photographed at the waypoints in it the fewest that look to all sides, filled up to
-- `views_per_question`, evenly spread in the order of their ids. In go regions and the frames of waypoints; out comes a row a region.
--
-- house     the scene_id of the house that shows it.
-- name      how a text calls the room: by its kind.
-- frame_ids null where nothing was photographed in it.
-- reason    why no question can be asked: its kind says nothing, or is none that ends at walls, or the house has two of the kind; or no images look
--           to all sides of it.
WITH taken AS (
    SELECT
        w.scene_id || '/' || w.region AS region_id, f.frame_id,
        CASE
            WHEN abs(f.ahead_x) > abs(f.ahead_y) THEN CASE WHEN f.ahead_x > 0.0 THEN 'east' ELSE 'west' END
            ELSE CASE WHEN f.ahead_y > 0.0 THEN 'north' ELSE 'south' END
        END AS side
    FROM waypoints AS w
    JOIN waypoint_frames AS f ON f.scene_id = w.scene_id AND f.waypoint_id = w.waypoint_id
    WHERE w.region IS NOT NULL
),
shown AS (
    SELECT
        region_id, count(DISTINCT side) AS sides,
        covering_frames(
            array_agg(frame_id ORDER BY frame_id), array_agg(named_struct('frame_id', frame_id, 'object_id', side)), $views_per_question) AS frame_ids
    FROM taken
    GROUP BY region_id
)
SELECT
    r.scene_id, r.within AS house, r.category AS name, v.frame_ids,
    CASE
        WHEN r.category IS NULL OR r.category IN ('outdoor area', 'stairs') THEN 'skipped_category'
        WHEN r.alike > 1 THEN 'not_single'
        WHEN coalesce(v.sides, 0) < 4 THEN 'not_all_seen'
        WHEN array_length(v.frame_ids) > $views_per_question THEN 'too_many_views'
    END AS reason
FROM shown AS v
RIGHT JOIN (
    SELECT *, count(*) OVER (PARTITION BY within, category) AS alike
    FROM scenes
    WHERE kind = 'region' AND within IS NOT NULL AND $scene_tasks
) AS r ON r.scene_id = v.region_id
