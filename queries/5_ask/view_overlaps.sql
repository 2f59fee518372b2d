-- writes: view_overlaps
-- reads:  paired_frames, scene_objects, surfaces
-- keep:   cached
-- keys:   frame_id, other_id
-- check:  overlap IS NULL OR overlap BETWEEN 0 AND 1

-- View overlaps: how much of the surface that each two frames of a scene show is the same (IoU), and some points that both show. In go scenes, each with
-- its frames, objects and triangles as lists; out comes a row an unordered pair of frames. Null where neither triangles nor depth say what a frame shows.
SELECT
    scene_id, o['frame_id'] AS frame_id, o['other_id'] AS other_id, o['overlap'] AS overlap, o['evidence'] AS evidence, o['points'] AS points
FROM (
    SELECT f.scene_id, unnest(view_overlaps(f.frames, s.objects, t.meshes)) AS o
    FROM (
        SELECT scene_id, array_agg(named_struct(
            'frame_id', frame_id, 'width', width, 'height', height, 'fx', fx, 'fy', fy, 'cx', cx, 'cy', cy,
            'world_from_camera', world_from_camera, 'gravity', gravity, 'depth_uri', depth_uri, 'depth_scale', depth_scale,
            'exhaustive', exhaustive)) AS frames
        FROM paired_frames
        GROUP BY scene_id
    ) AS f
    LEFT JOIN (
        SELECT scene_id, array_agg(named_struct('object_id', object_id, 'category', category, 'caption', caption, 'obb', obb)) AS objects
        FROM scene_objects
        GROUP BY scene_id
    ) AS s ON s.scene_id = f.scene_id
    LEFT JOIN (
        SELECT scene_id, array_agg(named_struct('object_id', object_id, 'vertices', vertices, 'triangles', triangles)) AS meshes
        FROM surfaces
        GROUP BY scene_id
    ) AS t ON t.scene_id = f.scene_id
)
