-- Samples by everything that the report counts them by; a few thousand rows at most, which are added up as each table needs them.
SELECT source, task, relation, answer_form, text_format, image_format, shortcut, ground_truth AS answer, count(*) AS n
FROM dataset
GROUP BY ALL
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
