-- writes: value_pools
-- reads:  questions
-- keep:   table
-- keys:   task, unit
-- shard:  all

-- Value pools: measured values of each task, from which the wrong options of a choice of value are drawn, so that they are answers to other
-- questions of the dataset. In go all questions; out comes a row a task.
--
-- measured  64 values at most, chosen by hashes of the values, so that few of them change where scenes come and go.
SELECT
    task, unit, CAST(CASE WHEN unit IN ('cm', 'deg') THEN 0 ELSE 1 END AS INT) AS decimals,
    CASE unit WHEN 'm' THEN $option_gap_m WHEN 'm2' THEN $option_gap_m2 WHEN 'cm' THEN $option_gap_cm WHEN 'deg' THEN 30.0 ELSE 1.0 END AS gap,
    array_agg(measure ORDER BY measure) AS measured
FROM (
    SELECT task, unit, measure, row_number() OVER (PARTITION BY task, unit ORDER BY draw($seed, 'value_pools', task, measure), measure) AS place
    FROM (
        SELECT DISTINCT task, answer_unit AS unit, round(answer_value, 1) AS measure
        FROM questions
        WHERE answer_unit IS NOT NULL AND answer_unit <> 'count' AND shape IN ('number', 'choice of value')
    )
)
WHERE place <= 64
GROUP BY task, unit
