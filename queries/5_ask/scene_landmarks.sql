-- writes: scene_landmarks
-- reads:  scene_references, scene_objects
-- keep:   cached
-- keys:   scene_id, object_id

-- Landmarks: objects by which a text can say a way through a scene. In go references; out comes a row an object, with the region that it stands in, and
-- none while `scene_tasks` is false.
--
-- is_end   whether routes start and end at it: at most `route_landmarks` of a scene, drawn.
SELECT
    r.scene_id, r.object_id, r.name, r.category, r.obb, r.visible, o.region,
    row_number() OVER (PARTITION BY r.scene_id ORDER BY draw($seed, 'route_plan/landmark', r.scene_id, r.object_id), r.object_id) <= $route_landmarks
        AS is_end
FROM scene_objects AS o
JOIN scene_references AS r ON r.scene_id = o.scene_id AND r.object_id = o.object_id
WHERE r.name_reason IS NULL AND r.view_reason IS NULL AND $scene_tasks
