-- writes: scene_images
-- reads:  scene_views
-- keep:   view
-- keys:   scene_id

-- The images of questions about a scene as one list, in the order of `place`. In go views; out comes a row a scene, and none while `scene_tasks` is
-- false.
SELECT scene_id, array_agg(frame_id ORDER BY place) AS frame_ids
FROM scene_views
WHERE $scene_tasks
GROUP BY scene_id
