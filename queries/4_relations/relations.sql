-- writes: relations
-- reads:  pair_facts
-- keep:   view
-- keys:   frame_id, subject, object, axis

-- What `pair_facts` says of all pairs of a frame's objects, both directions of each, without the judgement of who asks.
SELECT frame_id, subject, object, axis, relation, value, unit, margin, overlap, agrees
FROM pair_facts
WHERE relation IS NOT NULL
