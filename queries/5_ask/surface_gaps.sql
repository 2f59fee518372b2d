-- writes: surface_gaps
-- reads:  surfaces
-- keep:   cached
-- keys:   scene_id, one, other

-- Surface gaps: how far the surfaces of two objects of a scene are apart, between their nearest vertices, metres. In go triangles; out comes a row an
-- unordered pair of objects, and none while nothing is asked that needs it.
SELECT scene_id, d.object_id AS one, d.other_id AS other, d.distance AS surface_distance
FROM (
    SELECT scene_id, unnest(surface_distances(array_agg(named_struct('object_id', object_id, 'vertices', vertices)))) AS d
    FROM surfaces
    WHERE object_id IS NOT NULL AND ($scene_tasks OR $metric_tasks)
    GROUP BY scene_id
)
