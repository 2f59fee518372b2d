-- writes: questions
-- reads:  references
-- keep:   table
-- keys:   question_id

-- Relative distance: is the chair closer to the table than the lamp is? In go a frame's references; out comes a question a pair of objects
-- and a third one. Distances are between centres in view space, and clear ones differ by more than a third of the larger one.
--
-- The join builds on its left side and streams its right side: objects are held, triples stream.
WITH triples AS (
    SELECT
        a.frame_id, a.scene_id, a.source, a.licence, a.split,
        a.object_id AS subject, b.object_id AS object, c.object_id AS reference,
        a.name AS subject_name, b.name AS object_name, c.name AS reference_name,
        a.category AS subject_category, b.category AS object_category,
        a.clipped_box AS subject_box, b.clipped_box AS object_box, c.clipped_box AS reference_box,
        a.label_point AS subject_point, b.label_point AS object_point, c.label_point AS reference_point,
        a.colour AS subject_colour, b.colour AS object_colour, c.colour AS reference_colour,
        a.has_mask AND b.has_mask AND c.has_mask AS have_masks,
        a.clear_outline AND b.clear_outline AND c.clear_outline AS have_outlines,
        sqrt(
            power(a.view_box.centre.x - c.view_box.centre.x, 2) + power(a.view_box.centre.y - c.view_box.centre.y, 2)
            + power(a.view_box.centre.z - c.view_box.centre.z, 2)) AS to_subject,
        sqrt(
            power(b.view_box.centre.x - c.view_box.centre.x, 2) + power(b.view_box.centre.y - c.view_box.centre.y, 2)
            + power(b.view_box.centre.z - c.view_box.centre.z, 2)) AS to_object,
        least(a.visibility, b.visibility, c.visibility) AS visibility,
        least(a.lift_quality, b.lift_quality, c.lift_quality) AS lift_quality
    FROM references AS c
    JOIN (references AS b JOIN references AS a ON a.frame_id = b.frame_id AND a.object_id <> b.object_id)
        ON c.frame_id = a.frame_id AND c.object_id <> a.object_id AND c.object_id <> b.object_id
    WHERE a.view_box IS NOT NULL AND b.view_box IS NOT NULL AND c.view_box IS NOT NULL
        AND coalesce(a.skip_reason, a.object_reason, b.skip_reason, b.object_reason, c.skip_reason, c.object_reason) IS NULL
        -- A name that fits one object, because this task has three of them to keep apart.
        AND a.name_matches = 1 AND b.name_matches = 1 AND c.name_matches = 1
        AND lower(a.name) <> lower(b.name) AND lower(a.name) <> lower(c.name) AND lower(b.name) <> lower(c.name)
        -- Both orders of two objects are there: a coin keeps one, and a draw a fifth of all triples.
        AND CASE
            WHEN draw($seed, 'closer_to/order', c.object_id, a.frame_id, least(a.object_id, b.object_id), greatest(a.object_id, b.object_id)) < 0.5
                THEN a.object_id < b.object_id
            ELSE a.object_id > b.object_id
        END
        AND draw($seed, 'closer_to', a.frame_id, a.object_id, b.object_id, c.object_id) < 0.2
),
shaped AS (
    SELECT
        *,
        CASE WHEN to_subject < to_object THEN 'closer' ELSE 'further' END AS relation,
        abs(to_subject - to_object) / greatest(to_subject, to_object) AS margin,
        draw($seed, 'closer_to/shape', frame_id, subject, object, reference) AS shape_draw
    FROM triples
),
asked AS (
    SELECT
        *,
        CASE
            WHEN shape_draw < 0.4 THEN 'yes_no'
            WHEN shape_draw < 0.6 THEN 'choice of object'
            WHEN shape_draw < 0.8 THEN 'choice of 2 options'
            ELSE 'open'
        END AS shape
    FROM shaped
)
SELECT
    id_hash('closer_to', frame_id, subject, object, reference, shape) AS question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    licence,
    split,
    'closer_to' AS task,
    relation,
    CASE WHEN shape LIKE 'choice%' THEN 'choice' ELSE shape END AS answer_form,
    shape,
    -- The slots that phrases.toml declares, in its order: the n-th object has the n-th of the marks.
    [object_slot('subject', subject_name), object_slot('object', object_name), object_slot('reference', reference_name)] AS slots,
    CASE WHEN shape = 'choice of 2 options' THEN ['subject', 'object'] END AS options,
    [subject, object, reference] AS object_ids,
    [subject_category, object_category] AS categories,
    named_struct(
        'name', true,
        'box', subject_box IS NOT NULL AND object_box IS NOT NULL AND reference_box IS NOT NULL,
        'mask', have_masks,
        'number', subject_point IS NOT NULL AND object_point IS NOT NULL AND reference_point IS NOT NULL,
        'outline', have_outlines) AS available,
    assign_marks(
        [
            named_struct('object_id', subject, 'image', 0, 'box', subject_box, 'label_point', subject_point, 'own_colour', subject_colour),
            named_struct('object_id', object, 'image', 0, 'box', object_box, 'label_point', object_point, 'own_colour', object_colour),
            named_struct('object_id', reference, 'image', 0, 'box', reference_box, 'label_point', reference_point, 'own_colour', reference_colour)
        ],
        draw($seed, 'marks', frame_id, subject, object, reference)) AS marks,
    -- Of a choice of options the answer is one of them, of an open question the relation; yes and no follow from the turn.
    CASE WHEN shape = 'choice of 2 options' THEN 'subject' ELSE relation END AS answer,
    abs(to_subject - to_object) AS answer_value,
    'm' AS answer_unit,
    margin,
    visibility,
    lift_quality,
    -- What the 2D boxes tell is not looked at here; `shortcut` then says `noun` or `none`.
    false AS answerable_from_boxes,
    CASE WHEN margin < 0.33 THEN 'ambiguous_margin' END AS filtered
FROM asked
