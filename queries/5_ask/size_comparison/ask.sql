-- writes: questions
-- reads:  comparisons
-- keep:   table
-- keys:   question_id

-- Size questions: is the chair wider than the table? Which is taller? In go comparisons; out come those of the axes of size, sampled.
SELECT
    question_id, frame_ids, scene_id, source, licence, split, task, relation, answer_form, shape, slots, options, object_ids, categories,
    available, marks, answer, answer_value, answer_unit, margin, visibility, lift_quality, answerable_from_boxes, filtered
FROM comparisons
WHERE axis IN ('width', 'height', 'volume')
    AND draw($seed, 'size_comparison', frame_id, subject, object, axis)
        < pair_sampling_rate($size_facts_per_frame, askable_objects, 3, 'unordered')
