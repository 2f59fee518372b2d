-- writes: name_priors
-- reads:  questions
-- keep:   table
-- keys:   source, task, subject_category, object_category, relation
-- shard:  all
-- hysteresis: rate
-- check:  rate BETWEEN 0 AND 1

-- Language priors: how far two categories alone predict the relation between them (pictures hang above tables). In go all questions; out
-- comes a row a category pair and relation.
--
-- rate        what part of the questions of a task of `debiased_tasks` is asked, so that their words do not predict the answer.
-- predictive  whether the names alone give this relation: of the facts about these two categories on this axis nearly all are of it.
WITH relation_counts AS (
    SELECT source, task, categories[1] AS subject_category, categories[2] AS object_category, relation, count(*) AS n
    FROM questions
    -- A count has no side that names could tell.
    WHERE shape NOT IN ('number', 'choice of number')
    GROUP BY source, task, categories[1], categories[2], relation
),
rated AS (
    SELECT
        f['source'] AS source, f['task'] AS task, f['subject_category'] AS subject_category,
        f['object_category'] AS object_category, f['relation'] AS relation, f['n'] AS n, f['share'] AS rate
    FROM (
        SELECT unnest(debias_names(
            array_agg(named_struct(
                'source', source, 'task', task, 'subject_category', subject_category, 'object_category', object_category,
                'topic', topic(relation), 'relation', relation, 'opposite', opposite(relation), 'n', n)),
            $targets)) AS f
        FROM relation_counts
        WHERE array_has($debiased_tasks, task)
        GROUP BY task
    )
    UNION ALL
    -- A chair to the left of a table is a table to the right of a chair.
    SELECT source, task, subject_category, object_category, relation, sum(n) AS n, 1.0 AS rate
    FROM (
        SELECT source, task, subject_category, object_category, relation, n FROM relation_counts WHERE NOT array_has($debiased_tasks, task)
        UNION ALL
        SELECT
            source, task, object_category AS subject_category, subject_category AS object_category, opposite(relation) AS relation, n
        FROM relation_counts
        WHERE NOT array_has($debiased_tasks, task) AND opposite(relation) IS NOT NULL
    )
    GROUP BY source, task, subject_category, object_category, relation
),
with_axis_totals AS (
    SELECT
        *,
        sum(n * rate) OVER (
            PARTITION BY source, task, subject_category, object_category, least(relation, opposite(relation))) AS axis_total
    FROM rated
)
SELECT
    source, task, subject_category, object_category, relation, n AS questions, rate,
    -- A topic of one relation is no answer.
    opposite(relation) IS NOT NULL AND axis_total >= $noun_support AND n * rate >= $noun_share * axis_total AS predictive
FROM with_axis_totals
