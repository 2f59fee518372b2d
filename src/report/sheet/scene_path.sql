-- Where the camera of a scene was, in the order of time.
SELECT frame_id, width, fx, cx, world_from_camera
FROM frames
WHERE scene_id = $scene AND world_from_camera IS NOT NULL
ORDER BY timestamp, frame_id
