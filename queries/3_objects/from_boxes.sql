-- writes: objects
-- reads:  frames, detections
-- keep:   table
-- keys:   frame_id, object_id
-- check:  visibility BETWEEN 0 AND 1
--
-- 3D boxes that were annotated in camera axes become objects. How much of one the image shows is what its annotation says; where that says
-- nothing, it follows from the other boxes of the frame and the image's border, and is trusted less, because what has no box may hide it, too.
-- A camera that nobody knows is taken to have the field of view that photos have; one whose gravity nobody knows is taken to be level.
WITH shown AS (
    SELECT frame_id, v['object_id'] AS object_id, v['visibility'] AS unhidden
    FROM (
        SELECT
            d.frame_id,
            unnest(box_visibility(
                named_struct(
                    'width', f.width, 'height', f.height, 'fx', coalesce(f.fx, f.guessed), 'fy', coalesce(f.fy, f.guessed),
                    'cx', coalesce(f.cx, (f.width - 1) / 2.0), 'cy', coalesce(f.cy, (f.height - 1) / 2.0)),
                d.boxes)) AS v
        FROM (
            SELECT *, greatest(width, height) / (2.0 * tan(radians($fov_degrees) / 2.0)) AS guessed
            FROM frames
            WHERE lifted_from = 'box'
        ) AS f
        JOIN (
            SELECT frame_id, array_agg(named_struct('object_id', object_id, 'obb', obb)) AS boxes
            FROM detections
            WHERE obb IS NOT NULL
            GROUP BY frame_id
        ) AS d ON d.frame_id = f.frame_id
    )
)
SELECT
    frame_id, object_id, category, caption, box, mask, placed['centre'] AS centre, placed['extent'] AS extent,
    placed['low'] AS low, placed['low']['y'] AS nearest, placed['obb'] AS obb,
    CAST((box['x1'] - box['x0']) * (box['y1'] - box['y0']) AS BIGINT) AS points,
    coalesce(visibility, unhidden, 1.0) AS visibility,
    quality AS lift_quality, quality AS size_quality, 'box' AS lifted_from, gravity IS NOT NULL AS upright, exhaustive,
    CASE
        WHEN crowd THEN 'crowd'
        WHEN placed IS NULL THEN 'no_box3d'
        WHEN placed['low']['y'] <= 0 THEN 'behind_camera'
    END AS filtered
FROM (
    SELECT
        d.*, s.unhidden, f.gravity, f.exhaustive, place(d.obb, f.gravity) AS placed,
        CASE WHEN d.visibility IS NULL THEN 0.7 ELSE 1.0 END * CASE WHEN f.gravity IS NULL THEN 0.8 ELSE 1.0 END AS quality
    FROM shown AS s
    RIGHT JOIN (frames AS f JOIN detections AS d ON d.frame_id = f.frame_id)
        ON s.frame_id = d.frame_id AND s.object_id = d.object_id
    WHERE f.lifted_from = 'box'
)
