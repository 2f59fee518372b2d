-- writes: scene_pairs
-- reads:  scene_references, surface_gaps
-- keep:   cached
-- keys:   scene_id, one, other

-- Pairs of a scene's objects that questions can name, with how far they are apart. In go the scene's references and the gaps of its surfaces; out comes a row
-- an unordered pair.
--
-- distance     of the two oriented boxes, exact; 0 where they touch, metres.
-- together     whether they stand in one room, or one of the question's images shows both: else only the way from image to image tells where they are.
-- pair_reason  why their distance cannot be asked about: the world has no scale, people cannot see both, or boxes and surfaces disagree, as those
--              of an L-shaped couch and the table in its corner do.
WITH pairs AS (
    SELECT
        a.scene_id, a.source, a.licence, a.split, a.object_id AS one, b.object_id AS other, a.name AS one_name, b.name AS other_name,
        a.category AS one_category, b.category AS other_category, a.obb AS one_obb, b.obb AS other_obb,
        box_distance(a.obb, b.obb) AS distance, least(a.visible, b.visible) AS visibility,
        coalesce(a.region = b.region, false) OR coalesce(array_has_any(a.good_views, b.good_views), false) AS together,
        CASE
            WHEN NOT a.metric THEN 'not_metric'
            ELSE coalesce(a.view_reason, b.view_reason)
        END AS reason
    FROM scene_references AS b
    JOIN scene_references AS a ON a.scene_id = b.scene_id AND a.object_id < b.object_id
    WHERE a.name_reason IS NULL AND b.name_reason IS NULL
)
SELECT
    p.* EXCEPT (reason), s.surface_distance,
    CASE
        WHEN p.reason IS NOT NULL THEN p.reason
        WHEN abs(p.distance - s.surface_distance) > greatest($max_box_error, $max_box_error_share * p.distance) THEN 'definitions_disagree'
    END AS pair_reason
FROM surface_gaps AS s
RIGHT JOIN pairs AS p ON p.scene_id = s.scene_id AND p.one = s.one AND p.other = s.other
