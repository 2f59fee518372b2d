-- What each source's frames have of what questions are made of: a place in space for their things, and marks of things.
SELECT
    f.source,
    count(*) AS frames,
    sum(CASE WHEN f.lifted_from IS NULL AND s.frame_id IS NULL THEN 1 ELSE 0 END) AS flat,
    -- Scans mark their things in space, for all frames of a scene.
    sum(CASE WHEN m.things IS NULL AND coalesce(f.lifted_from, '') <> 'scan' THEN 1 ELSE 0 END) AS unmarked,
    coalesce(sum(m.things), 0) AS things,
    coalesce(sum(CASE WHEN s.frame_id IS NOT NULL THEN m.things - m.masks END), 0) AS unmasked
FROM frames AS f
LEFT JOIN depth_frames AS s ON s.frame_id = f.frame_id
LEFT JOIN (SELECT frame_id, count(*) AS things, count(mask) AS masks FROM objects_2d GROUP BY frame_id) AS m ON m.frame_id = f.frame_id
GROUP BY f.source
ORDER BY f.source
