-- The triangles of a scene.
SELECT vertices, triangles
FROM surfaces
WHERE scene_id = $scene
