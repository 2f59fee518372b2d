-- writes: questions
-- reads:  frame_pairs, pair_sightings
-- keep:   table
-- keys:   question_id

-- Nearer in which image: was image 1 or image 2 taken from nearer to the desk, or from farther away? In go frame pairs and what their frames show; out
-- comes a question a pair and object that both images show well. One camera must be nearer by boxes and by surfaces, by a margin.
WITH asked AS (
    SELECT
        p.scene_id, p.source, p.licence, p.split, p.metric, p.frame_ids, p.one_frame, p.other_frame, a.object_id, a.name, a.category,
        least(a.visible, b.visible) AS visible, a.good AND b.good AS good, a.clear OR b.clear AS clear, a.distance AS one_distance, b.distance AS other_distance,
        greatest(a.distance, b.distance) AS farther, abs(a.distance - b.distance) AS gap,
        coalesce(a.surface_distance, a.distance) AS one_surface, coalesce(b.surface_distance, b.distance) AS other_surface
    FROM pair_sightings AS b
    JOIN (
        pair_sightings AS a
        JOIN (SELECT * FROM frame_pairs WHERE $pair_tasks AND pair_reason IS NULL) AS p ON a.frame_id = p.one_frame
    ) ON b.frame_id = p.other_frame AND b.object_id = a.object_id
    WHERE a.name_reason IS NULL
),
judged AS (
    SELECT
        *,
        CASE
            WHEN NOT metric THEN 'not_metric'
            WHEN NOT good THEN 'not_seen'
            WHEN NOT clear THEN 'seen_in_part'
            WHEN gap < greatest($min_nearer_gap, $min_nearer_gap_share * farther) THEN 'ambiguous_margin'
            -- The same camera is nearer to the surface, by half of that.
            WHEN (one_surface - other_surface) * CASE WHEN one_distance > other_distance THEN 1.0 ELSE -1.0 END
                < 0.5 * greatest($min_nearer_gap, $min_nearer_gap_share * greatest(one_surface, other_surface)) THEN 'definitions_disagree'
        END AS reason,
        draw($seed, 'object_nearer_in', one_frame, other_frame, object_id) AS drawn,
        draw($seed, 'object_nearer_in/relation', one_frame, other_frame, object_id) < 0.5 AS asks_nearer
    FROM asked
),
ranked AS (
    SELECT
        *, row_number() OVER (PARTITION BY scene_id, reason IS NULL ORDER BY drawn, one_frame, other_frame, object_id) AS place
    FROM judged
)
SELECT
    id_hash('object_nearer_in', one_frame, other_frame, object_id) AS question_id,
    frame_ids,
    'pair' AS frames_from,
    true AS ordered,
    scene_id,
    source,
    licence,
    split,
    'object_nearer_in' AS task,
    CASE WHEN asks_nearer THEN 'taken_from_nearer' ELSE 'taken_from_farther' END AS relation,
    'choice' AS answer_form,
    'choice of 2 options' AS shape,
    [object_slot('object', name), image_slot('view_one', 0), image_slot('view_two', 1)] AS slots,
    ['view_one', 'view_two'] AS options,
    [object_id] AS object_ids,
    [category, ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked([object_id]) AS marks,
    CASE WHEN (one_distance < other_distance) = asks_nearer THEN 'view_one' ELSE 'view_two' END AS answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    CASE WHEN farther > 0.0 THEN gap / farther ELSE 0.0 END AS margin,
    visible AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND place > $questions_per_scene_task THEN 'enough_of_scene' ELSE reason END AS filtered
FROM ranked
