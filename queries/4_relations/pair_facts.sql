-- writes: pair_facts
-- reads:  references
-- keep:   view
-- keys:   frame_id, subject, object, axis

-- All pairs of a frame's things in space, both directions of each, on all axes: what the one is to the other, and what a person could
-- hold against it. A pair that ties on an axis has no relation there.
--
-- pair_reason  why two people could judge the comparison differently; null where it is clear.
-- named  whether the name fits this thing alone; the object's must not sound like the subject's either.
-- boxes_tell whether the two 2D boxes alone give the relation: that of their middles for a place, of the lower edges for a distance, of
--        their widths, heights and areas for a size.
-- among  how many things the frame's questions are about, 2 at least: what cannot be asked about uses up no frame's share of them.
--
-- Pairs stream through: a frame of many things takes time, not memory. What a reader asks of a pair's ids, categories and axis is
-- asked before the pair is compared.
WITH limits (axis, min_gap, min_margin, min_margin_lifted, min_margin_model, max_overlap, needs_whole) AS (
    -- The margin that is asked of things that are known whole, of those that were lifted from depth, and from a model's depth.
    VALUES
        ('lateral', $min_gap_lateral, $min_margin_lateral, 0.0, 0.0, $max_overlap_lateral, false),
        ('vertical', $min_gap_vertical, $min_margin_vertical, 0.0, 0.0, $max_overlap_vertical, false),
        ('depth', $min_gap_depth, $min_margin_depth, 0.0, $min_margin_depth_model, $max_overlap_depth, false),
        -- Sizes have no place, so nothing overlaps; but what the image cuts off or hides has no size that can be seen.
        ('width', $min_gap_size, $min_margin_size, 0.0, 0.0, 1.0, true),
        ('height', $min_gap_size, $min_margin_size, $min_margin_height_lifted, $min_margin_height_lifted, 1.0, true),
        ('volume', $min_gap_volume, $min_margin_volume, $min_margin_volume_lifted, $min_margin_volume_lifted, 1.0, true)
),
compared AS (
    SELECT
        s.frame_id,
        s.object_id AS subject,
        o.object_id AS object,
        l.axis,
        l.min_gap,
        greatest(
            l.min_margin,
            CASE
                WHEN 'model' IN (s.lifted_from, o.lifted_from) THEN l.min_margin_model
                WHEN 'depth' IN (s.lifted_from, o.lifted_from) THEN l.min_margin_lifted
                ELSE 0.0
            END) AS min_margin,
        l.max_overlap,
        relate(s.place, o.place, l.axis) AS fact,
        -- What is left of above and below where the camera is only taken to be level.
        l.axis = 'vertical' AND NOT (s.upright AND o.upright) AS levelled,
        CASE
            WHEN l.axis = 'vertical' AND NOT (s.upright AND o.upright) THEN relate_tilted(s.place, o.place, $max_unknown_pitch)
        END AS tilted,
        greatest(s.usable, 2) AS among,
        s.source,
        s.scene_id,
        s.exhaustive,
        s.name AS subject_name,
        o.name AS object_name,
        s.category AS subject_category,
        o.category AS object_category,
        s.fits = 1 AS subject_named,
        o.fits = 1
            -- "The car is longer than the car."
            AND lower(s.name) <> lower(o.name)
            -- "The dresser" may well be the one below the "dresser mirror".
            AND NOT starts_with(lower(s.name), lower(o.name) || ' ')
            AND NOT starts_with(lower(o.name), lower(s.name) || ' ') AS object_named,
        s.framed AS subject_framed,
        o.framed AS object_framed,
        s.masked AS subject_masked,
        o.masked AS object_masked,
        s.alone AS subject_alone,
        o.alone AS object_alone,
        s.anchor AS subject_anchor,
        o.anchor AS object_anchor,
        s.colour AS subject_colour,
        o.colour AS object_colour,
        s.skip_reason AS subject_skip_reason,
        o.skip_reason AS object_skip_reason,
        s.object_reason AS subject_reason,
        o.object_reason AS object_reason,
        s.peers AS subject_peers,
        least(s.visibility, o.visibility) AS visibility,
        least(s.lift_quality, o.lift_quality) AS lift_quality,
        CASE
            WHEN l.needs_whole AND (s.truncated OR o.truncated) THEN 'truncated'
            WHEN l.needs_whole AND least(s.visibility, o.visibility) < $min_visibility_size THEN 'occluded'
            WHEN l.needs_whole AND least(s.size_quality, o.size_quality) < $min_lift_quality_size THEN 'low_size_quality'
        END AS size_reason,
        -- What the image cuts off of a thing that was lifted from it may be nearer than all that it shows of it.
        s.truncated AND s.lifted_from IN ('depth', 'model') AS subject_open,
        o.truncated AND o.lifted_from IN ('depth', 'model') AS object_open,
        -- What the image shows of the two, in pixels: how far right and how far down the subject's middle is of the object's, and
        -- how many columns they share, of those that the narrower one has. (Rows say less: a cup is above the table on which the
        -- image shows it.)
        0.5 * (s.box.x0 + s.box.x1 - o.box.x0 - o.box.x1) AS right_by,
        0.5 * (s.box.y0 + s.box.y1 - o.box.y0 - o.box.y1) AS down_by,
        least(s.box.x1, o.box.x1) - greatest(s.box.x0, o.box.x0) AS shared_columns,
        least(s.box.x1 - s.box.x0, o.box.x1 - o.box.x0) AS narrower_columns,
        -- What somebody would say who sees nothing but the two boxes: the first relation of the axis where it is positive.
        CASE l.axis
            WHEN 'lateral' THEN o.box.x0 + o.box.x1 - s.box.x0 - s.box.x1
            WHEN 'vertical' THEN o.box.y0 + o.box.y1 - s.box.y0 - s.box.y1
            WHEN 'depth' THEN s.box.y1 - o.box.y1
            WHEN 'width' THEN (s.box.x1 - s.box.x0) - (o.box.x1 - o.box.x0)
            WHEN 'height' THEN (s.box.y1 - s.box.y0) - (o.box.y1 - o.box.y0)
            ELSE (s.box.x1 - s.box.x0) * (s.box.y1 - s.box.y0) - (o.box.x1 - o.box.x0) * (o.box.y1 - o.box.y0)
        END AS boxes_say,
        -- A model's guess of what is nearer needs a witness: what stands on a floor nearer by ends lower in the image.
        CASE
            WHEN l.axis = 'depth' AND 'model' IN (s.lifted_from, o.lifted_from)
                THEN $min_image_gap_depth_model * least(s.box.y1 - s.box.y0, o.box.y1 - o.box.y0)
        END AS needs_lower_by,
        s.breadth - o.breadth AS broader_by,
        s.broad_side - o.broad_side AS more_by
    -- A join holds what stands on its left in memory and lets what stands on its right stream past.
    FROM references AS o
    JOIN (limits AS l CROSS JOIN references AS s) ON s.frame_id = o.frame_id AND s.object_id <> o.object_id
    WHERE s.place IS NOT NULL AND o.place IS NOT NULL
)
SELECT
    frame_id,
    subject,
    object,
    axis,
    fact['relation'] AS relation,
    fact['value'] AS value,
    fact['unit'] AS unit,
    fact['margin'] AS margin,
    fact['overlap'] AS overlap,
    fact['agrees'] AS agrees,
    among,
    source,
    scene_id,
    exhaustive,
    subject_name,
    object_name,
    subject_category,
    object_category,
    subject_named,
    object_named,
    subject_framed,
    object_framed,
    subject_masked,
    object_masked,
    subject_alone,
    object_alone,
    subject_anchor,
    object_anchor,
    subject_colour,
    object_colour,
    subject_skip_reason,
    object_skip_reason,
    subject_reason,
    object_reason,
    subject_peers,
    visibility,
    lift_quality,
    coalesce(CASE WHEN fact['relation'] IN ('left', 'above', 'near', 'wider', 'taller', 'larger') THEN boxes_say > 0 ELSE boxes_say < 0 END, false)
        AS boxes_tell,
    CASE
        WHEN size_reason IS NOT NULL THEN size_reason
        WHEN fact['relation'] IS NULL OR fact['value'] <= min_gap OR fact['margin'] <= min_margin THEN 'ambiguous_margin'
        WHEN fact['relation'] = 'far' AND subject_open OR fact['relation'] = 'near' AND object_open THEN 'truncated'
        WHEN fact['overlap'] > max_overlap OR axis = 'lateral' AND shared_columns > $max_overlap_image * narrower_columns
            THEN 'overlapping'
        WHEN levelled AND (
            tilted IS NULL OR tilted['value'] <= min_gap OR tilted['margin'] <= min_margin OR tilted['overlap'] > max_overlap
        ) THEN 'gravity_unknown'
        WHEN NOT fact['agrees'] THEN 'image_disagrees'
        WHEN CASE WHEN fact['relation'] = 'near' THEN boxes_say ELSE -boxes_say END <= needs_lower_by THEN 'image_disagrees'
        -- A camera that is turned about its axis shows things in another order than the upright view has them.
        WHEN fact['relation'] = 'left' AND right_by >= 0 OR fact['relation'] = 'right' AND right_by <= 0
            OR fact['relation'] = 'above' AND down_by >= 0 OR fact['relation'] = 'below' AND down_by <= 0
            THEN 'image_disagrees'
        -- Seen aslant, a long thing is as narrow as a short one: what the view shows and what a tape measures must both say so.
        WHEN fact['relation'] = 'wider' AND broader_by <= 0 OR fact['relation'] = 'thinner' AND broader_by >= 0 THEN 'seen_aslant'
        -- An open book takes more room than a box that a person calls larger: the larger thing must also look it from its broad side.
        WHEN fact['relation'] = 'larger' AND more_by <= 0 OR fact['relation'] = 'smaller' AND more_by >= 0 THEN 'shape_disagrees'
    END AS pair_reason
FROM compared
