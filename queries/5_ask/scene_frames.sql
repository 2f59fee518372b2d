-- writes: scene_frames
-- reads:  frames, objects, appearances
-- keep:   cached
-- keys:   frame_id

-- The frames of scenes that questions may show: those with a pose whose image can be decoded. In go frames; out comes a row a frame.
--
-- number  its place among them in the order of the scan, from 0.
-- frames  how many the scene has.
-- moment  when it was taken, seconds; null where the source has no clock.
WITH damaged AS (
    -- Each object of an image that could be decoded has an appearance.
    SELECT o.frame_id
    FROM appearances AS a
    RIGHT JOIN objects AS o ON o.frame_id = a.frame_id AND o.object_id = a.object_id
    GROUP BY o.frame_id
    HAVING count(a.object_id) = 0
)
SELECT
    scene_id, frame_id, world_from_camera, timestamp AS moment, CAST(width AS BIGINT) * height AS pixels,
    CAST(row_number() OVER (PARTITION BY scene_id ORDER BY timestamp, frame_id) AS BIGINT) - 1 AS number,
    count(*) OVER (PARTITION BY scene_id) AS frames
FROM frames AS f
WHERE scene_id IS NOT NULL AND world_from_camera IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM damaged AS d WHERE d.frame_id = f.frame_id AND f.sha256 IS NOT NULL)
