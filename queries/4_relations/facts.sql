-- writes: facts
-- reads:  relations, references, frames
-- keep:   view
-- keys:   frame_id, subject, object, axis

-- Each relation with the names of its two things, and with what a person could hold against it.
--
-- doubt  why two people could judge the comparison differently; null where it is clear.
-- among  how many things the frame's questions are about, 2 at least: what cannot be asked about uses up no frame's share of them.
WITH limits (axis, min_gap, min_margin, max_overlap, needs_whole) AS (
    VALUES
        ('lateral', $min_gap_lateral, $min_margin_lateral, $max_overlap_lateral, false),
        ('vertical', $min_gap_vertical, $min_margin_vertical, $max_overlap_vertical, false),
        ('depth', $min_gap_depth, $min_margin_depth, $max_overlap_depth, false),
        -- Sizes have no place, so nothing overlaps; but what the image cuts off or hides has no size that can be seen.
        ('width', $min_gap_size, $min_margin_size, 1.0, true),
        ('height', $min_gap_size, $min_margin_size, 1.0, true),
        ('volume', $min_gap_volume, $min_margin_volume, 1.0, true)
)
SELECT
    r.frame_id,
    r.subject,
    r.object,
    r.axis,
    r.relation,
    r.value,
    r.unit,
    r.margin,
    greatest(s.usable, 2) AS among,
    f.source,
    f.scene_id,
    f.exhaustive,
    s.name AS subject_name,
    o.name AS object_name,
    s.category AS subject_category,
    o.category AS object_category,
    s.unfit AS subject_unfit,
    o.unfit AS object_unfit,
    s.hidden AS subject_hidden,
    o.hidden AS object_hidden,
    s.peers AS subject_peers,
    least(s.visibility, o.visibility) AS visibility,
    least(s.lift_quality, o.lift_quality) AS lift_quality,
    CASE
        WHEN l.needs_whole AND (s.truncated OR o.truncated) THEN 'truncated'
        WHEN l.needs_whole AND least(s.visibility, o.visibility) < $min_visibility_size THEN 'occluded'
        WHEN l.needs_whole AND least(s.lift_quality, o.lift_quality) < $min_lift_quality_size THEN 'low_lift_quality'
        WHEN r.value <= l.min_gap OR r.margin <= l.min_margin THEN 'ambiguous_margin'
        WHEN r.overlap > l.max_overlap THEN 'overlapping'
        -- "The dresser" may well be the one below the "dresser mirror".
        WHEN starts_with(lower(s.name), lower(o.name) || ' ') OR starts_with(lower(o.name), lower(s.name) || ' ') THEN 'names_alike'
        WHEN NOT r.agrees THEN 'image_disagrees'
        -- A camera that is turned about its axis shows things in another order than the upright view has them.
        WHEN r.relation = 'left' AND s.middle_x >= o.middle_x OR r.relation = 'right' AND s.middle_x <= o.middle_x
            OR r.relation = 'above' AND s.middle_y >= o.middle_y OR r.relation = 'below' AND s.middle_y <= o.middle_y
            THEN 'image_disagrees'
        -- Seen aslant, a long thing is as narrow as a short one: what the view shows and what a tape measures must both say so.
        WHEN r.relation = 'wider' AND s.breadth <= o.breadth OR r.relation = 'thinner' AND s.breadth >= o.breadth
            THEN 'seen_aslant'
        -- An open book takes more room than a box that a person calls larger: the larger thing must also look it from its broad side.
        WHEN r.relation = 'larger' AND s.broad_side <= o.broad_side OR r.relation = 'smaller' AND s.broad_side >= o.broad_side
            THEN 'shape_disagrees'
    END AS doubt
-- A join holds what stands on its left in memory and lets what stands on its right stream past: relations are the many.
FROM frames AS f
JOIN (
    references AS o
    JOIN (
        references AS s
        JOIN (limits AS l JOIN relations AS r ON r.axis = l.axis) ON r.frame_id = s.frame_id AND r.subject = s.object_id
    ) ON r.frame_id = o.frame_id AND r.object = o.object_id
) ON r.frame_id = f.frame_id
