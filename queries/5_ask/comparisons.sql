-- writes: comparisons
-- reads:  pair_facts
-- keep:   view
-- keys:   question_id

-- Comparison questions: each pair fact as a question about its two objects, in one shape (yes or no, a choice, open). In go pair facts;
-- out comes a question a fact, with the reason where it is not asked. Tasks take those of their axes. Whether the relation or its
-- opposite is asked about, and which option comes first, is decided for each sample.
WITH directed AS (
    SELECT
        *,
        CASE WHEN axis IN ('lateral', 'vertical', 'depth') THEN 'position_comparison' ELSE 'size_comparison' END AS task,
        draw($seed, 'comparison/form', frame_id, subject, object, axis) AS form_draw
    FROM pair_facts
    -- A fact is there in both directions. A coin, the same for both, keeps the one whose subject comes first by id, or the other one.
    WHERE CASE
        WHEN draw($seed, 'comparison/direction', frame_id, least(subject, object), greatest(subject, object), axis) < 0.5
            THEN subject < object
        ELSE subject > object
    END
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
    FROM directed
)
SELECT
    frame_id,
    subject,
    object,
    axis,
    askable_objects,
    id_hash(task, frame_id, subject, object, relation, shape) AS question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    licence,
    split,
    task,
    relation,
    CASE WHEN shape LIKE 'choice%' THEN 'choice' ELSE shape END AS answer_form,
    shape,
    [object_slot('subject', subject_name), object_slot('object', object_name)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    [subject, object] AS object_ids,
    [subject_category, object_category] AS categories,
    named_struct(
        'name', subject_name_unique AND object_name_unique,
        'box', subject_clipped_box IS NOT NULL AND object_clipped_box IS NOT NULL,
        'mask', subject_has_mask AND object_has_mask,
        'number', subject_label_point IS NOT NULL AND object_label_point IS NOT NULL,
        'outline', subject_clear_outline AND object_clear_outline) AS available,
    assign_marks(
        [
            named_struct(
                'object_id', subject, 'image', 0, 'box', subject_clipped_box, 'label_point', subject_label_point,
                'own_colour', subject_colour),
            named_struct(
                'object_id', object, 'image', 0, 'box', object_clipped_box, 'label_point', object_label_point,
                'own_colour', object_colour)
        ],
        draw($seed, 'marks', frame_id, least(subject, object), greatest(subject, object))) AS marks,
    relation AS answer,
    value AS answer_value,
    unit AS answer_unit,
    margin,
    visibility,
    lift_quality,
    answerable_from_boxes,
    coalesce(subject_skip_reason, object_skip_reason, subject_reason, object_reason, pair_reason) AS filtered
FROM shaped
