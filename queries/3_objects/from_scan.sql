-- writes: objects
-- reads:  frames, scene_objects, surfaces
-- keep:   table
-- keys:   frame_id, object_id
--
-- Scan projection: annotated 3D objects of a scene as objects in the view space of each of its frames. In go scenes, each with its frames,
-- objects and triangles as lists, so that triangles are not copied for each frame; out comes a row an object and frame.
SELECT
    o['frame_id'] AS frame_id, o['object_id'] AS object_id, o['category'] AS category, o['caption'] AS caption,
    o['box'] AS box, o['mask'] AS mask, o['centre'] AS centre, o['extent'] AS extent, o['low'] AS low, o['nearest'] AS nearest,
    o['obb'] AS obb, o['points'] AS points, o['visibility'] AS visibility, o['lift_quality'] AS lift_quality,
    o['size_quality'] AS size_quality, o['lifted_from'] AS lifted_from, o['upright'] AS upright, o['exhaustive'] AS exhaustive, o['filtered'] AS filtered, o['quarantined'] AS quarantined
FROM (
    SELECT unnest(projected) AS o
    FROM (
        SELECT project(f.frames, s.objects, t.meshes) AS projected
        FROM (
            SELECT scene_id, array_agg(named_struct(
                'frame_id', frame_id, 'width', width, 'height', height, 'fx', fx, 'fy', fy, 'cx', cx, 'cy', cy,
                'world_from_camera', world_from_camera, 'gravity', gravity, 'depth_uri', depth_uri,
                'depth_scale', depth_scale, 'exhaustive', exhaustive,
                'depth_occlusion_trust', $depth_occlusion_trust, 'box_occlusion_trust', $box3d_occlusion_trust)) AS frames
            FROM frames
            WHERE lifted_from = 'scan'
            GROUP BY scene_id
        ) f
        JOIN (
            SELECT scene_id, array_agg(named_struct(
                'object_id', object_id, 'category', category, 'caption', caption, 'obb', obb)) AS objects
            FROM scene_objects
            GROUP BY scene_id
        ) s ON s.scene_id = f.scene_id
        LEFT JOIN (
            SELECT scene_id, array_agg(named_struct(
                'object_id', object_id, 'vertices', vertices, 'triangles', triangles)) AS meshes
            FROM surfaces
            GROUP BY scene_id
        ) t ON t.scene_id = f.scene_id
    )
)
