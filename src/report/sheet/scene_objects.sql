-- The objects of a scene.
SELECT object_id, category, obb
FROM scene_objects
WHERE scene_id = $scene
ORDER BY object_id
