-- writes:  dataset
-- reads:   samples
-- keep:    table
-- keys:    sample_id
-- cluster: task, text_format, image_format, source
-- check:   question <> '' AND answer <> ''

-- The samples of the questions that are kept. Whether one is kept is a hash of its question, so that it does not depend on what else
-- is there, and all formats of a question stay together.
SELECT
    * EXCEPT (rate),
    generator() AS generator,
    CASE WHEN draw($seed, 'balance', question_id) >= rate THEN 'balanced_out' END AS filtered
FROM samples
