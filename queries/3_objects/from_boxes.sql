-- writes: objects
-- reads:  frames, detections
-- keep:   table
-- keys:   frame_id, object_id

-- 3D boxes that were annotated in camera axes become objects. What the image shows of one is taken from its annotation; where that
-- says nothing it is taken for visible, and trusted less. A camera whose gravity nobody knows is taken to be level.
SELECT
    frame_id, object_id, category, caption, box, mask, placed['centre'] AS centre, placed['extent'] AS extent,
    placed['low'] AS low, placed['low']['y'] AS nearest, placed['obb'] AS obb,
    CAST((box['x1'] - box['x0']) * (box['y1'] - box['y0']) AS BIGINT) AS points, coalesce(visibility, 1.0) AS visibility,
    CASE WHEN visibility IS NULL THEN 0.7 ELSE 1.0 END * CASE WHEN gravity IS NULL THEN 0.8 ELSE 1.0 END AS lift_quality,
    'box' AS lifted_from, exhaustive,
    CASE
        WHEN crowd THEN 'crowd'
        WHEN placed IS NULL THEN 'no_box3d'
        WHEN placed['low']['y'] <= 0 THEN 'behind_camera'
    END AS filtered
FROM (
    SELECT d.*, f.gravity, f.exhaustive, place(d.obb, f.gravity) AS placed
    FROM frames AS f
    JOIN detections AS d ON d.frame_id = f.frame_id
    WHERE f.lifted_from = 'box'
)
