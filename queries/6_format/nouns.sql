-- writes: nouns
-- reads:  questions
-- keep:   table
-- keys:   source, task, kind, other, relation
-- shard:  all
-- hysteresis: rate
-- check:  rate BETWEEN 0 AND 1

-- What the names of two things tell of how they are to each other: pictures hang above tables.
--
-- rate  what part of the questions of existence is asked, so that their words tell nothing of the answer.
-- tells whether the names alone give this relation: of the facts about such two things on this axis nearly all are of it.
WITH facts AS (
    SELECT source, task, kinds[1] AS kind, kinds[2] AS other, relation, count(*) AS n
    FROM questions
    WHERE task <> 'object_counting'
    GROUP BY source, task, kinds[1], kinds[2], relation
),
rated AS (
    SELECT
        f['source'] AS source, 'existence_estimation' AS task, f['kind'] AS kind, f['other'] AS other, f['relation'] AS relation,
        f['n'] AS n, f['share'] AS rate
    FROM (
        SELECT unnest(evened(
            array_agg(named_struct('source', source, 'kind', kind, 'other', other, 'relation', relation, 'n', n)),
            $targets)) AS f
        FROM facts
        WHERE task = 'existence_estimation'
    )
    UNION ALL
    -- A chair to the left of a table is a table to the right of a chair.
    SELECT source, task, kind, other, relation, sum(n) AS n, 1.0 AS rate
    FROM (
        SELECT source, task, kind, other, relation, n FROM facts WHERE task <> 'existence_estimation'
        UNION ALL
        SELECT source, task, other AS kind, kind AS other, opposite(relation) AS relation, n FROM facts WHERE task <> 'existence_estimation'
    )
    GROUP BY source, task, kind, other, relation
),
of_axis AS (
    SELECT *, sum(n * rate) OVER (PARTITION BY source, task, kind, other, least(relation, opposite(relation))) AS all_of_axis
    FROM rated
)
SELECT
    source, task, kind, other, relation, n AS questions, rate,
    all_of_axis >= $noun_support AND n * rate >= $noun_share * all_of_axis AS tells
FROM of_axis
