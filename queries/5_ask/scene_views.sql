-- writes: scene_views
-- reads:  scene_frames
-- keep:   cached
-- keys:   scene_id, place

-- The images of a question about a scene: at most `views_per_question` frames, evenly spread over all of them. In go a
-- scene's frames; out comes a row a frame that is shown. Frame floor(i (N - 1) / (n - 1)) of N is the i-th of n, in double precision, as VSI-Bench's evaluation takes 32.
--
-- place   the frame's place in the question's `frame_ids`, from 0.
-- moment  when it was taken, seconds; null where the source has no clock.
WITH chosen AS (
    SELECT
        scene_id, place,
        CASE
            WHEN shown = 1 THEN 0
            ELSE CAST(floor(place * (CAST(frames - 1 AS DOUBLE) / CAST(shown - 1 AS DOUBLE))) AS BIGINT)
        END AS number
    FROM (
        SELECT scene_id, frames, shown, unnest(generate_series(0, shown - 1)) AS place
        FROM (SELECT scene_id, max(frames) AS frames, least(max(frames), $views_per_question) AS shown FROM scene_frames GROUP BY scene_id)
    )
)
SELECT c.scene_id, c.place, f.frame_id, f.moment
FROM chosen AS c
JOIN scene_frames AS f ON f.scene_id = c.scene_id AND f.number = c.number
