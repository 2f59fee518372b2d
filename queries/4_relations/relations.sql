-- writes: relations
-- reads:  objects
-- keep:   view
-- keys:   frame_id, subject, object, axis
-- check:  subject <> object

-- The facts about all pairs of a frame's objects, both directions of each; no thresholds, which are for those who ask.
--
-- `min(frame_id)` and not `frame_id`: DataFusion 55 takes a grouping column for a key and goes on to do so behind `unnest`, where
-- a frame has many rows; it would then drop columns from the GROUP BY of whoever reads this view.
SELECT
    frame_id, fact['subject'] AS subject, fact['object'] AS object, fact['axis'] AS axis, fact['relation'] AS relation,
    fact['value'] AS value, fact['unit'] AS unit, fact['margin'] AS margin, fact['overlap'] AS overlap, fact['among'] AS among,
    fact['agrees'] AS agrees
FROM (
    SELECT min(frame_id) AS frame_id, unnest(relate(array_agg(named_struct(
        'object_id', object_id, 'centre', centre, 'extent', extent, 'low', low, 'nearest', nearest)))) AS fact
    FROM objects
    GROUP BY frame_id
)
