-- Texts for the measures of diversity: a fair sample, because ids are hashes.
SELECT
    d.task,
    d.template_id,
    d.question,
    d.answer,
    q.slots
FROM (SELECT sample_id, question_id, task, template_id, question, answer FROM dataset WHERE sample_id < 'HIGHEST') AS d
JOIN questions AS q ON q.question_id = d.question_id
ORDER BY d.sample_id
