-- writes: value_pools
-- reads:  questions
-- keep:   table
-- keys:   task, relation, unit, category
-- shard:  all

-- Value pools: how the measured values of each task are spread, from which the wrong options of a choice of value are taken, so that they are as likely
-- as the right one. In go all questions; out comes a row a task and what it measures, and one for each category of objects that it measures alone: a door is
-- two metres high and less than one wide, and a cup is neither, so that what is said beside a door's height must be heights of doors.
--
-- measured  in ascending order, rounded as options are: all, or 256 that have as many others between them, so that they say how all are spread. Of a
--           category of which fewer than 16 are measured, nobody learns what is likely: of distances those of all categories, which depend little on
--           what is measured. Of sizes there is no row then, and no choice: no kettle is as high as a door, and of multiples of the right size who knows
--           kettles takes the likely one.
WITH rounded AS (
    SELECT
        task, relation, answer_unit AS unit, CASE WHEN categories[2] = '' THEN categories[1] ELSE '' END AS category,
        round(answer_value, CASE WHEN answer_unit IN ('cm', 'deg') THEN 0 ELSE 1 END) AS measure
    FROM questions
    WHERE answer_unit IS NOT NULL AND answer_unit <> 'count' AND shape IN ('number', 'choice of value')
),
placed AS (
    SELECT
        *, CAST(row_number() OVER (PARTITION BY task, relation, unit ORDER BY measure) AS BIGINT) AS place,
        CAST(row_number() OVER (PARTITION BY task, relation, unit, category ORDER BY measure) AS BIGINT) AS place_in_category,
        count(*) OVER (PARTITION BY task, relation, unit) AS n,
        count(*) OVER (PARTITION BY task, relation, unit, category) AS n_of_category
    FROM rounded
),
of_tasks AS (
    SELECT task, relation, unit, array_agg(measure ORDER BY measure) AS measured
    FROM placed
    WHERE n <= 256 OR 256 * place / n > (256 * place - 256) / n
    GROUP BY task, relation, unit
),
of_categories AS (
    SELECT task, relation, unit, category, max(n_of_category) AS n, array_agg(measure ORDER BY measure) AS measured
    FROM placed
    WHERE n_of_category <= 256 OR 256 * place_in_category / n_of_category > (256 * place_in_category - 256) / n_of_category
    GROUP BY task, relation, unit, category
)
SELECT
    t.task, t.relation, t.unit, c.category, CAST(CASE WHEN t.unit IN ('cm', 'deg') THEN 0 ELSE 1 END AS INT) AS decimals,
    CASE t.unit WHEN 'm' THEN $option_gap_m WHEN 'm2' THEN $option_gap_m2 WHEN 'cm' THEN $option_gap_cm WHEN 'deg' THEN 30.0 ELSE 1.0 END AS gap,
    CASE WHEN c.category <> '' AND c.n >= 16 THEN c.measured ELSE t.measured END AS measured
FROM of_tasks AS t
JOIN of_categories AS c ON c.task = t.task AND c.relation = t.relation AND c.unit = t.unit
WHERE c.category = '' OR c.n >= 16 OR t.unit <> 'cm'
