-- writes: questions
-- reads:  references
-- keep:   table
-- keys:   question_id

-- Absolute distance: how far apart are the chair and the lamp? In go a frame's references; out comes a question a pair of objects, with the
-- distance between their centres as a value in metres: asked for as a number, as one of three or four, or against a limit.
WITH pairs AS (
    SELECT
        a.frame_id, a.scene_id, a.source, a.licence, a.split, a.object_id AS one, b.object_id AS other_one,
        a.name AS one_name, b.name AS other_name, a.category AS one_category, b.category AS other_category,
        a.clipped_box AS one_box, b.clipped_box AS other_box, a.label_point AS one_point, b.label_point AS other_point,
        a.colour AS one_colour, b.colour AS other_colour, a.has_mask AND b.has_mask AS have_masks,
        a.clear_outline AND b.clear_outline AS have_outlines,
        round(sqrt(
            power(a.view_box.centre.x - b.view_box.centre.x, 2) + power(a.view_box.centre.y - b.view_box.centre.y, 2)
            + power(a.view_box.centre.z - b.view_box.centre.z, 2)), 1) AS distance,
        least(a.visibility, b.visibility) AS visibility,
        least(a.lift_quality, b.lift_quality) AS lift_quality,
        draw($seed, 'distance_between/shape', a.frame_id, a.object_id, b.object_id) AS shape_draw
    FROM references AS b
    JOIN references AS a ON a.frame_id = b.frame_id AND a.object_id < b.object_id
    WHERE a.view_box IS NOT NULL AND b.view_box IS NOT NULL
        AND coalesce(a.skip_reason, a.object_reason, b.skip_reason, b.object_reason) IS NULL
        AND a.name_matches = 1 AND b.name_matches = 1 AND lower(a.name) <> lower(b.name)
        AND draw($seed, 'distance_between', a.frame_id, a.object_id, b.object_id) < 0.3
),
shaped AS (
    SELECT
        *,
        CASE
            WHEN shape_draw < 0.4 THEN 'number'
            WHEN shape_draw < 0.55 THEN 'choice of 3 options'
            WHEN shape_draw < 0.7 THEN 'choice of 4 options'
            ELSE 'fixed yes_no'
        END AS shape,
        -- Well below or well above the distance, as often.
        round(distance * CASE WHEN draw($seed, 'distance_between/limit', frame_id, one, other_one) < 0.5 THEN 0.5 ELSE 1.6 END, 1) AS distance_limit
    FROM pairs
)
SELECT
    id_hash('distance_between', frame_id, one, other_one, shape) AS question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    licence,
    split,
    'distance_between' AS task,
    'apart' AS relation,
    CASE WHEN shape LIKE 'choice%' THEN 'choice' WHEN shape = 'number' THEN 'number' ELSE 'yes_no' END AS answer_form,
    shape,
    [
        object_slot('one', one_name), object_slot('other_one', other_name), value_slot('distance', distance, 'm', 1),
        value_slot('limit', distance_limit, 'm', 1)
    ] AS slots,
    CASE shape
        WHEN 'choice of 3 options' THEN [
            CAST(distance AS VARCHAR) || ' m', CAST(round(distance * 0.5, 1) AS VARCHAR) || ' m', CAST(round(distance * 1.6, 1) AS VARCHAR) || ' m'
        ]
        WHEN 'choice of 4 options' THEN [
            CAST(distance AS VARCHAR) || ' m', CAST(round(distance * 0.5, 1) AS VARCHAR) || ' m',
            CAST(round(distance * 1.6, 1) AS VARCHAR) || ' m', CAST(round(distance * 2.4, 1) AS VARCHAR) || ' m'
        ]
    END AS options,
    [one, other_one] AS object_ids,
    [one_category, other_category] AS categories,
    named_struct(
        'name', true, 'box', one_box IS NOT NULL AND other_box IS NOT NULL, 'mask', have_masks,
        'number', one_point IS NOT NULL AND other_point IS NOT NULL, 'outline', have_outlines) AS available,
    assign_marks(
        [
            named_struct('object_id', one, 'image', 0, 'box', one_box, 'label_point', one_point, 'own_colour', one_colour),
            named_struct('object_id', other_one, 'image', 0, 'box', other_box, 'label_point', other_point, 'own_colour', other_colour)
        ],
        draw($seed, 'marks', frame_id, one, other_one)) AS marks,
    CASE
        WHEN shape = 'number' THEN CAST(distance AS VARCHAR)
        WHEN shape = 'fixed yes_no' THEN CASE WHEN distance > distance_limit THEN 'yes' ELSE 'no' END
        ELSE CAST(distance AS VARCHAR) || ' m'
    END AS answer,
    distance AS answer_value,
    'm' AS answer_unit,
    1.0 AS margin,
    visibility,
    lift_quality,
    false AS answerable_from_boxes,
    -- A number of one decimal says nothing of what is closer together than half a metre.
    CASE WHEN distance < 0.5 THEN 'ambiguous_margin' END AS filtered
FROM shaped
