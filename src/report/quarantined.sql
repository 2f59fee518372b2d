-- What could not be used, by reason, with the first one of its kind.
SELECT
    stage,
    source,
    code,
    count(*) AS n,
    min(key) AS example,
    first_value(message ORDER BY key, message) AS message
FROM quarantine
GROUP BY stage, source, code
ORDER BY n DESC, stage, source, code
