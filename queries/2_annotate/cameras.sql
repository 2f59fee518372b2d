-- writes: cameras
-- reads:  frames
-- keep:   table
-- keys:   frame_id
-- check:  fx > 0 AND fy > 0
-- check:  trust BETWEEN 0 AND 1
-- when:   depth_model

-- Camera intrinsics and gravity of each frame without geometry of its own: from the source, from a model, or from a stated field of view. In
-- go frames; out comes a row a frame. Unknown gravity stays null: the frame is then taken to be level, and trusted less.
SELECT
    frame_id,
    coalesce(fx, k['fx'], stated) AS fx,
    coalesce(fy, k['fy'], stated) AS fy,
    coalesce(cx, k['cx'], (width - 1) / 2.0) AS cx,
    coalesce(cy, k['cy'], (height - 1) / 2.0) AS cy,
    coalesce(gravity, g['down']) AS gravity,
    CASE WHEN camera_from = 'exif' THEN $exif_trust WHEN fx IS NOT NULL THEN 1.0 WHEN k['fx'] IS NOT NULL THEN k['trust'] ELSE $fov_trust END
        * coalesce(g['trust'], 1.0) AS trust,
    CASE WHEN fx IS NOT NULL THEN coalesce(camera_from, 'annotation') WHEN k['fx'] IS NOT NULL THEN k['made_by'] ELSE 'fov' END AS intrinsics_from,
    CASE WHEN gravity IS NOT NULL OR posed THEN 'annotation' ELSE g['made_by'] END AS gravity_from,
    coalesce(k['quarantined'], g['quarantined']) AS quarantined
FROM (
    SELECT
        frame_id, width, height, fx, fy, cx, cy, camera_from, gravity, posed,
        greatest(width, height) / (2.0 * tan(radians($fov_degrees) / 2.0)) AS stated,
        intrinsics(uri, sha256, CASE WHEN fx IS NULL THEN $intrinsics_model END)[1] AS k,
        gravity(uri, sha256, CASE WHEN gravity IS NULL AND NOT posed THEN $gravity_model END)[1] AS g
    FROM (
        -- A camera without a focal length is none.
        SELECT
            frame_id, uri, sha256, width, height, camera_from, gravity, world_from_camera IS NOT NULL AS posed,
            CASE WHEN fx > 0 AND fx < 1e9 AND fy > 0 AND fy < 1e9 THEN fx END AS fx,
            CASE WHEN fx > 0 AND fx < 1e9 AND fy > 0 AND fy < 1e9 THEN fy END AS fy,
            CASE WHEN fx > 0 AND fx < 1e9 AND fy > 0 AND fy < 1e9 THEN cx END AS cx,
            CASE WHEN fx > 0 AND fx < 1e9 AND fy > 0 AND fy < 1e9 THEN cy END AS cy
        FROM frames
        WHERE lifted_from IS NULL AND sha256 IS NOT NULL
    )
)
