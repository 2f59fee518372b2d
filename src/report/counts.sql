-- Samples by everything that the report counts them by; a few thousand rows at most, which are added up as each table needs them.
-- Yes and no are those of the question, because a wording may say them in other words.
SELECT
    d.source,
    d.task,
    d.relation,
    d.answer_form,
    d.text_format,
    d.image_format,
    CASE
        WHEN d.answer_form = 'yes_no' THEN q.answer
        ELSE chr(65 + d.answer_index)
    END AS answer,
    count(*) AS n
FROM dataset AS d
LEFT JOIN (SELECT question_id, answer FROM questions WHERE answer_form = 'yes_no') AS q ON q.question_id = d.question_id
GROUP BY ALL
ORDER BY 1, 2, 3, 4, 5, 6, 7
