-- writes: keep_rates
-- reads:  debiased_questions, formats, turns
-- keep:   table
-- keys:   source, task, relation, answer_form, answer, text_format, image_format, shortcut
-- shard:  all
-- hysteresis: rate
-- check:  rate BETWEEN 0 AND 1

-- Balancing rates: what part of each stratum of samples the dataset keeps, so that it has the shares of `balance.targets`. In go all
-- questions; out comes a row a stratum. Counts come first, so that keeping is then a test of one row alone.
WITH alike AS (
    SELECT source, task, relation, shape, answer, available, answerable_from_boxes, answerable_from_names, count(*) AS questions
    FROM debiased_questions
    WHERE passes_debias
    GROUP BY source, task, relation, shape, answer, available, answerable_from_boxes, answerable_from_names
),
shortcuts (shortcut) AS (VALUES ('box'), ('none'), ('noun')),
formatted AS (
    -- A format that no question of a stratum suits is there too, with no sample, so that a question meets every format; and so is a
    -- shortcut that none of them has.
    SELECT
        source, task, relation, shape, answer, text_format, image_format, shortcut,
        sum(CASE
            -- As samples have it: noun where the text says the names and they give the answer, else box where the boxes do, else none.
            WHEN (shortcut = 'noun') = (answerable_from_names AND names_objects) AND (shortcut = 'box') = (answerable_from_boxes AND NOT (answerable_from_names AND names_objects))
                AND first_missing(required, available) IS NULL AND format_allowed($allow, task, source, text_format, image_format) THEN questions
            ELSE 0
        END) AS questions
    FROM formats
    CROSS JOIN shortcuts
    CROSS JOIN alike
    GROUP BY source, task, relation, shape, answer, text_format, image_format, shortcut
),
counted AS (
    -- Each of the four turns has a quarter of a question's samples: quarters are counted, because they are whole numbers.
    SELECT
        f.source, f.task, relation_in_turn(f.relation, t.flipped) AS relation, t.answer_form,
        coalesce(t.answer, f.answer) AS answer, f.text_format, f.image_format, f.shortcut, sum(f.questions) AS samples
    FROM turns AS t
    JOIN formatted AS f ON f.shape = t.shape
    GROUP BY
        f.source, f.task, relation_in_turn(f.relation, t.flipped), t.answer_form,
        coalesce(t.answer, f.answer), f.text_format, f.image_format, f.shortcut
)
SELECT
    s['source'] AS source, s['task'] AS task, s['relation'] AS relation, s['answer_form'] AS answer_form, s['answer'] AS answer,
    s['text_format'] AS text_format, s['image_format'] AS image_format, s['shortcut'] AS shortcut,
    s['samples'] / 4.0 AS samples, s['rate'] AS rate
FROM (
    SELECT unnest(balance(
        array_agg(named_struct('source', source, 'task', task, 'relation', relation, 'topic', topic(relation), 'answer_form', answer_form,
            'answer', answer, 'text_format', text_format, 'image_format', image_format, 'shortcut', shortcut, 'samples', samples)),
        $targets, $max_number_share, $min_keep_rate)) AS s
    FROM counted
)
