-- writes: comparisons
-- reads:  facts
-- keep:   view
-- keys:   question_id

-- Each fact as a question about its two things: what is asked, in which form, and the answer. Tasks take those of their axes.
WITH asked AS (
    SELECT
        *,
        CASE WHEN axis IN ('lateral', 'vertical', 'depth') THEN 'position_comparison' ELSE 'size_comparison' END AS task,
        draw($seed, 'comparison/polarity', frame_id, subject, object, axis) < 0.5 AS as_it_is,
        draw($seed, 'comparison/order', frame_id, subject, object, axis) < 0.5 AS as_ordered,
        draw($seed, 'comparison/form', frame_id, subject, object, axis) AS form_draw
    FROM facts
    -- A fact is there in both directions; the hash takes one of them.
    WHERE (subject < object)
        = (draw($seed, 'comparison/direction', frame_id, least(subject, object), greatest(subject, object), axis) < 0.5)
),
shaped AS (
    -- What is asked is the relation that holds or its opposite, so that yes and no are equally likely whatever is asked.
    SELECT
        *,
        CASE WHEN as_it_is THEN relation ELSE opposite(relation) END AS asked_relation,
        CASE
            WHEN form_draw < $yes_no_share THEN 'yes_no'
            WHEN form_draw < $yes_no_share + $choice_share / 2 THEN 'choice of object'
            WHEN form_draw < $yes_no_share + $choice_share THEN 'choice of relation'
            ELSE 'open'
        END AS shape
    FROM asked
),
answered AS (
    SELECT
        *,
        CASE WHEN shape LIKE 'choice%' THEN 'choice' ELSE shape END AS answer_form,
        CASE WHEN shape IN ('yes_no', 'choice of object') THEN asked_relation ELSE relation END AS question_relation,
        CASE
            WHEN shape = 'yes_no' THEN CASE WHEN as_it_is THEN 'yes' ELSE 'no' END
            WHEN shape = 'choice of object' THEN CASE WHEN as_it_is THEN 'subject' ELSE 'object' END
            ELSE relation
        END AS answer,
        CASE
            WHEN shape = 'choice of object' AND as_ordered THEN ['subject', 'object']
            WHEN shape = 'choice of object' THEN ['object', 'subject']
            WHEN shape = 'choice of relation' AND as_ordered THEN [relation, opposite(relation)]
            WHEN shape = 'choice of relation' THEN [opposite(relation), relation]
        END AS options
    FROM shaped
),
identified AS (
    SELECT *, id_hash(task, frame_id, subject, object, question_relation, answer_form, answer, options) AS question_id
    FROM answered
)
SELECT
    frame_id,
    subject,
    object,
    axis,
    among,
    question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    task,
    question_relation AS relation,
    answer_form,
    template(task, answer_form, question_relation, answer, draw($seed, 'template', question_id)) AS template_id,
    named_struct('subject', subject_name, 'object', object_name, 'category', CAST(NULL AS VARCHAR)) AS slots,
    [subject, object] AS object_ids,
    named_struct(
        'name', subject_named AND object_named, 'box', subject_framed IS NOT NULL AND object_framed IS NOT NULL, 'mask', subject_masked AND object_masked,
        'number', subject_anchor IS NOT NULL AND object_anchor IS NOT NULL) AS offers,
    assign_marks(
        [
            named_struct('object_id', subject, 'box', subject_framed, 'anchor', subject_anchor, 'own_colour', subject_colour),
            named_struct('object_id', object, 'box', object_framed, 'anchor', object_anchor, 'own_colour', object_colour)
        ],
        draw($seed, 'marks', frame_id, least(subject, object), greatest(subject, object))) AS marks,
    answer,
    options,
    CAST(array_position(options, answer) AS INT) - 1 AS answer_index,
    value AS answer_value,
    unit AS answer_unit,
    margin,
    visibility,
    lift_quality,
    coalesce(subject_unfit, object_unfit, subject_hidden, object_hidden, doubt) AS filtered
FROM identified
