-- The things of a frame in the order of their numbers, the surest and then the largest first: what is marked on the image, with the object
-- that it became, where it became one.
WITH things AS (
    SELECT
        coalesce(o.object_id, d.object_id) AS object_id,
        coalesce(o.category, d.category) AS category,
        d.score,
        coalesce(o.box, d.box) AS box,
        coalesce(o.mask, d.mask) AS mask,
        o.obb,
        o.lift_quality
    FROM (SELECT * FROM objects_2d WHERE frame_id = $frame) AS d
    FULL JOIN (SELECT * FROM objects WHERE frame_id = $frame) AS o ON o.object_id = d.object_id
)
SELECT t.category, t.score, t.box, t.mask, t.obb, t.lift_quality, a.colour AS own_colour
FROM things AS t
LEFT JOIN (SELECT object_id, colour FROM appearances WHERE frame_id = $frame) AS a ON a.object_id = t.object_id
ORDER BY t.score DESC NULLS LAST, (t.box['x1'] - t.box['x0']) * (t.box['y1'] - t.box['y0']) DESC, t.object_id
