-- The first sample of a question.
SELECT min(sample_id) AS sample_id
FROM dataset
WHERE question_id = $question
HAVING min(sample_id) IS NOT NULL
