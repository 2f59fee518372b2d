-- writes: comparisons
-- reads:  pair_facts
-- keep:   view
-- keys:   question_id

-- Each fact as a question about its two things: what is asked and in which shape. Tasks take those of their axes. Whether the relation
-- or its opposite is asked about, and which option comes first, is for each of its samples to say.
WITH asked AS (
    SELECT
        *,
        CASE WHEN axis IN ('lateral', 'vertical', 'depth') THEN 'position_comparison' ELSE 'size_comparison' END AS task,
        draw($seed, 'comparison/form', frame_id, subject, object, axis) AS form_draw
    FROM pair_facts
    -- A fact is there in both directions; the hash takes one of them.
    WHERE (subject < object)
        = (draw($seed, 'comparison/direction', frame_id, least(subject, object), greatest(subject, object), axis) < 0.5)
),
shaped AS (
    SELECT
        *,
        CASE
            WHEN form_draw < $yes_no_share THEN 'yes_no'
            WHEN form_draw < $yes_no_share + $choice_share / 2 THEN 'choice of object'
            WHEN form_draw < $yes_no_share + $choice_share THEN 'choice of relation'
            ELSE 'open'
        END AS shape
    FROM asked
)
SELECT
    frame_id,
    subject,
    object,
    axis,
    among,
    id_hash(task, frame_id, subject, object, relation, shape) AS question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    task,
    relation,
    CASE WHEN shape LIKE 'choice%' THEN 'choice' ELSE shape END AS answer_form,
    shape,
    named_struct('subject', subject_name, 'object', object_name, 'category', CAST(NULL AS VARCHAR)) AS slots,
    [subject, object] AS object_ids,
    [subject_category, object_category] AS kinds,
    named_struct(
        'name', subject_named AND object_named, 'box', subject_framed IS NOT NULL AND object_framed IS NOT NULL, 'mask', subject_masked AND object_masked,
        'number', subject_anchor IS NOT NULL AND object_anchor IS NOT NULL, 'outline', subject_alone AND object_alone) AS offers,
    assign_marks(
        [
            named_struct('object_id', subject, 'box', subject_framed, 'anchor', subject_anchor, 'own_colour', subject_colour),
            named_struct('object_id', object, 'box', object_framed, 'anchor', object_anchor, 'own_colour', object_colour)
        ],
        draw($seed, 'marks', frame_id, least(subject, object), greatest(subject, object))) AS marks,
    relation AS answer,
    value AS answer_value,
    unit AS answer_unit,
    margin,
    visibility,
    lift_quality,
    boxes_tell,
    coalesce(subject_skip_reason, object_skip_reason, subject_reason, object_reason, pair_reason) AS filtered
FROM shaped
