-- The scene of a question, where it has a world.
SELECT scene_id, metric, min, max
FROM scenes
WHERE scene_id = $scene
