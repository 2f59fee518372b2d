-- writes: depth_frames
-- reads:  frames, cameras, depths
-- keep:   view
-- keys:   frame_id

-- Frames that can be lifted from depth: those with a measured depth image, and those for which models estimated depth and camera. Out comes
-- a row a frame.
SELECT
    frame_id, width, height, fx, fy, cx, cy, world_from_camera, gravity, depth_uri, depth_scale, exhaustive,
    'depth' AS lifted_from, 1.0 AS trust
FROM frames
WHERE lifted_from = 'depth'
UNION ALL
SELECT
    f.frame_id, f.width, f.height, c.fx, c.fy, c.cx, c.cy, f.world_from_camera, c.gravity, d.depth_uri, d.depth_scale, f.exhaustive,
    'model' AS lifted_from, c.trust * d.trust AS trust
FROM depths AS d
JOIN cameras AS c ON c.frame_id = d.frame_id
JOIN frames AS f ON f.frame_id = d.frame_id
