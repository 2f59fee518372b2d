-- How much there is.
SELECT
    (SELECT count(*) FROM dataset) AS samples,
    (SELECT count(DISTINCT question_id) FROM dataset) AS questions,
    (SELECT count(DISTINCT frame) FROM (SELECT unnest(frame_ids) AS frame FROM dataset)) AS frames
