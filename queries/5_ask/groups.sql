-- writes: groups
-- reads:  facts
-- keep:   view
-- keys:   frame_id, object, category, axis

-- All things of one category around a reference, along one axis: how many are on which side. Only where every thing of the category is
-- marked, because a person counts what they see.
SELECT
    frame_id,
    object,
    subject_category AS category,
    axis,
    among,
    min(source) AS source,
    min(scene_id) AS scene_id,
    min(object_name) AS object_name,
    -- The two relations of the axis, by the alphabet.
    least(min(relation), opposite(min(relation))) AS one_relation,
    greatest(min(relation), opposite(min(relation))) AS other_relation,
    count(*) AS things,
    sum(CASE WHEN relation < opposite(relation) THEN 1 ELSE 0 END) AS on_one_side,
    array_sort(array_agg(subject)) AS candidates,
    min(margin) AS margin,
    min(visibility) AS visibility,
    min(lift_quality) AS lift_quality,
    coalesce(
        min(object_unfit),
        min(object_hidden),
        min(CASE WHEN subject_unfit = 'skipped_category' THEN subject_unfit END),
        -- A candidate that no fact speaks of, or of which a person could not be sure.
        CASE WHEN max(subject_peers) > count(*) OR count(subject_hidden) + count(doubt) > 0 THEN 'candidates_unclear' END
    ) AS filtered
FROM facts
WHERE exhaustive AND subject_category <> object_category
GROUP BY frame_id, object, subject_category, axis, among
