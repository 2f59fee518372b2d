-- writes: category_groups
-- reads:  pair_facts, references
-- keep:   view
-- keys:   frame_id, object, category, axis

-- Category groups: all objects of one category around a reference, along one axis, with how many are on either side of it. In go pair
-- facts and references; out comes a row a reference, category and axis. Only where every object of the category is marked, because a
-- person counts what they see.
--
-- first_relation, first_count  one of the axis's two relations (in the order of their names: above, below) and how many objects of the
--                              category have it to the reference; other_relation is the opposite. Nulls where all objects tie.
-- total                        how many objects of the category there are.
--
-- References are held on the left of the join, groups stream past on the right.
WITH grouped AS (
    SELECT
        frame_id,
        object,
        subject_category AS category,
        axis,
        askable_objects,
        min(source) AS source,
        min(scene_id) AS scene_id,
        min(licence) AS licence,
        min(split) AS split,
        min(object_name) AS object_name,
        min(object_category) AS object_category,
        bool_and(object_name_unique) AS object_name_unique,
        least(min(relation), opposite(min(relation))) AS first_relation,
        greatest(min(relation), opposite(min(relation))) AS other_relation,
        count(*) AS total,
        sum(CASE WHEN relation < opposite(relation) THEN 1 ELSE 0 END) AS first_count,
        array_sort(array_agg(subject)) AS candidates,
        min(margin) AS margin,
        min(visibility) AS visibility,
        min(lift_quality) AS lift_quality,
        bool_and(coalesce(answerable_from_boxes, false)) AS answerable_from_boxes,
        coalesce(
            min(object_skip_reason),
            min(object_reason),
            min(subject_skip_reason),
            -- A candidate without a place in space, or one that a person could misjudge.
            CASE WHEN max(subject_category_matches) > count(*) OR count(subject_reason) + count(pair_reason) > 0 THEN 'candidates_unclear' END
        ) AS filtered
    FROM pair_facts
    WHERE exhaustive AND subject_category <> object_category
        -- The other mark of an object is no other object.
        AND subject_skip_reason IS DISTINCT FROM 'marked_twice'
    GROUP BY frame_id, object, subject_category, axis, askable_objects
)
SELECT
    g.*,
    named_struct(
        'name', g.object_name_unique, 'box', r.clipped_box IS NOT NULL, 'mask', r.has_mask, 'number', r.label_point IS NOT NULL,
        'outline', r.clear_outline) AS available,
    -- Only the reference is marked: what is counted is for the reader to find.
    assign_marks(
        [named_struct('object_id', g.object, 'image', 0, 'box', r.clipped_box, 'label_point', r.label_point, 'own_colour', r.colour)],
        draw($seed, 'marks', g.frame_id, g.object)) AS marks
FROM references AS r
JOIN grouped AS g ON g.frame_id = r.frame_id AND g.object = r.object_id
