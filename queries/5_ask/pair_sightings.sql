-- writes: pair_sightings
-- reads:  paired_frames, scene_references, scene_sightings, surfaces
-- keep:   cached
-- keys:   frame_id, object_id

-- Sightings of paired frames: which of them shows which object of its scene, how well, and from how far. In go paired frames, sightings and the scene's
-- references; out comes a row an object and frame.
--
-- good              whether enough of it is seen to know it, and clear, whether enough to name it, as in `scene_sightings`.
-- distance          of the camera's centre and the oriented box, exact, metres; 0 inside.
-- surface_distance  of the camera's centre and the nearest vertex of the object's surface; null where it has none.
-- disagree          whether the two differ by more than those of two objects may.
WITH apart AS (
    SELECT scene_id, d.object_id AS frame_id, d.other_id AS object_id, d.distance AS surface_distance
    FROM (
        SELECT c.scene_id, unnest(surface_distances(c.eyes, s.meshes)) AS d
        FROM (
            SELECT scene_id, array_agg(named_struct('object_id', frame_id, 'vertices', [eye.x, eye.y, eye.z])) AS eyes
            FROM paired_frames
            GROUP BY scene_id
        ) AS c
        JOIN (
            SELECT scene_id, array_agg(named_struct('object_id', object_id, 'vertices', vertices)) AS meshes
            FROM surfaces
            WHERE object_id IS NOT NULL
            GROUP BY scene_id
        ) AS s ON s.scene_id = c.scene_id
    )
),
seen AS (
    SELECT
        f.scene_id, f.frame_id, r.object_id, r.name, r.category, r.name_reason, r.metric, r.exhaustive, s.visible, s.box, s.good, s.clear,
        distance_to_box(f.eye, r.obb) AS distance
    FROM scene_references AS r
    JOIN (
        paired_frames AS f
        JOIN scene_sightings AS s ON s.frame_id = f.frame_id
    ) ON r.scene_id = f.scene_id AND r.object_id = s.object_id
)
SELECT
    s.*, a.surface_distance,
    coalesce(abs(s.distance - a.surface_distance) > greatest($max_box_error, $max_box_error_share * s.distance), false) AS disagree
FROM apart AS a
RIGHT JOIN seen AS s ON s.frame_id = a.frame_id AND s.object_id = a.object_id
