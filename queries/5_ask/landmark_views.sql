-- writes: landmark_views
-- reads:  waypoint_frames, scene_sightings
-- keep:   cached
-- keys:   scene_id, waypoint_id, object_id

-- From which waypoint an object is seen well, and in which photo best. In go the frames of waypoints and good sightings; out comes a row a
-- waypoint and object.
SELECT scene_id, waypoint_id, object_id, frame_id, visible
FROM (
    SELECT
        w.scene_id, w.waypoint_id, s.object_id, s.frame_id, s.visible,
        row_number() OVER (PARTITION BY w.scene_id, w.waypoint_id, s.object_id ORDER BY s.visible_px DESC, s.frame_id) AS best
    FROM waypoint_frames AS w
    JOIN scene_sightings AS s ON s.frame_id = w.frame_id
    WHERE s.good
)
WHERE best = 1
