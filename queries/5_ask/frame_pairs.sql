-- writes: frame_pairs
-- reads:  scenes, paired_frames, view_overlaps
-- keep:   cached
-- keys:   one_frame, other_frame

-- Frame pairs: two frames of a scene, in a drawn order, with how the camera moved and turned from the first to the second, and what both show. In go
-- paired frames and their overlaps; out comes a row a pair of frames.
--
-- motion       from the first to the second, in view space of the first; reverse_motion from the second to the first.
-- points       on objects, that both show: `pixel` is that of the first frame, or of the second where the two are `swapped`.
-- pair_reason  why nothing is asked about the two: nobody knows what they show both, it is too little, or no object is in it, or there are enough pairs of the scene.
WITH ordered AS (
    SELECT
        *, draw($seed, 'frame_pairs/order', frame_id, other_id) < 0.5 AS swapped,
        row_number() OVER (
            PARTITION BY scene_id, overlap >= $min_pair_overlap ORDER BY draw($seed, 'frame_pairs', frame_id, other_id), frame_id, other_id) AS turn
    FROM view_overlaps
),
directed AS (
    SELECT
        scene_id, overlap, evidence, points, swapped, turn,
        CASE WHEN swapped THEN other_id ELSE frame_id END AS one_frame,
        CASE WHEN swapped THEN frame_id ELSE other_id END AS other_frame
    FROM ordered
)
SELECT
    p.scene_id, c.source, c.licence, c.split, c.metric, p.one_frame, p.other_frame, [p.one_frame, p.other_frame] AS frame_ids,
    p.overlap, p.evidence, p.points, p.swapped,
    camera_motion(a.world_from_camera, b.world_from_camera) AS motion,
    camera_motion(b.world_from_camera, a.world_from_camera) AS reverse_motion,
    CASE
        WHEN p.overlap IS NULL THEN 'no_occlusion_evidence'
        WHEN p.overlap < $min_pair_overlap THEN 'little_overlap'
        -- Walls and floors alone: people find nothing to hold on to.
        WHEN p.evidence = 'mesh' AND coalesce(array_length(p.points), 0) = 0 THEN 'nothing_in_common'
        WHEN p.turn > $pairs_per_scene THEN 'enough_of_scene'
    END AS pair_reason
FROM paired_frames AS b
JOIN (
    paired_frames AS a
    JOIN (scenes AS c JOIN directed AS p ON p.scene_id = c.scene_id) ON p.one_frame = a.frame_id
) ON p.other_frame = b.frame_id
