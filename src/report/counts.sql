-- Samples by everything that the report counts them by; a few thousand rows at most, which are added up as each table needs them. What was measured
-- is counted by ranges that begin at 1, 2 or 5 times a power of ten.
SELECT
    source, task, relation, answer_form, text_format, image_format, shortcut,
    CASE WHEN power_of_ten IS NULL THEN ground_truth ELSE answer_unit END AS answer,
    power_of_ten * CASE WHEN answer_value < 2.0 * power_of_ten THEN 1.0 WHEN answer_value < 5.0 * power_of_ten THEN 2.0 ELSE 5.0 END AS range_begin,
    count(*) AS n
FROM (
    SELECT *, CASE WHEN answer_form = 'number' AND answer_unit <> 'count' AND answer_value > 0.0 THEN power(10.0, floor(log10(answer_value))) END AS power_of_ten
    FROM dataset
)
GROUP BY ALL
ORDER BY 1, 2, 3, 4, 5, 6, 7, 9, 8
