-- writes: questions
-- reads:  frame_pairs, pair_sightings, references
-- keep:   table
-- keys:   question_id

-- The same object: which of four marked objects of image 2 is the one that is marked in image 1? In go frame pairs, what their frames show, and how
-- objects can be marked there; out comes a question a pair and object that both images show well. Texts call all of them "object": names would tell.
--
-- The other three are objects that image 2 shows as well, of the same category where there are such, whose boxes do not cover each other.
WITH usable AS (
    SELECT
        s.scene_id, s.frame_id, s.object_id, s.category, s.visible, r.clipped_box, r.has_mask, r.label_point, r.colour, r.clear_outline
    FROM references AS r
    JOIN pair_sightings AS s ON s.frame_id = r.frame_id AND s.object_id = r.object_id
    WHERE s.good AND r.skip_reason IS NULL AND r.clipped_box IS NOT NULL
),
targets AS (
    SELECT *, row_number() OVER (PARTITION BY one_frame, other_frame ORDER BY drawn, object_id) AS of_pair
    FROM (
        SELECT
            p.scene_id, p.source, p.licence, p.split, p.frame_ids, p.one_frame, p.other_frame, a.object_id, a.category,
            a.clipped_box AS one_box, a.has_mask AS one_mask, a.label_point AS one_point, a.colour AS one_colour, a.clear_outline AS one_outline,
            b.clipped_box, b.has_mask, b.label_point, b.colour, b.clear_outline, least(a.visible, b.visible) AS visible,
            draw($seed, 'same_object', p.one_frame, p.other_frame, a.object_id) AS drawn
        FROM usable AS b
        JOIN (
            usable AS a
            JOIN (SELECT * FROM frame_pairs WHERE $pair_tasks AND pair_reason IS NULL) AS p ON a.frame_id = p.one_frame
        ) ON b.frame_id = p.other_frame AND b.object_id = a.object_id
    )
),
others AS (
    SELECT
        t.one_frame, t.other_frame, t.object_id, o.object_id AS candidate, o.clipped_box, o.has_mask, o.label_point, o.colour, o.clear_outline, o.visible,
        row_number() OVER (
            PARTITION BY t.one_frame, t.other_frame, t.object_id
            ORDER BY o.category <> t.category, draw($seed, 'same_object/others', t.one_frame, t.other_frame, t.object_id, o.object_id), o.object_id) AS place
    FROM usable AS o
    JOIN targets AS t ON o.frame_id = t.other_frame AND o.object_id <> t.object_id
    WHERE t.of_pair <= 3 AND box_iou(o.clipped_box, t.clipped_box) < 0.3
),
fours AS (
    -- The right one stands among the others by its id, as they do, so that its slot says nothing.
    SELECT
        one_frame, other_frame, object_id, array_agg(candidate ORDER BY candidate) AS ids, min(visible) AS visible,
        array_agg(named_struct('box', clipped_box, 'label_point', label_point, 'colour', colour) ORDER BY candidate) AS marks,
        bool_and(has_mask) AS have_masks, bool_and(label_point IS NOT NULL) AS have_numbers, bool_and(clear_outline) AS have_outlines
    FROM (
        SELECT one_frame, other_frame, object_id, candidate, clipped_box, has_mask, label_point, colour, clear_outline, visible
        FROM others
        WHERE place <= 3
        UNION ALL
        SELECT one_frame, other_frame, object_id, object_id AS candidate, clipped_box, has_mask, label_point, colour, clear_outline, visible
        FROM targets
        WHERE of_pair <= 3
    )
    GROUP BY one_frame, other_frame, object_id
),
judged AS (
    SELECT
        t.scene_id, t.source, t.licence, t.split, t.frame_ids, t.one_frame, t.other_frame, t.object_id, t.one_box, t.one_mask, t.one_point, t.one_colour,
        t.one_outline, t.drawn, f.ids, f.marks, f.have_masks, f.have_numbers, f.have_outlines, coalesce(f.visible, t.visible) AS seen,
        CASE
            WHEN t.of_pair > 3 THEN 'enough_of_scene'
            WHEN cardinality(f.ids) < 4 THEN 'few_candidates'
            WHEN greatest(
                box_iou(f.marks[1]['box'], f.marks[2]['box']), box_iou(f.marks[1]['box'], f.marks[3]['box']), box_iou(f.marks[1]['box'], f.marks[4]['box']),
                box_iou(f.marks[2]['box'], f.marks[3]['box']), box_iou(f.marks[2]['box'], f.marks[4]['box']), box_iou(f.marks[3]['box'], f.marks[4]['box'])) >= 0.3
                THEN 'overlapping'
        END AS reason
    FROM fours AS f
    RIGHT JOIN targets AS t ON f.one_frame = t.one_frame AND f.other_frame = t.other_frame AND f.object_id = t.object_id
),
ranked AS (
    SELECT
        *, row_number() OVER (PARTITION BY scene_id, reason IS NULL ORDER BY drawn, one_frame, other_frame, object_id) AS place
    FROM judged
)
SELECT
    id_hash('same_object', one_frame, other_frame, object_id) AS question_id,
    frame_ids,
    'pair' AS frames_from,
    true AS ordered,
    scene_id,
    source,
    licence,
    split,
    'same_object' AS task,
    'same_as_marked' AS relation,
    'choice' AS answer_form,
    'choice of 4 options' AS shape,
    [
        object_slot('target', 'object'), object_slot('candidate_w', 'object'), object_slot('candidate_x', 'object'),
        object_slot('candidate_y', 'object'), object_slot('candidate_z', 'object'), image_slot('view_one', 0), image_slot('view_two', 1)
    ] AS slots,
    ['candidate_w', 'candidate_x', 'candidate_y', 'candidate_z'] AS options,
    [object_id, ids[1], ids[2], ids[3], ids[4]] AS object_ids,
    ['', ''] AS categories,
    named_struct(
        'name', false, 'box', true, 'mask', one_mask AND have_masks, 'number', one_point IS NOT NULL AND have_numbers,
        'outline', one_outline AND have_outlines) AS available,
    assign_marks(
        [
            named_struct('object_id', object_id, 'image', 0, 'box', one_box, 'label_point', one_point, 'own_colour', one_colour),
            named_struct('object_id', ids[1], 'image', 1, 'box', marks[1]['box'], 'label_point', marks[1]['label_point'], 'own_colour', marks[1]['colour']),
            named_struct('object_id', ids[2], 'image', 1, 'box', marks[2]['box'], 'label_point', marks[2]['label_point'], 'own_colour', marks[2]['colour']),
            named_struct('object_id', ids[3], 'image', 1, 'box', marks[3]['box'], 'label_point', marks[3]['label_point'], 'own_colour', marks[3]['colour']),
            named_struct('object_id', ids[4], 'image', 1, 'box', marks[4]['box'], 'label_point', marks[4]['label_point'], 'own_colour', marks[4]['colour'])
        ],
        draw($seed, 'marks', one_frame, other_frame, object_id)) AS marks,
    ['candidate_w', 'candidate_x', 'candidate_y', 'candidate_z'][CAST(array_position(ids, object_id) AS BIGINT)] AS answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    1.0 AS margin,
    seen AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND place > $questions_per_scene_task THEN 'enough_of_scene' ELSE reason END AS filtered
FROM ranked
