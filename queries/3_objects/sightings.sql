-- writes: sightings
-- reads:  frames, scene_objects, surfaces
-- keep:   table
-- keys:   frame_id, object_id

-- Sightings: which frame of a scene shows which of its objects, and how many pixels of it. In go scenes, each with its frames, objects and
-- triangles as lists; out comes a row an object and frame of which at least one pixel shows, and none while `scene_tasks` and
-- `pair_tasks` are false.
SELECT
    scene_id, s['frame_id'] AS frame_id, s['object_id'] AS object_id, s['visible_px'] AS visible_px, s['in_image_px'] AS in_image_px,
    s['whole_px'] AS whole_px, s['visible'] AS visible, s['box'] AS box, s['nearest'] AS nearest, s['evidence'] AS evidence,
    s['quarantined'] AS quarantined
FROM (
    SELECT scene_id, unnest(seen) AS s
    FROM (
        SELECT f.scene_id, sightings(f.shots, o.objects, t.meshes) AS seen
        FROM (
            SELECT scene_id, array_agg(named_struct(
                'frame_id', frame_id, 'width', width, 'height', height, 'fx', fx, 'fy', fy, 'cx', cx, 'cy', cy,
                'world_from_camera', world_from_camera, 'gravity', gravity, 'depth_uri', depth_uri, 'depth_scale', depth_scale,
                'exhaustive', exhaustive)) AS shots
            FROM frames
            WHERE ($scene_tasks OR $pair_tasks) AND scene_id IS NOT NULL AND world_from_camera IS NOT NULL
            GROUP BY scene_id
        ) AS f
        JOIN (
            SELECT scene_id, array_agg(named_struct('object_id', object_id, 'category', category, 'caption', caption, 'obb', obb)) AS objects
            FROM scene_objects
            GROUP BY scene_id
        ) AS o ON o.scene_id = f.scene_id
        LEFT JOIN (
            SELECT scene_id, array_agg(named_struct('object_id', object_id, 'vertices', vertices, 'triangles', triangles)) AS meshes
            FROM surfaces
            GROUP BY scene_id
        ) AS t ON t.scene_id = f.scene_id
    )
)
