-- writes:  dataset
-- reads:   samples
-- keep:    table
-- keys:    sample_id
-- cluster: task, text_format, image_format, source
-- check:   question <> '' AND answer <> '' AND (options IS NULL OR answer_index BETWEEN 0 AND cardinality(options) - 1)

-- The dataset: the samples that balancing keeps. In go samples; out comes a row a kept sample. What is drawn for one is a hash of its question alone, so that it does not depend on what else is there; the
-- formats of a question are shuffled and the first ones kept, so that many questions are asked in a few formats each rather than a
-- few questions in all.
SELECT
    * EXCEPT (rate, drawn, format_reason),
    generator() AS generator,
    coalesce(format_reason, CASE WHEN drawn >= rate THEN 'balanced_out' END) AS filtered
FROM samples
