-- writes: category_sizes
-- reads:  scenes, scene_objects
-- keep:   table
-- keys:   source, category
-- shard:  all
-- check:  smallest <= usual AND usual <= largest

-- Category sizes: how long the longest side of an object of a category usually is, over all scenes of a source whose scale is known. In go scenes and
-- their objects; out comes a row a source and category of which $min_outlier_objects are there. Sources differ in what they call a window. An object
-- that is smaller or larger than the row says is an outlier: it was segmented together with something else, or in part, or its name is wrong.
--
-- The bounds are on a scale of factors: `max_size_spread` times the usual factor between an object and the median (the median of them, as a standard
-- deviation: times 1.4826), at least 1.5, since doors are all alike, and at most `max_size_ratio`. Outliers are few: where more than
-- `max_outlier_share` of a category is outside of the bounds, its name means things of several sizes, lamps on tables and lamps on the floor, and it has
-- no row.
WITH sized AS (
    SELECT c.source, o.category, greatest(o.obb.lengths.x, o.obb.lengths.y, o.obb.lengths.z) AS longest
    FROM scenes AS c
    JOIN scene_objects AS o ON o.scene_id = c.scene_id
    WHERE c.metric
),
medians AS (
    SELECT source, category, count(*) AS objects, median(longest) AS usual
    FROM sized
    WHERE longest > 0.0
    GROUP BY source, category
    HAVING count(*) >= $min_outlier_objects
),
spread AS (
    SELECT
        m.source, m.category, m.objects, m.usual,
        exp(least(ln($max_size_ratio), greatest(ln(1.5), $max_size_spread * 1.4826 * median(abs(ln(s.longest / m.usual)))))) AS factor
    FROM medians AS m
    JOIN sized AS s ON s.source = m.source AND s.category = m.category
    WHERE s.longest > 0.0
    GROUP BY m.source, m.category, m.objects, m.usual
),
bounded AS (
    -- To the millimetre, so that other machines' logarithms make no other row.
    SELECT source, category, objects, round(usual, 3) AS usual, round(usual / factor, 3) AS smallest, round(usual * factor, 3) AS largest
    FROM spread
)
SELECT b.source, b.category, b.objects, b.usual, b.smallest, b.largest
FROM bounded AS b
JOIN sized AS s ON s.source = b.source AND s.category = b.category
GROUP BY b.source, b.category, b.objects, b.usual, b.smallest, b.largest
HAVING count(*) FILTER (WHERE s.longest NOT BETWEEN b.smallest AND b.largest) <= $max_outlier_share * b.objects
