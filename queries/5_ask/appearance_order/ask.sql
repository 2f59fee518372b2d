-- writes: questions
-- reads:  scene_references, scene_images, scene_frames, scene_sightings
-- keep:   table
-- keys:   question_id

-- Appearance order: in which order do the bed, the desk, the lamp and the tv first appear? In go the sightings of a scan over all of its frames;
-- out comes a question four of its objects, for one of four orders.
--
-- An object appears with its first good sighting. Each must do so min_appearance_gap after the one before, two images later among those that are
-- shown, and at once: what creeps in over many frames has no moment.
--
-- The four orders are the right one and those that two swaps make of it. Seen from any of the four, the other three differ in the same way: nothing
-- but the images tells which one is right, and the first object alone does not either.
WITH rates AS (
    SELECT scene_id, max(number) / nullif(max(moment) - min(moment), 0.0) AS rate
    FROM scene_frames
    GROUP BY scene_id
),
appearing AS (
    SELECT
        scene_id, object_id, min(CASE WHEN good THEN moment END) AS appears,
        -- From so many pixels on people notice that something is there.
        min(CASE WHEN visible_px >= 60 THEN moment END) AS glimpsed, bool_or(evidence = 'boxes') AS from_boxes
    FROM scene_sightings
    GROUP BY scene_id, object_id
),
-- A dozen objects of a scene: 495 sets of four.
candidates AS (
    SELECT *
    FROM (
        SELECT
            r.*, a.appears, a.appears - a.glimpsed AS creeping, a.from_boxes, r.good_views[1] AS place,
            row_number() OVER (PARTITION BY r.scene_id ORDER BY draw($seed, 'appearance_order/object', r.scene_id, r.object_id), r.object_id) AS drawn
        FROM scene_references AS r
        JOIN appearing AS a ON a.scene_id = r.scene_id AND a.object_id = r.object_id
        WHERE r.name_reason IS NULL AND r.view_reason IS NULL AND a.appears IS NOT NULL
    )
    WHERE drawn <= 12
),
sets AS (
    SELECT
        a.scene_id, a.source, a.licence, a.split, [a.object_id, b.object_id, c.object_id, d.object_id] AS object_ids,
        [a.name, b.name, c.name, d.name] AS names, a.category AS first_category, b.category AS second_category,
        least(a.visible, b.visible, c.visible, d.visible) AS visibility,
        a.from_boxes OR b.from_boxes OR c.from_boxes OR d.from_boxes AS from_boxes,
        [a.appears, b.appears, c.appears, d.appears] AS appears, [a.creeping, b.creeping, c.creeping, d.creeping] AS creeping,
        [a.place, b.place, c.place, d.place] AS places,
        -- Which of them is the first, the second, ...; in the order of their draws where they appear at once.
        [
            1 + CAST(b.appears < a.appears AS INT) + CAST(c.appears < a.appears AS INT) + CAST(d.appears < a.appears AS INT),
            1 + CAST(a.appears <= b.appears AS INT) + CAST(c.appears < b.appears AS INT) + CAST(d.appears < b.appears AS INT),
            1 + CAST(a.appears <= c.appears AS INT) + CAST(b.appears <= c.appears AS INT) + CAST(d.appears < c.appears AS INT),
            1 + CAST(a.appears <= d.appears AS INT) + CAST(b.appears <= d.appears AS INT) + CAST(c.appears <= d.appears AS INT)
        ] AS ranks
    FROM candidates AS a
    JOIN candidates AS b ON b.scene_id = a.scene_id AND b.drawn > a.drawn
    JOIN candidates AS c ON c.scene_id = a.scene_id AND c.drawn > b.drawn
    JOIN candidates AS d ON d.scene_id = a.scene_id AND d.drawn > c.drawn
),
sorted AS (
    SELECT
        *, appears[n[2]] - appears[n[1]] AS gap_1, appears[n[3]] - appears[n[2]] AS gap_2, appears[n[4]] - appears[n[3]] AS gap_3,
        least(places[n[2]] - places[n[1]], places[n[3]] - places[n[2]], places[n[4]] - places[n[3]]) AS images_between
    FROM (
        SELECT *, CAST([array_position(ranks, 1), array_position(ranks, 2), array_position(ranks, 3), array_position(ranks, 4)] AS BIGINT[]) AS n
        FROM sets
    )
),
judged AS (
    SELECT
        s.*, least(s.gap_1, s.gap_2, s.gap_3) AS gap,
        CASE
            WHEN s.from_boxes THEN 'no_occlusion_evidence'
            WHEN r.rate IS NULL OR r.rate < $min_appearance_rate THEN 'too_few_frames'
            WHEN least(s.gap_1, s.gap_2, s.gap_3) <= $min_appearance_gap OR s.images_between < 2 THEN 'tie_in_time'
            WHEN s.creeping[s.n[1]] > greatest(0.5, 0.5 * s.gap_1)
                OR s.creeping[s.n[2]] > greatest(0.5, 0.5 * least(s.gap_1, s.gap_2))
                OR s.creeping[s.n[3]] > greatest(0.5, 0.5 * least(s.gap_2, s.gap_3))
                OR s.creeping[s.n[4]] > greatest(0.5, 0.5 * s.gap_3)
                THEN 'appears_slowly'
        END AS reason
    FROM sorted AS s
    JOIN rates AS r ON r.scene_id = s.scene_id
),
limited AS (
    SELECT
        *, row_number() OVER (PARTITION BY scene_id, reason IS NULL ORDER BY draw($seed, 'appearance_order', scene_id, object_ids), object_ids) AS turn,
        floor(3.0 * draw($seed, 'appearance_order/swaps', scene_id, object_ids)) AS swaps
    FROM judged
),
-- The right order with what two swaps make of it, one, the other and both: the first two and the last two change places; the outer two and the
-- inner two; the first and the third, and the second and the last.
ordered AS (
    SELECT
        *,
        CASE swaps
            WHEN 0.0 THEN [[1, 2, 3, 4], [2, 1, 3, 4], [1, 2, 4, 3], [2, 1, 4, 3]]
            WHEN 1.0 THEN [[1, 2, 3, 4], [4, 2, 3, 1], [1, 3, 2, 4], [4, 3, 2, 1]]
            ELSE [[1, 2, 3, 4], [3, 2, 1, 4], [1, 4, 3, 2], [3, 4, 1, 2]]
        END AS orders,
        ['one', 'another', 'a_third', 'a_fourth'] AS slot_names
    FROM limited
),
named AS (
    SELECT *, [slot_names[n[1]], slot_names[n[2]], slot_names[n[3]], slot_names[n[4]]] AS by_time
    FROM ordered
)
SELECT
    id_hash('appearance_order', p.scene_id, p.object_ids) AS question_id,
    i.frame_ids,
    'uniform' AS frames_from,
    true AS ordered,
    p.scene_id,
    p.source,
    p.licence,
    p.split,
    'appearance_order' AS task,
    'first_to_last' AS relation,
    'choice' AS answer_form,
    'choice of 4 options' AS shape,
    [
        object_slot('one', p.names[1]), object_slot('another', p.names[2]), object_slot('a_third', p.names[3]), object_slot('a_fourth', p.names[4]),
        list_slot('right_order', p.by_time),
        list_slot('swapped', [p.by_time[p.orders[2][1]], p.by_time[p.orders[2][2]], p.by_time[p.orders[2][3]], p.by_time[p.orders[2][4]]]),
        list_slot('swapped_too', [p.by_time[p.orders[3][1]], p.by_time[p.orders[3][2]], p.by_time[p.orders[3][3]], p.by_time[p.orders[3][4]]]),
        list_slot('swapped_twice', [p.by_time[p.orders[4][1]], p.by_time[p.orders[4][2]], p.by_time[p.orders[4][3]], p.by_time[p.orders[4][4]]])
    ] AS slots,
    ['right_order', 'swapped', 'swapped_too', 'swapped_twice'] AS options,
    p.object_ids,
    [p.first_category, p.second_category] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked(p.object_ids) AS marks,
    'right_order' AS answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    p.gap AS margin,
    p.visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN p.reason IS NULL AND p.turn > $questions_per_scene_task THEN 'enough_of_scene' ELSE p.reason END AS filtered
FROM scene_images AS i
JOIN named AS p ON p.scene_id = i.scene_id
