-- writes: category_groups
-- reads:  pair_facts, references
-- keep:   view
-- keys:   frame_id, object, category, axis

-- All things of one category around a reference, along one axis: how many are on which side. Only where every thing of the category is
-- marked, because a person counts what they see.
WITH grouped AS (
    SELECT
        frame_id,
        object,
        subject_category AS category,
        axis,
        among,
        min(source) AS source,
        min(scene_id) AS scene_id,
        min(object_name) AS object_name,
        min(object_category) AS object_category,
        bool_and(object_named) AS object_named,
        -- The two relations of the axis, by the alphabet.
        least(min(relation), opposite(min(relation))) AS one_relation,
        greatest(min(relation), opposite(min(relation))) AS other_relation,
        count(*) AS things,
        sum(CASE WHEN relation < opposite(relation) THEN 1 ELSE 0 END) AS on_one_side,
        array_sort(array_agg(subject)) AS candidates,
        min(margin) AS margin,
        min(visibility) AS visibility,
        min(lift_quality) AS lift_quality,
        bool_and(coalesce(boxes_tell, false)) AS boxes_tell,
        coalesce(
            min(object_skip_reason),
            min(object_reason),
            min(subject_skip_reason),
            -- A candidate that no fact speaks of, or of which a person could not be sure.
            CASE WHEN max(subject_peers) > count(*) OR count(subject_reason) + count(pair_reason) > 0 THEN 'candidates_unclear' END
        ) AS filtered
    FROM pair_facts
    WHERE exhaustive AND subject_category <> object_category
        -- The other mark of a thing is no other thing.
        AND subject_skip_reason IS DISTINCT FROM 'marked_twice'
    GROUP BY frame_id, object, subject_category, axis, among
)
SELECT
    g.*,
    named_struct(
        'name', g.object_named, 'box', r.framed IS NOT NULL, 'mask', r.masked, 'number', r.anchor IS NOT NULL, 'outline', r.alone)
        AS offers,
    -- Only the reference is marked: what is counted is for the reader to find.
    assign_marks(
        [named_struct('object_id', g.object, 'box', r.framed, 'anchor', r.anchor, 'own_colour', r.colour)],
        draw($seed, 'marks', g.frame_id, g.object)) AS marks
FROM references AS r
JOIN grouped AS g ON g.frame_id = r.frame_id AND g.object = r.object_id
