-- A frame of a contact sheet: its image, camera and depth image, where the latter two are from, and how much was asked about it.
SELECT
    f.frame_id,
    f.uri,
    f.width,
    f.height,
    coalesce(c.fx, f.fx) AS fx,
    coalesce(c.fy, f.fy) AS fy,
    coalesce(c.cx, f.cx) AS cx,
    coalesce(c.cy, f.cy) AS cy,
    f.world_from_camera,
    coalesce(c.gravity, f.gravity) AS gravity,
    coalesce(f.depth_uri, d.depth_uri) AS depth_uri,
    CASE WHEN f.depth_uri IS NULL THEN d.depth_scale ELSE f.depth_scale END AS depth_scale,
    coalesce(c.intrinsics_from, CASE WHEN f.fx IS NOT NULL THEN 'source' END) AS camera_from,
    CASE WHEN f.depth_uri IS NULL THEN d.made_by ELSE 'source' END AS depth_from,
    (SELECT count(*) FROM questions WHERE array_has(frame_ids, $frame)) AS questions
FROM frames AS f
LEFT JOIN cameras AS c ON c.frame_id = f.frame_id
LEFT JOIN depths AS d ON d.frame_id = f.frame_id
WHERE f.frame_id = $frame
