-- writes: scene_views
-- reads:  frames, objects, appearances
-- keep:   cached
-- keys:   scene_id, place

-- The images of a question about a scene: at most `views_per_question` frames, evenly spread over all that have a pose and can be decoded. In go
-- frames; out comes a row a frame that is shown. Frame floor(i (N - 1) / (n - 1)) of N is the i-th of n, in double precision, as VSI-Bench's evaluation takes 32.
--
-- place   the frame's place in the question's `frame_ids`, from 0.
-- moment  when it was taken, seconds; null where the source has no clock.
WITH damaged AS (
    -- Each object of an image that could be decoded has an appearance.
    SELECT o.frame_id
    FROM appearances AS a
    RIGHT JOIN objects AS o ON o.frame_id = a.frame_id AND o.object_id = a.object_id
    GROUP BY o.frame_id
    HAVING count(a.object_id) = 0
),
ordered AS (
    SELECT
        scene_id, f.frame_id, width, height, timestamp AS moment,
        CAST(row_number() OVER (PARTITION BY scene_id ORDER BY timestamp, f.frame_id) AS BIGINT) - 1 AS number,
        count(*) OVER (PARTITION BY scene_id) AS frames
    FROM damaged AS d
    RIGHT JOIN frames AS f ON f.frame_id = d.frame_id
    WHERE scene_id IS NOT NULL AND world_from_camera IS NOT NULL AND (d.frame_id IS NULL OR f.sha256 IS NULL)
),
chosen AS (
    SELECT
        scene_id, place,
        CASE
            WHEN shown = 1 THEN 0
            ELSE CAST(floor(place * (CAST(frames - 1 AS DOUBLE) / CAST(shown - 1 AS DOUBLE))) AS BIGINT)
        END AS number
    FROM (
        SELECT scene_id, frames, shown, unnest(generate_series(0, shown - 1)) AS place
        FROM (SELECT scene_id, max(frames) AS frames, least(max(frames), $views_per_question) AS shown FROM ordered GROUP BY scene_id)
    )
)
SELECT c.scene_id, c.place, o.frame_id, o.moment, CAST(o.width AS BIGINT) * o.height AS pixels
FROM chosen AS c
JOIN ordered AS o ON o.scene_id = c.scene_id AND o.number = c.number
