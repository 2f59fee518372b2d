-- writes: pair_facts
-- reads:  references
-- keep:   view
-- keys:   frame_id, subject, object, axis

-- Pairwise spatial relations: every ordered pair of a frame's objects in space, on every axis, with the relation that holds, how clearly
-- it holds and why a person could dispute it. In go a frame's references; out comes a row a pair and axis, with what is known of both
-- objects. A pair that ties on an axis has no relation there.
--
-- pair_reason            why two people could judge the comparison differently; null where it is clear.
-- *_name_unique          whether the name fits this object alone; the object's must not sound like the subject's either.
-- answerable_from_boxes  whether the two 2D boxes alone give the relation: their middles for a position, their lower edges for a
--                        distance, their widths, heights and areas for a size.
-- askable_objects        how many objects of the frame can be asked about, 2 at least; sampling divides by it.
--
-- The join builds on its left side and streams its right side, and shards keep the order that is written here: objects are held, pairs
-- stream. A frame of many objects takes time, not memory. What a task filters by ids, categories and axis is filtered before the pair
-- is compared.
WITH limits (axis, min_gap, min_margin, min_margin_lifted, min_margin_model, max_overlap, needs_full_view) AS (
    -- The margin that is asked of objects that are known whole, of those that were lifted from depth, and from a model's depth.
    VALUES
        ('lateral', $min_gap_lateral, $min_margin_lateral, 0.0, 0.0, $max_overlap_lateral, false),
        ('vertical', $min_gap_vertical, $min_margin_vertical, 0.0, 0.0, $max_overlap_vertical, false),
        ('depth', $min_gap_depth, $min_margin_depth, 0.0, $min_margin_depth_model, $max_overlap_depth, false),
        -- Sizes have no position, so nothing overlaps; but what the image cuts off or hides has no size that can be seen.
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
        relate(s.view_box, o.view_box, l.axis) AS fact,
        -- Where the camera is only assumed to be level, above and below must hold at any pitch within the limit.
        l.axis = 'vertical' AND NOT (s.upright AND o.upright) AS assumed_level,
        CASE
            WHEN l.axis = 'vertical' AND NOT (s.upright AND o.upright) THEN relate_tilted(s.view_box, o.view_box, $max_unknown_pitch)
        END AS fact_if_tilted,
        greatest(s.askable_objects, 2) AS askable_objects,
        s.source,
        s.scene_id,
        s.licence,
        s.split,
        s.exhaustive,
        s.name AS subject_name,
        o.name AS object_name,
        s.category AS subject_category,
        o.category AS object_category,
        s.name_matches = 1 AS subject_name_unique,
        o.name_matches = 1
            -- "The car is longer than the car."
            AND lower(s.name) <> lower(o.name)
            -- "The dresser" may well be the one below the "dresser mirror".
            AND NOT starts_with(lower(s.name), lower(o.name) || ' ')
            AND NOT starts_with(lower(o.name), lower(s.name) || ' ') AS object_name_unique,
        s.clipped_box AS subject_clipped_box,
        o.clipped_box AS object_clipped_box,
        s.has_mask AS subject_has_mask,
        o.has_mask AS object_has_mask,
        s.clear_outline AS subject_clear_outline,
        o.clear_outline AS object_clear_outline,
        s.label_point AS subject_label_point,
        o.label_point AS object_label_point,
        s.colour AS subject_colour,
        o.colour AS object_colour,
        s.skip_reason AS subject_skip_reason,
        o.skip_reason AS object_skip_reason,
        s.object_reason AS subject_reason,
        o.object_reason AS object_reason,
        s.category_matches AS subject_category_matches,
        least(s.visibility, o.visibility) AS visibility,
        least(s.lift_quality, o.lift_quality) AS lift_quality,
        CASE
            WHEN l.needs_full_view AND (s.truncated OR o.truncated) THEN 'truncated'
            WHEN l.needs_full_view AND least(s.visibility, o.visibility) < $min_visibility_size THEN 'occluded'
            WHEN l.needs_full_view AND least(s.size_quality, o.size_quality) < $min_lift_quality_size THEN 'low_size_quality'
        END AS size_reason,
        -- What the image cuts off of an object that was lifted from it may be nearer than all that it shows of it.
        s.truncated AND s.lifted_from IN ('depth', 'model') AS subject_cut_off,
        o.truncated AND o.lifted_from IN ('depth', 'model') AS object_cut_off,
        -- The two boxes in pixels: how far right and how far down the subject's middle is of the object's, how many columns they share,
        -- and how many the narrower one has. (Shared rows say less: a cup is above the table on which the image shows it.)
        0.5 * (s.box.x0 + s.box.x1 - o.box.x0 - o.box.x1) AS image_dx,
        0.5 * (s.box.y0 + s.box.y1 - o.box.y0 - o.box.y1) AS image_dy,
        least(s.box.x1, o.box.x1) - greatest(s.box.x0, o.box.x0) AS shared_columns,
        least(s.box.x1 - s.box.x0, o.box.x1 - o.box.x0) AS narrower_columns,
        -- What the two boxes alone suggest: the first relation of the axis (left, above, near, wider, taller, larger) where positive.
        CASE l.axis
            WHEN 'lateral' THEN o.box.x0 + o.box.x1 - s.box.x0 - s.box.x1
            WHEN 'vertical' THEN o.box.y0 + o.box.y1 - s.box.y0 - s.box.y1
            WHEN 'depth' THEN s.box.y1 - o.box.y1
            WHEN 'width' THEN (s.box.x1 - s.box.x0) - (o.box.x1 - o.box.x0)
            WHEN 'height' THEN (s.box.y1 - s.box.y0) - (o.box.y1 - o.box.y0)
            ELSE (s.box.x1 - s.box.x0) * (s.box.y1 - s.box.y0) - (o.box.x1 - o.box.x0) * (o.box.y1 - o.box.y0)
        END AS box_gap,
        -- A model's depth order is confirmed by the image: what stands on a floor nearer by ends lower in the image.
        CASE
            WHEN l.axis = 'depth' AND 'model' IN (s.lifted_from, o.lifted_from)
                THEN $min_image_gap_depth_model * least(s.box.y1 - s.box.y0, o.box.y1 - o.box.y0)
        END AS min_lower_edge_gap,
        s.footprint_width - o.footprint_width AS footprint_diff,
        s.face_area - o.face_area AS face_diff
    FROM references AS o
    JOIN (limits AS l CROSS JOIN references AS s) ON s.frame_id = o.frame_id AND s.object_id <> o.object_id
    WHERE s.view_box IS NOT NULL AND o.view_box IS NOT NULL
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
    askable_objects,
    source,
    scene_id,
    licence,
    split,
    exhaustive,
    subject_name,
    object_name,
    subject_category,
    object_category,
    subject_name_unique,
    object_name_unique,
    subject_clipped_box,
    object_clipped_box,
    subject_has_mask,
    object_has_mask,
    subject_clear_outline,
    object_clear_outline,
    subject_label_point,
    object_label_point,
    subject_colour,
    object_colour,
    subject_skip_reason,
    object_skip_reason,
    subject_reason,
    object_reason,
    subject_category_matches,
    visibility,
    lift_quality,
    coalesce(CASE WHEN fact['relation'] IN ('left', 'above', 'near', 'wider', 'taller', 'larger') THEN box_gap > 0 ELSE box_gap < 0 END, false)
        AS answerable_from_boxes,
    CASE
        WHEN size_reason IS NOT NULL THEN size_reason
        WHEN fact['relation'] IS NULL OR fact['value'] <= min_gap OR fact['margin'] <= min_margin THEN 'ambiguous_margin'
        WHEN fact['relation'] = 'far' AND subject_cut_off OR fact['relation'] = 'near' AND object_cut_off THEN 'truncated'
        WHEN fact['overlap'] > max_overlap OR axis = 'lateral' AND shared_columns > $max_overlap_image * narrower_columns
            THEN 'overlapping'
        WHEN assumed_level AND (
            fact_if_tilted IS NULL OR fact_if_tilted['value'] <= min_gap OR fact_if_tilted['margin'] <= min_margin
            OR fact_if_tilted['overlap'] > max_overlap
        ) THEN 'gravity_unknown'
        WHEN NOT fact['agrees'] THEN 'image_disagrees'
        WHEN CASE WHEN fact['relation'] = 'near' THEN box_gap ELSE -box_gap END <= min_lower_edge_gap THEN 'image_disagrees'
        -- A camera that is turned about its axis shows objects in another order than the upright view has them.
        WHEN fact['relation'] = 'left' AND image_dx >= 0 OR fact['relation'] = 'right' AND image_dx <= 0
            OR fact['relation'] = 'above' AND image_dy >= 0 OR fact['relation'] = 'below' AND image_dy <= 0
            THEN 'image_disagrees'
        -- Seen aslant, a long object is as narrow as a short one: what the view shows and what a tape measures must both say so.
        WHEN fact['relation'] = 'wider' AND footprint_diff <= 0 OR fact['relation'] = 'thinner' AND footprint_diff >= 0 THEN 'seen_aslant'
        -- An open book takes more room than a box that a person calls larger: the larger object must also look it from its largest side.
        WHEN fact['relation'] = 'larger' AND face_diff <= 0 OR fact['relation'] = 'smaller' AND face_diff >= 0 THEN 'shape_disagrees'
    END AS pair_reason
FROM compared
