-- writes: objects
-- reads:  depth_frames, objects_2d
-- keep:   table
-- keys:   frame_id, object_id
-- check:  visibility BETWEEN 0 AND 1 AND lift_quality BETWEEN 0 AND 1 AND size_quality BETWEEN 0 AND 1
-- check:  extent['x'] >= 0 AND extent['y'] >= 0 AND extent['z'] >= 0
--
-- Depth lifting: masks and depth, measured or estimated, as objects in view space; a box without a mask gives a position and no size. In go
-- frames, each with its 2D objects as a list, so that a depth image is read once; out comes a row an object.
SELECT
    o['frame_id'] AS frame_id, o['object_id'] AS object_id, o['category'] AS category, o['caption'] AS caption,
    o['box'] AS box, o['mask'] AS mask, o['centre'] AS centre, o['extent'] AS extent, o['low'] AS low, o['nearest'] AS nearest,
    o['obb'] AS obb, o['points'] AS points, o['visibility'] AS visibility, o['lift_quality'] AS lift_quality,
    o['size_quality'] AS size_quality, o['lifted_from'] AS lifted_from, o['upright'] AS upright, o['exhaustive'] AS exhaustive, o['filtered'] AS filtered, o['quarantined'] AS quarantined
FROM (
    SELECT unnest(lifted) AS o
    FROM (
        SELECT lift(
            named_struct(
                'frame_id', f.frame_id, 'width', f.width, 'height', f.height, 'fx', f.fx, 'fy', f.fy, 'cx', f.cx, 'cy', f.cy,
                'world_from_camera', f.world_from_camera, 'gravity', f.gravity, 'depth_uri', f.depth_uri,
                'depth_scale', f.depth_scale, 'exhaustive', f.exhaustive, 'lifted_from', f.lifted_from, 'trust', f.trust,
                'box_trust', $box_trust, 'depth_noise', $depth_noise, 'stands_out', $min_outline_model,
                'rules', named_struct(
                    'trim', $lift_trim, 'jump', $lift_jump, 'erosion', $lift_erosion, 'max_depth', $lift_max_depth,
                    'max_depth_model', $lift_max_depth_model, 'min_readings', $lift_min_readings, 'min_points', $lift_min_points,
                    'guessed_gravity', $guessed_gravity_trust, 'max_widths_deep', $lift_max_widths_deep,
                    'cover_gap', $lift_cover_gap, 'cover_share', $lift_cover_share)),
            d.detections) AS lifted
        FROM depth_frames f
        JOIN (
            SELECT frame_id, array_agg(named_struct(
                'object_id', object_id, 'category', category, 'caption', caption, 'box', box, 'mask', mask, 'crowd', crowd)) AS detections
            FROM objects_2d
            GROUP BY frame_id
        ) d ON d.frame_id = f.frame_id
    )
)
