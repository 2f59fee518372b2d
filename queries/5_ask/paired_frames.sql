-- writes: paired_frames
-- reads:  frames, objects, appearances
-- keep:   cached
-- keys:   frame_id

-- The frames of a scene that questions about two images pair: at most `pair_frames`, drawn among all that have a pose and can be decoded, so that a scan
-- of thousands of frames has no millions of pairs. In go frames; out comes a row a drawn frame, and none while `pair_tasks` is false.
WITH damaged AS (
    -- Each object of an image that could be decoded has an appearance.
    SELECT o.frame_id
    FROM appearances AS a
    RIGHT JOIN objects AS o ON o.frame_id = a.frame_id AND o.object_id = a.object_id
    WHERE $pair_tasks
    GROUP BY o.frame_id
    HAVING count(a.object_id) = 0
),
drawn AS (
    SELECT
        f.*,
        row_number() OVER (PARTITION BY f.scene_id ORDER BY draw($seed, 'paired_frames', f.frame_id), f.frame_id) AS turn
    FROM damaged AS d
    RIGHT JOIN frames AS f ON f.frame_id = d.frame_id
    WHERE $pair_tasks AND f.scene_id IS NOT NULL AND f.world_from_camera IS NOT NULL AND (d.frame_id IS NULL OR f.sha256 IS NULL)
)
SELECT
    scene_id, frame_id, width, height, fx, fy, cx, cy, world_from_camera, gravity, depth_uri, depth_scale, exhaustive, lifted_from,
    named_struct('x', world_from_camera[4], 'y', world_from_camera[8], 'z', world_from_camera[12]) AS eye
FROM drawn
WHERE turn <= $pair_frames
