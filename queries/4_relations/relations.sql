-- writes: relations
-- reads:  objects
-- keep:   view
-- keys:   frame_id, subject, object, axis

-- The facts about all pairs of a frame's objects, both directions of each; no thresholds, which are for those who ask.
-- Pairs stream through: a frame of many objects takes time, not memory.
WITH things AS (
    SELECT frame_id, object_id, named_struct('centre', centre, 'extent', extent, 'low', low, 'nearest', nearest) AS place
    FROM objects
)
SELECT
    frame_id, subject, object, fact['axis'] AS axis, fact['relation'] AS relation, fact['value'] AS value, fact['unit'] AS unit,
    fact['margin'] AS margin, fact['overlap'] AS overlap, fact['agrees'] AS agrees
FROM (
    SELECT s.frame_id, s.object_id AS subject, o.object_id AS object, unnest(relate(s.place, o.place)) AS fact
    FROM things AS s
    JOIN things AS o ON o.frame_id = s.frame_id AND o.object_id <> s.object_id
)
