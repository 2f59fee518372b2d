-- writes: paired_frames
-- reads:  frames, scene_frames
-- keep:   cached
-- keys:   frame_id

-- The frames of a scene that questions about two images pair: at most `pair_frames`, drawn among all that questions may show, so that a
-- scan of thousands of frames has no millions of pairs. In go frames; out comes a row a drawn frame, and none while `pair_tasks` is false.
WITH drawn AS (
    SELECT
        frame_id, row_number() OVER (PARTITION BY scene_id ORDER BY draw($seed, 'paired_frames', frame_id), frame_id) AS turn
    FROM scene_frames
    WHERE $pair_tasks
)
SELECT
    f.scene_id, f.frame_id, f.width, f.height, f.fx, f.fy, f.cx, f.cy, f.world_from_camera, f.gravity, f.depth_uri, f.depth_scale, f.exhaustive,
    f.lifted_from,
    named_struct('x', f.world_from_camera[4], 'y', f.world_from_camera[8], 'z', f.world_from_camera[12]) AS eye
FROM drawn AS d
JOIN frames AS f ON f.frame_id = d.frame_id
WHERE d.turn <= $pair_frames
