-- writes: questions
-- reads:  scene_pairs, scene_images, scene_references
-- keep:   table
-- keys:   question_id

-- Relative distance: which of four objects is closest to the bed? In go pairs of a scene's objects; out comes a question a primary object and
-- draw of four candidates, all of them the only ones of their category in the scene.
--
-- The closest one must be closer by boxes and by surfaces, by a margin; how the others compare does not matter.
--
-- Large things are close to others more often than small ones are. So four candidates are asked about where each of them is closest to another primary
-- object, and each is the right one as often as the others.
WITH both_ways AS (
    SELECT scene_id, source, licence, split, one AS primary_id, other AS candidate, one_name AS primary_name, other_name AS candidate_name,
        one_category AS primary_category, other_category AS candidate_category, distance, coalesce(surface_distance, distance) AS surface_distance,
        visibility, together, pair_reason
    FROM scene_pairs
    UNION ALL
    SELECT scene_id, source, licence, split, other AS primary_id, one AS candidate, other_name AS primary_name, one_name AS candidate_name,
        other_category AS primary_category, one_category AS candidate_category, distance, coalesce(surface_distance, distance) AS surface_distance,
        visibility, together, pair_reason
    FROM scene_pairs
),
-- Which of several objects is closest needs no scale, and no distance of its own.
usable AS (
    SELECT * FROM both_ways WHERE pair_reason IS NULL OR pair_reason IN ('not_metric', 'definitions_disagree')
),
-- All objects of a scene in the order of a draw, in fours; sixteen times over.
shuffled AS (
    SELECT
        scene_id, candidate, shuffle,
        (CAST(row_number() OVER (
            PARTITION BY scene_id, shuffle ORDER BY draw($seed, 'relative_distance/candidates', scene_id, shuffle, candidate), candidate) AS BIGINT) - 1) / 4 AS four
    FROM (SELECT DISTINCT scene_id, candidate FROM usable) CROSS JOIN (SELECT unnest(generate_series(1, 16)) AS shuffle)
),
identified AS (
    SELECT scene_id, shuffle, four, id_hash(string_agg(candidate, ' ' ORDER BY candidate)) AS set_id
    FROM shuffled
    GROUP BY scene_id, shuffle, four
    HAVING count(*) = 4
),
-- No more than 64 sets of candidates. A set is known by a hash of its objects, so that no aggregate holds lists.
candidate_sets AS (
    SELECT scene_id, set_id
    FROM (
        SELECT *, row_number() OVER (PARTITION BY scene_id ORDER BY draw($seed, 'relative_distance/candidate_set', scene_id, set_id), set_id) AS place
        FROM (SELECT DISTINCT scene_id, set_id FROM identified)
    )
    WHERE place <= 64
),
set_members AS (
    SELECT DISTINCT i.scene_id, i.set_id, s.candidate
    FROM candidate_sets AS c
    JOIN identified AS i ON i.scene_id = c.scene_id AND i.set_id = c.set_id
    JOIN shuffled AS s ON s.scene_id = i.scene_id AND s.shuffle = i.shuffle AND s.four = i.four
),
ranked AS (
    SELECT
        u.*, m.set_id,
        row_number() OVER (PARTITION BY u.scene_id, u.primary_id, m.set_id ORDER BY u.distance, u.candidate) AS place,
        row_number() OVER (PARTITION BY u.scene_id, u.primary_id, m.set_id ORDER BY u.surface_distance, u.candidate) AS surface_place
    FROM set_members AS m
    JOIN usable AS u ON u.scene_id = m.scene_id AND u.candidate = m.candidate
),
fours AS (
    SELECT
        scene_id, primary_id, set_id, min(source) AS source, min(licence) AS licence, min(split) AS split, min(primary_name) AS primary_name,
        min(primary_category) AS primary_category, array_agg(candidate ORDER BY candidate) AS candidates,
        array_agg(candidate_name ORDER BY candidate) AS names, min(visibility) AS visibility,
        min(CASE WHEN place = 1 THEN distance END) AS nearest, min(CASE WHEN place = 2 THEN distance END) AS second,
        min(CASE WHEN surface_place = 1 THEN surface_distance END) AS surface_nearest,
        min(CASE WHEN surface_place = 2 THEN surface_distance END) AS surface_second,
        bool_or(place = 1 AND together) AS seen_together,
        min(CASE WHEN place = 1 THEN candidate END) AS winner, min(CASE WHEN surface_place = 1 THEN candidate END) AS surface_winner
    FROM ranked
    GROUP BY scene_id, primary_id, set_id
    HAVING count(*) = 4
),
judged AS (
    SELECT
        *,
        CAST(array_position(candidates, winner) AS BIGINT) AS winner_place,
        second - nearest AS gap,
        CASE
            WHEN nearest < $min_relative_distance THEN 'too_near'
            WHEN second - nearest < greatest($min_relative_distance, $min_relative_distance_share * second) THEN 'ambiguous_margin'
            WHEN NOT seen_together AND second - nearest < $min_far_distance_share * second THEN 'not_together'
            WHEN winner <> surface_winner
                OR surface_second - surface_nearest < 0.5 * greatest($min_relative_distance, $min_relative_distance_share * surface_second)
                THEN 'definitions_disagree'
        END AS reason
    FROM fours
),
-- One primary object for each candidate that is closest to one.
chosen AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY scene_id, set_id, winner, reason IS NULL
            ORDER BY draw($seed, 'relative_distance/primary', scene_id, primary_id, set_id), primary_id) AS of_winner
    FROM judged
),
balanced AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY scene_id, set_id, reason IS NULL, of_winner) AS winners
    FROM chosen
),
unequal AS (
    SELECT * EXCEPT (reason), CASE WHEN reason IS NULL AND (of_winner > 1 OR winners < 4) THEN 'one_sided' ELSE reason END AS reason
    FROM balanced
),
limited AS (
    -- Four questions of each set, or none.
    SELECT
        *,
        dense_rank() OVER (PARTITION BY scene_id, reason IS NULL ORDER BY draw($seed, 'relative_distance', scene_id, set_id), set_id) AS turn
    FROM unequal
)
SELECT
    id_hash('relative_distance', p.scene_id, p.primary_id, p.candidates) AS question_id,
    i.frame_ids,
    'uniform' AS frames_from,
    false AS ordered,
    p.scene_id,
    p.source,
    p.licence,
    p.split,
    'relative_distance' AS task,
    'closest' AS relation,
    'choice' AS answer_form,
    'choice of 4 options' AS shape,
    [
        object_slot('primary', p.primary_name), object_slot('candidate_w', p.names[1]), object_slot('candidate_x', p.names[2]),
        object_slot('candidate_y', p.names[3]), object_slot('candidate_z', p.names[4])
    ] AS slots,
    ['candidate_w', 'candidate_x', 'candidate_y', 'candidate_z'] AS options,
    array_concat([p.primary_id], p.candidates) AS object_ids,
    [p.primary_category, ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked(array_concat([p.primary_id], p.candidates)) AS marks,
    ['candidate_w', 'candidate_x', 'candidate_y', 'candidate_z'][p.winner_place] AS answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    p.gap / p.second AS margin,
    p.visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN p.reason IS NULL AND 4 * p.turn > $questions_per_scene_task THEN 'enough_of_scene' ELSE p.reason END AS filtered
FROM scene_images AS i
JOIN limited AS p ON p.scene_id = i.scene_id
