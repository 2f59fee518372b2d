-- writes: scene_references
-- reads:  scenes, scene_objects, scene_views, sightings
-- keep:   cached
-- keys:   scene_id, object_id

-- Referring expressions over a scene: each of its objects by its category, with the reason why a question about the scene cannot name it.
-- In go scenes, their objects, and what the question's images show; out comes a row an object.
--
-- instances     how many objects of the scene have its category: "the chair" means one of one.
-- name_reason   why no question can name it: its category says nothing, or is that of several objects, or it is too small to be told.
-- view_reason   why people cannot see enough of it in the question's images; null where it has a good sighting: min_sighting_share of an image's
--               pixels and min_sighting_pixels at least, and min_sighting_visible of what it would show if nothing hid it; twice as much where
--               boxes alone say what hides it.
-- visible       the share of it that is seen where it is seen best.
-- good_views    the places of the images with a good sighting of it.
-- longest       the longest side of its box, metres; longest_along_axes of its bounds along the world's axes.
WITH seen AS (
    SELECT
        scene_id, object_id, max(visible) AS visible, array_agg(place ORDER BY place) FILTER (WHERE good) AS good_views, bool_or(good) AS good
    FROM (
        SELECT
            s.scene_id, s.object_id, s.visible, v.place,
            s.visible_px >= s.scale * greatest($min_sighting_pixels, $min_sighting_share * v.pixels)
                AND s.visible >= s.scale * $min_sighting_visible AS good
        FROM scene_views AS v
        JOIN (SELECT *, CASE WHEN evidence = 'boxes' THEN 2.0 ELSE 1.0 END AS scale FROM sightings) AS s ON s.frame_id = v.frame_id
    )
    GROUP BY scene_id, object_id
),
placed AS (
    SELECT
        c.scene_id, c.source, c.licence, c.split, c.metric, c.exhaustive, o.object_id, o.category, noun_phrase(o.category) AS name, o.obb,
        greatest(o.obb.lengths.x, o.obb.lengths.y, o.obb.lengths.z) AS longest,
        greatest(o.max.x - o.min.x, o.max.y - o.min.y, o.max.z - o.min.z) AS longest_along_axes,
        count(*) OVER (PARTITION BY o.scene_id, lower(noun_phrase(o.category))) AS instances
    FROM scenes AS c
    JOIN scene_objects AS o ON o.scene_id = c.scene_id
)
SELECT
    p.*, coalesce(s.visible, 0.0) AS visible, s.good_views,
    CASE
        WHEN p.name IS NULL OR array_has($skip_categories, lower(p.name)) THEN 'skipped_category'
        WHEN p.instances > 1 THEN 'not_single'
        WHEN p.longest < $min_object_size THEN 'too_small'
    END AS name_reason,
    CASE WHEN NOT coalesce(s.good, false) THEN 'not_seen' END AS view_reason
FROM seen AS s
RIGHT JOIN placed AS p ON p.scene_id = s.scene_id AND p.object_id = s.object_id
