-- Samples by everything that the report counts them by; a few thousand rows at most, which are added up as each table needs them.
-- What was asked for is compared by its first word: phrases are linted to say yes or no there.
SELECT
    source,
    task,
    relation,
    answer_form,
    text_format,
    image_format,
    CASE
        WHEN answer_form = 'yes_no' AND starts_with(lower(answer), 'yes') THEN 'yes'
        WHEN answer_form = 'yes_no' AND starts_with(lower(answer), 'no') THEN 'no'
        ELSE chr(65 + answer_index)
    END AS answer,
    count(*) AS n
FROM dataset
GROUP BY ALL
ORDER BY source, task, relation, answer_form, text_format, image_format, answer
