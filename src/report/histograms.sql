-- Measures in bins: bin b holds [b * width, (b + 1) * width), and the last one also everything beyond.
WITH plots (plot, width, bins) AS (
    VALUES ('margin', 0.1, 30), ('depth', 0.25, 32), ('visibility', 0.05, 20)
),
measured AS (
    SELECT 'margin' AS plot, relation, margin AS measure FROM dataset
    UNION ALL
    SELECT 'visibility' AS plot, '' AS relation, visibility AS measure FROM dataset
    UNION ALL
    SELECT 'depth' AS plot, '' AS relation, nearest AS measure FROM objects
)
SELECT
    p.plot,
    m.relation,
    CAST(p.width AS DOUBLE) AS width,
    CAST(p.bins AS BIGINT) AS bins,
    CAST(least(greatest(floor(m.measure / p.width), 0.0), p.bins - 1) AS BIGINT) AS bin,
    count(*) AS n
FROM measured AS m
JOIN plots AS p ON p.plot = m.plot
GROUP BY p.plot, m.relation, p.width, p.bins, CAST(least(greatest(floor(m.measure / p.width), 0.0), p.bins - 1) AS BIGINT)
ORDER BY p.plot, m.relation, bin
