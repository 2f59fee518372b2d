-- writes: questions
-- reads:  comparisons
-- keep:   table
-- keys:   question_id

-- Position questions: is the chair to the left of the table? Which is closer to the camera? In go comparisons; out come those of the axes of
-- position, sampled.
SELECT
    question_id, frame_ids, scene_id, source, licence, split, task, relation, answer_form, shape, slots, options, object_ids, categories,
    available, marks, answer, answer_value, answer_unit, margin, visibility, lift_quality, answerable_from_boxes, filtered
FROM comparisons
WHERE axis IN ('lateral', 'vertical', 'depth')
    AND draw($seed, 'position_comparison', frame_id, subject, object, axis)
        < pair_sampling_rate($position_facts_per_frame, askable_objects, 3, 'unordered')
