-- writes: questions
-- reads:  frame_pairs, paired_frames, scene_references
-- keep:   table
-- keys:   question_id

-- Point correspondence: which of four points of image 2 is the place that point 1 of image 1 is on? In go frame pairs with points of surfaces that both
-- show; out come two questions a pair at most. All five points are on objects, and have numbers drawn on them; nothing but numbers tells them apart.
--
-- The other three are apart from the right one and from each other: a twelfth of the image's width, so that badges do not cover each other, and 0.2 m.
WITH pairs AS (
    SELECT
        p.* EXCEPT (pair_reason), a.width AS one_width, a.height AS one_height, b.width AS other_width, b.height AS other_height,
        coalesce(
            p.pair_reason,
            CASE
                WHEN p.overlap < $min_point_overlap THEN 'little_overlap'
                WHEN p.evidence <> 'mesh' THEN 'no_occlusion_evidence'
            END) AS reason
    FROM paired_frames AS b
    JOIN (
        paired_frames AS a
        JOIN (SELECT * FROM frame_pairs WHERE $pair_tasks) AS p ON a.frame_id = p.one_frame
    ) ON b.frame_id = p.other_frame
),
spots AS (
    SELECT
        scene_id, one_frame, other_frame, other_width, point['object_id'] AS object_id, point['at'] AS at,
        CASE WHEN swapped THEN point['other_pixel'] ELSE point['pixel'] END AS one_pixel,
        CASE WHEN swapped THEN point['pixel'] ELSE point['other_pixel'] END AS other_pixel,
        one_width, one_height, other_height
    FROM (
        SELECT scene_id, one_frame, other_frame, one_width, one_height, other_width, other_height, swapped, unnest(points) AS point
        FROM pairs
        WHERE reason IS NULL
    )
),
squares AS (
    -- A square as wide as a badge needs stands for a point of image 2. A badge near the border would be moved inside.
    SELECT
        s.*,
        named_struct(
            'x0', s.other_pixel['x'] - s.other_width / 24.0, 'y0', s.other_pixel['y'] - s.other_width / 24.0,
            'x1', s.other_pixel['x'] + s.other_width / 24.0, 'y1', s.other_pixel['y'] + s.other_width / 24.0) AS square,
        concat(s.at['x'], ' ', s.at['y'], ' ', s.at['z']) AS spot
    FROM scene_references AS r
    JOIN spots AS s ON s.scene_id = r.scene_id AND s.object_id = r.object_id
    WHERE coalesce(r.name_reason, '') <> 'skipped_category'
        AND s.one_pixel['x'] BETWEEN s.one_width / 24.0 AND s.one_width - s.one_width / 24.0
        AND s.one_pixel['y'] BETWEEN s.one_width / 24.0 AND s.one_height - s.one_width / 24.0
        AND s.other_pixel['x'] BETWEEN s.other_width / 24.0 AND s.other_width - s.other_width / 24.0
        AND s.other_pixel['y'] BETWEEN s.other_width / 24.0 AND s.other_height - s.other_width / 24.0
),
targets AS (
    SELECT *
    FROM (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY one_frame, other_frame ORDER BY draw($seed, 'point_correspondence', one_frame, other_frame, spot), spot) AS of_pair
        FROM squares
    )
    WHERE of_pair <= 2
),
others AS (
    SELECT
        t.one_frame, t.other_frame, t.spot AS target, o.spot, o.object_id, o.other_pixel, o.square,
        row_number() OVER (
            PARTITION BY t.one_frame, t.other_frame, t.spot
            ORDER BY draw($seed, 'point_correspondence/others', t.one_frame, t.other_frame, t.spot, o.spot), o.spot) AS place
    FROM squares AS o
    JOIN targets AS t ON o.one_frame = t.one_frame AND o.other_frame = t.other_frame AND o.spot <> t.spot
    WHERE box_iou(o.square, t.square) = 0.0
        AND power(o.at['x'] - t.at['x'], 2) + power(o.at['y'] - t.at['y'], 2) + power(o.at['z'] - t.at['z'], 2) >= 0.04
),
fours AS (
    SELECT
        one_frame, other_frame, target, count(*) AS options,
        array_agg(named_struct(
            'spot', spot, 'object_id', object_id, 'badge', named_struct('x', other_pixel['x'], 'y', other_pixel['y'], 'radius', 1.0), 'square', square)
            ORDER BY slot_draw, spot) AS four
    FROM (
        SELECT *, draw($seed, 'point_correspondence/slot', one_frame, other_frame, target, spot) AS slot_draw
        FROM (
            SELECT one_frame, other_frame, target, spot, object_id, other_pixel, square FROM others WHERE place <= 3
            UNION ALL
            SELECT one_frame, other_frame, spot AS target, spot, object_id, other_pixel, square FROM targets
        )
    )
    GROUP BY one_frame, other_frame, target
),
marked AS (
    SELECT
        t.*, f.four, f.options,
        assign_marks(
            [
                named_struct(
                    'object_id', t.object_id, 'image', 0, 'box', NULL,
                    'label_point', named_struct('x', t.one_pixel['x'], 'y', t.one_pixel['y'], 'radius', 1.0), 'own_colour', NULL),
                named_struct(
                    'object_id', f.four[1]['object_id'], 'image', 1, 'box', NULL, 'label_point', f.four[1]['badge'], 'own_colour', NULL),
                named_struct(
                    'object_id', f.four[2]['object_id'], 'image', 1, 'box', NULL, 'label_point', f.four[2]['badge'], 'own_colour', NULL),
                named_struct(
                    'object_id', f.four[3]['object_id'], 'image', 1, 'box', NULL, 'label_point', f.four[3]['badge'], 'own_colour', NULL),
                named_struct(
                    'object_id', f.four[4]['object_id'], 'image', 1, 'box', NULL, 'label_point', f.four[4]['badge'], 'own_colour', NULL)
            ],
            draw($seed, 'marks', t.one_frame, t.other_frame, t.spot)) AS marks,
        CASE
            WHEN f.options < 4 THEN 'few_candidates'
            WHEN greatest(
                box_iou(f.four[1]['square'], f.four[2]['square']), box_iou(f.four[1]['square'], f.four[3]['square']),
                box_iou(f.four[1]['square'], f.four[4]['square']), box_iou(f.four[2]['square'], f.four[3]['square']),
                box_iou(f.four[2]['square'], f.four[4]['square']), box_iou(f.four[3]['square'], f.four[4]['square'])) > 0.0 THEN 'overlapping'
        END AS reason
    FROM fours AS f
    JOIN targets AS t ON f.one_frame = t.one_frame AND f.other_frame = t.other_frame AND f.target = t.spot
),
judged AS (
    -- A pair that is not asked about is a row, too.
    SELECT
        p.scene_id, p.source, p.licence, p.split, p.frame_ids, p.one_frame, p.other_frame, p.overlap, m.spot, m.object_id, m.four, m.marks,
        CASE WHEN p.reason IS NULL AND m.spot IS NULL THEN 'few_candidates' ELSE coalesce(p.reason, m.reason) END AS reason,
        draw($seed, 'point_correspondence', p.one_frame, p.other_frame, m.spot) AS drawn
    FROM marked AS m
    RIGHT JOIN pairs AS p ON m.one_frame = p.one_frame AND m.other_frame = p.other_frame
),
ranked AS (
    SELECT
        *, row_number() OVER (PARTITION BY scene_id, reason IS NULL ORDER BY drawn, one_frame, other_frame, spot) AS place
    FROM judged
)
SELECT
    id_hash('point_correspondence', one_frame, other_frame, spot) AS question_id,
    frame_ids,
    'pair' AS frames_from,
    true AS ordered,
    scene_id,
    source,
    licence,
    split,
    'point_correspondence' AS task,
    'corresponds_to' AS relation,
    'choice' AS answer_form,
    'choice of 4 options' AS shape,
    [image_slot('view_one', 0), image_slot('view_two', 1), direction_slot('spot', concat('point ', marks[1]['label']))] AS slots,
    [
        concat('point ', marks[2]['label']), concat('point ', marks[3]['label']), concat('point ', marks[4]['label']),
        concat('point ', marks[5]['label'])
    ] AS options,
    [object_id, four[1]['object_id'], four[2]['object_id'], four[3]['object_id'], four[4]['object_id']] AS object_ids,
    ['', ''] AS categories,
    -- A number on an image, and a text that speaks of it: no other format has points.
    named_struct('name', false, 'box', false, 'mask', false, 'number', true, 'outline', false) AS available,
    marks,
    concat('point ', CASE spot
        WHEN four[1]['spot'] THEN marks[2]['label']
        WHEN four[2]['spot'] THEN marks[3]['label']
        WHEN four[3]['spot'] THEN marks[4]['label']
        ELSE marks[5]['label']
    END) AS answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    coalesce(overlap, 0.0) AS margin,
    1.0 AS visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND place > $questions_per_scene_task THEN 'enough_of_scene' ELSE reason END AS filtered
FROM ranked
