-- writes: keep_rates
-- reads:  questions, formats
-- keep:   table
-- keys:   source, task, relation, answer_form, answer, text_format, image_format
-- shard:  all
-- settle: rate
-- check:  rate BETWEEN 0 AND 1

-- What part of each stratum of samples the dataset keeps: counts first, so that keeping is then a test of one row alone.
WITH asked AS (
    SELECT
        source, task, relation, answer_form, coalesce(chr(65 + answer_index), answer) AS answer, offers, count(*) AS questions
    FROM questions
    GROUP BY source, task, relation, answer_form, coalesce(chr(65 + answer_index), answer), offers
),
counted AS (
    -- A format that no question of a stratum suits is there too, with no sample, so that a question meets every format.
    SELECT
        source, task, relation, answer_form, answer, text_format, image_format,
        sum(CASE
            WHEN lacking(needs, offers) IS NULL AND format_allowed($allow, task, source, text_format, image_format) THEN questions
            ELSE 0
        END) AS samples
    FROM formats
    CROSS JOIN asked
    GROUP BY source, task, relation, answer_form, answer, text_format, image_format
)
SELECT
    s['source'] AS source, s['task'] AS task, s['relation'] AS relation, s['answer_form'] AS answer_form, s['answer'] AS answer,
    s['text_format'] AS text_format, s['image_format'] AS image_format, s['samples'] AS samples, s['rate'] AS rate
FROM (
    SELECT unnest(balance(
        array_agg(named_struct('source', source, 'task', task, 'relation', relation, 'answer_form', answer_form,
            'answer', answer, 'text_format', text_format, 'image_format', image_format, 'samples', samples)),
        $targets)) AS s
    FROM counted
)
