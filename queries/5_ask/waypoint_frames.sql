-- writes: waypoint_frames
-- reads:  scene_frames, waypoints
-- keep:   cached
-- keys:   frame_id

-- The frames that were taken at a waypoint of their scene. In go frames and waypoints; out comes a row a frame whose camera is within
-- max_waypoint_offset of a waypoint, with the nearest, and where it looks on the ground plan (x and y of its viewing axis).
SELECT scene_id, waypoint_id, frame_id, ahead_x, ahead_y
FROM (
    SELECT
        *, row_number() OVER (PARTITION BY frame_id ORDER BY away, waypoint_id) AS nearest
    FROM (
        SELECT
            f.scene_id, w.waypoint_id, f.frame_id, f.world_from_camera[3] AS ahead_x, f.world_from_camera[7] AS ahead_y,
            sqrt(power(f.world_from_camera[4] - w.position.x, 2) + power(f.world_from_camera[8] - w.position.y, 2)
                + power(f.world_from_camera[12] - w.position.z, 2)) AS away
        FROM waypoints AS w
        JOIN scene_frames AS f ON f.scene_id = w.scene_id
        WHERE $scene_tasks
    )
    WHERE away <= $max_waypoint_offset
)
WHERE nearest = 1
