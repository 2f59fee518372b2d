-- writes: format_rates
-- reads:  formats, turns, keep_rates
-- keep:   cached
-- shard:  all
-- keys:   source, task, shape, relation, own_answer

-- Format rates: the keep rates of questions that are alike, all formats in one row, so that a question looks its rates up once. In go formats, turns
-- and keep rates, which are those of all shards; out comes a row a source, task, shape and relation, and one an answer where no turn gives another one.
--
-- formats      each with what it requires, whether the project allows it, and its rates: turn by turn, and in a turn box, none, noun.
-- frequencies  how often each number is the right answer of a choice, by relation; null for other shapes.
WITH rates AS (
    -- The keep rates of a question in one format, as one list: turn by turn, and in a turn box, none, noun.
    SELECT
        k.source, k.task, t.shape, CASE WHEN t.flipped THEN opposite(k.relation) ELSE k.relation END AS relation,
        CASE WHEN t.answer IS NULL THEN k.answer END AS own_answer, k.text_format, k.image_format,
        array_agg(k.rate ORDER BY t.turn, k.shortcut) AS rates
    FROM turns AS t
    JOIN keep_rates AS k ON k.answer_form = t.answer_form AND (t.answer IS NULL OR t.answer = k.answer)
    GROUP BY
        k.source, k.task, t.shape, CASE WHEN t.flipped THEN opposite(k.relation) ELSE k.relation END,
        CASE WHEN t.answer IS NULL THEN k.answer END, k.text_format, k.image_format
),
number_frequencies AS (
    -- How often each number is the right one of four in the dataset, by relation: fewer cups are above a table than beside it.
    SELECT task, relation, array_agg(named_struct('n', answer, 'times', times)) AS frequencies
    FROM (
        SELECT task, relation, answer, sum(CAST(round(4000.0 * samples * rate) AS BIGINT)) AS times
        FROM keep_rates
        WHERE answer_form = 'choice'
        GROUP BY task, relation, answer
    )
    GROUP BY task, relation
)
SELECT
    r.source, r.task, r.shape, r.relation, r.own_answer, CASE WHEN r.shape = 'choice of number' THEN o.frequencies END AS frequencies, r.formats
FROM number_frequencies AS o
RIGHT JOIN (
    SELECT
        r.source, r.task, r.shape, r.relation, r.own_answer,
        array_agg(named_struct(
            'text_format', f.text_format, 'image_format', f.image_format, 'names_objects', f.names_objects, 'required', f.required,
            'allowed', format_allowed($allow, r.task, r.source, f.text_format, f.image_format), 'rates', r.rates)) AS formats
    FROM formats AS f
    JOIN rates AS r ON r.text_format = f.text_format AND r.image_format = f.image_format
    GROUP BY r.source, r.task, r.shape, r.relation, r.own_answer
) AS r
    ON o.task = r.task AND o.relation = r.relation
