-- writes: questions
-- reads:  category_groups
-- keep:   table
-- keys:   question_id

-- Existence questions: is there a chair to the left of the table? In go category groups; out comes a question a group whose objects are
-- all on one side of the reference.
--
-- The answer looks at every chair of the frame. Asked about that side in one sample and about the other in the next, such a table is
-- answered yes as often as no, and how many chairs there are gives nothing away. (With chairs on both sides it is always yes.)
WITH one_sided AS (
    SELECT *, CASE WHEN first_count = total THEN first_relation ELSE other_relation END AS relation
    FROM category_groups
    WHERE first_count IN (0, total)
        AND draw($seed, 'existence_estimation', frame_id, object, category, axis)
            < pair_sampling_rate($existence_groups_per_frame, askable_objects, 6, 'ordered')
)
SELECT
    id_hash('existence_estimation', frame_id, object, category, relation) AS question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    licence,
    split,
    'existence_estimation' AS task,
    relation,
    'yes_no' AS answer_form,
    'yes_no' AS shape,
    [category_slot('category', category), object_slot('object', object_name)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    array_concat([object], candidates) AS object_ids,
    [category, object_category] AS categories,
    available,
    marks,
    relation AS answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    margin,
    visibility,
    lift_quality,
    answerable_from_boxes,
    filtered
FROM one_sided
