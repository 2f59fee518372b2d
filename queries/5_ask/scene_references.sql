-- writes: scene_references
-- reads:  scenes, scene_objects, category_sizes, scene_views, scene_sightings
-- keep:   cached
-- keys:   scene_id, object_id

-- Referring expressions over a scene: each of its objects by its category, with the reason why a question about the scene cannot name it.
-- In go scenes, their objects, and what the question's images show; out comes a row an object.
--
-- instances     how many objects of the scene its name fits, those of a more special category among them: "the chair" means one of one, and also
--               fits an office chair.
-- kin           whether another category of the scene is more special, or more general: annotators mix chair and office chair.
-- name_reason   why no question can name it: its category says nothing, or fits several objects, or it is too small to be told, or too large or too
--               small for what it is called.
-- view_reason   why people cannot see enough of it in the question's images; null where one of them has a clear sighting.
-- measurable    whether one of them shows it nearly whole, so that its size can be told.
-- region        the room that it stands in, where the source says so.
-- visible       the share of it that is seen where it is seen best.
-- good_views    the places of the images with a good sighting of it.
-- longest       the longest side of its box, metres; longest_along_axes of its bounds along the world's axes.
WITH seen AS (
    SELECT
        s.scene_id, s.object_id, max(s.visible) AS visible, array_agg(v.place ORDER BY v.place) FILTER (WHERE s.good) AS good_views,
        bool_or(s.good) AS good, bool_or(s.clear) AS clear,
        bool_or(s.good AND s.visible >= $min_measured_visible AND s.inside >= $min_measured_inside) AS measurable
    FROM scene_views AS v
    JOIN scene_sightings AS s ON s.frame_id = v.frame_id
    GROUP BY s.scene_id, s.object_id
),
named AS (
    SELECT *, noun_phrase(category) AS name, lower(noun_phrase(category)) AS lower_name
    FROM scene_objects
),
name_counts AS (
    SELECT scene_id, lower_name, count(*) AS n
    FROM named
    GROUP BY scene_id, lower_name
),
names AS (
    SELECT
        a.scene_id, a.lower_name,
        sum(CASE WHEN a.lower_name = b.lower_name OR ends_with(b.lower_name, ' ' || a.lower_name) THEN b.n ELSE 0 END) AS instances,
        bool_or(ends_with(b.lower_name, ' ' || a.lower_name) OR ends_with(a.lower_name, ' ' || b.lower_name)) AS kin
    FROM name_counts AS a
    JOIN name_counts AS b ON a.scene_id = b.scene_id
    GROUP BY a.scene_id, a.lower_name
),
placed AS (
    SELECT
        c.scene_id, c.source, c.licence, c.split, c.metric, c.exhaustive, o.object_id, o.category, o.name, o.obb, o.region,
        greatest(o.obb.lengths.x, o.obb.lengths.y, o.obb.lengths.z) AS longest,
        greatest(o.max.x - o.min.x, o.max.y - o.min.y, o.max.z - o.min.z) AS longest_along_axes, n.instances, n.kin,
        z.smallest, z.largest
    FROM category_sizes AS z
    RIGHT JOIN (
        scenes AS c
        JOIN named AS o ON o.scene_id = c.scene_id
        JOIN names AS n ON n.scene_id = c.scene_id AND n.lower_name IS NOT DISTINCT FROM o.lower_name
    ) ON z.source = c.source AND z.category = o.category
)
SELECT
    p.* EXCEPT (smallest, largest), coalesce(s.visible, 0.0) AS visible, s.good_views, coalesce(s.measurable, false) AS measurable,
    CASE
        WHEN p.name IS NULL OR array_has($skip_categories, lower(p.name)) THEN 'skipped_category'
        WHEN p.instances > 1 THEN 'not_single'
        WHEN p.metric AND p.longest < $min_object_size THEN 'too_small'
        WHEN p.metric AND (p.longest < p.smallest OR p.longest > p.largest) THEN 'outlier_size'
    END AS name_reason,
    CASE WHEN NOT coalesce(s.good, false) THEN 'not_seen' WHEN NOT s.clear THEN 'seen_in_part' END AS view_reason
FROM seen AS s
RIGHT JOIN placed AS p ON p.scene_id = s.scene_id AND p.object_id = s.object_id
