-- writes: relations
-- reads:  pair_facts
-- keep:   view
-- keys:   frame_id, subject, object, axis

-- Spatial relations, the public view: `pair_facts` of all pairs of a frame's objects, both directions of each, without the columns that decide
-- what is asked.
SELECT frame_id, subject, object, axis, relation, value, unit, margin, overlap, agrees
FROM pair_facts
WHERE relation IS NOT NULL
