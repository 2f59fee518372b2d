-- writes:  dataset
-- reads:   samples
-- keep:    table
-- keys:    sample_id
-- cluster: task, text_format, image_format, source
-- check:   question <> '' AND answer <> ''

-- The samples that are kept. Whether one is kept is a hash of its question and format, so that it does not depend on what else is
-- there, and so that many questions are asked in a few formats each rather than a few questions in all.
SELECT
    * EXCEPT (rate, unsuited),
    generator() AS generator,
    coalesce(unsuited, CASE WHEN draw($seed, 'balance', question_id, text_format, image_format) >= rate THEN 'balanced_out' END) AS filtered
FROM samples
