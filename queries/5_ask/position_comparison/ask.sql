-- writes: questions
-- reads:  comparisons
-- keep:   table
-- keys:   question_id

-- Is the chair to the left of the table? Which is closer to the camera?
SELECT
    question_id, frame_ids, scene_id, source, task, relation, answer_form, shape, slots, object_ids, kinds, offers, marks, answer,
    answer_value, answer_unit, margin, visibility, lift_quality, boxes_tell, filtered
FROM comparisons
WHERE axis IN ('lateral', 'vertical', 'depth')
    -- n things make n (n - 1) / 2 facts on each of three axes.
    AND draw($seed, 'position_comparison', frame_id, subject, object, axis) < $position_facts_per_frame / (1.5 * among * (among - 1))
