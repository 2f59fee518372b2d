-- writes: relations
-- reads:  facts
-- keep:   view
-- keys:   frame_id, subject, object, axis

-- What `facts` says of all pairs of a frame's objects, both directions of each, without the judgement of who asks.
SELECT frame_id, subject, object, axis, relation, value, unit, margin, overlap, agrees
FROM facts
WHERE relation IS NOT NULL
