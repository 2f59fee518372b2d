-- A sample on a sheet.
SELECT
    sample_id, source, scene_id, frame_ids, task, relation, answer_form, text_format, image_format, question, answer, object_ids, marks, margin
FROM dataset
WHERE sample_id = $sample
