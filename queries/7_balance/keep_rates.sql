-- writes: keep_rates
-- reads:  questions
-- keep:   table
-- keys:   source, task, relation, answer_form, answer
-- shard:  all
-- settle: rate
-- check:  rate BETWEEN 0 AND 1

-- What part of each stratum of questions the dataset keeps: counts first, so that keeping is then a test of one row alone.
SELECT
    s['source'] AS source, s['task'] AS task, s['relation'] AS relation, s['answer_form'] AS answer_form, s['answer'] AS answer,
    s['questions'] AS questions, s['rate'] AS rate
FROM (
    SELECT unnest(balance(
        array_agg(named_struct('source', source, 'task', task, 'relation', relation, 'answer_form', answer_form,
            'answer', answer, 'questions', questions)),
        $targets)) AS s
    FROM (
        SELECT source, task, relation, answer_form, coalesce(chr(65 + answer_index), answer) AS answer, count(*) AS questions
        FROM questions
        GROUP BY source, task, relation, answer_form, coalesce(chr(65 + answer_index), answer)
    )
)
