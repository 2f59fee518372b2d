-- writes:  dataset
-- reads:   samples, keep_rates
-- keep:    table
-- keys:    sample_id
-- cluster: task, text_format, image_format, source
-- check:   question <> '' AND answer <> ''

-- The samples of the questions that are kept. Whether one is kept is a hash of its question, so that it does not depend on what else
-- is there, and all formats of a question stay together.
SELECT
    s.* EXCEPT (stratum_answer),
    generator() AS generator,
    CASE WHEN draw($seed, 'balance', s.question_id) >= k.rate THEN 'balanced_out' END AS filtered
FROM keep_rates AS k
JOIN samples AS s
    ON k.source = s.source AND k.task = s.task AND k.relation = s.relation AND k.answer_form = s.answer_form
    AND k.answer = s.stratum_answer
