-- writes: references
-- reads:  objects, appearances, objects_2d, frames
-- keep:   cached
-- keys:   frame_id, object_id
-- check:  name_matches >= 1 AND category_matches >= 1

-- Referring expressions: each object of a frame with its name, how many objects of the frame that name could mean, and how else a text
-- or an image can point at it. In go 3D objects, 2D objects, colours and frames; out comes a row an object.
--
-- name_matches      how many objects the name fits: those with the same name, those of a category with that name, and those of a more
--                   special one ("the chair" also fits an office chair and a chair with wheels). A name that fits two refers to
--                   neither; a box or a mark still can.
-- category_matches  how many objects a person could count under its category. More general and more special categories count,
--                   because annotators mix "chair" and "office chair".
-- skip_reason       why nothing is asked about it, however it is referred to; null where something may be asked.
-- object_reason     why a person could misjudge the object itself; null where it is plain to see.
-- askable_objects   how many objects of the frame have neither of these reasons.
-- upright           whether the direction of gravity is known in its frame.
-- view_box          its bounds in view space, as `relate` compares them; null for an object without a place in space.
-- footprint_width   the longer horizontal side of its oriented box: its width as one stands before it, which the view may foreshorten.
-- face_area         the largest side of its oriented box, square metres.
-- clipped_box       its box inside the image, as it can be drawn or written; null where too little of it is.
-- has_mask          whether it has a mask that a person would see.
-- label_point       where a number can stand on it, with the room around; null where there is none.
-- clear_outline     whether its box alone tells which object is meant. A box that is full of other objects (a wall unit, a couch under
--                   pillows) does not, so that the text must say the name.
--
-- One object that was marked twice is one object: the mark with more detail stays, and nothing is asked about the other, which neither
-- counts nor makes a name ambiguous.
WITH located AS (
    -- What is marked without a place in space (a crowd, a mask that could not be lifted) cannot be asked about; a person sees and
    -- counts it all the same.
    SELECT
        coalesce(o.frame_id, d.frame_id) AS frame_id,
        coalesce(o.object_id, d.object_id) AS object_id,
        coalesce(o.category, d.category) AS category,
        coalesce(o.caption, d.caption) AS caption,
        CASE WHEN o.object_id IS NULL THEN d.box ELSE o.box END AS box,
        CASE WHEN o.object_id IS NULL THEN d.mask ELSE o.mask END AS mask,
        greatest(o.obb.lengths.x, o.obb.lengths.y) AS footprint_width,
        greatest(o.obb.lengths.x * o.obb.lengths.y, o.obb.lengths.x * o.obb.lengths.z, o.obb.lengths.y * o.obb.lengths.z) AS face_area,
        coalesce(o.visibility, 0.0) AS visibility,
        coalesce(o.lift_quality, 0.0) AS lift_quality,
        coalesce(o.size_quality, 0.0) AS size_quality,
        o.lifted_from,
        coalesce(o.upright, false) AS upright,
        d.score,
        d.mask_score,
        CASE
            WHEN o.object_id IS NOT NULL
                THEN named_struct('centre', o.centre, 'extent', o.extent, 'low', o.low, 'nearest', o.nearest)
        END AS view_box
    FROM objects AS o
    FULL JOIN objects_2d AS d ON d.frame_id = o.frame_id AND d.object_id = o.object_id
),
named AS (
    SELECT
        *,
        noun_phrase(category) AS category_name,
        lower(noun_phrase(category)) AS lower_category,
        coalesce(noun_phrase(caption), noun_phrase(category)) AS name,
        lower(coalesce(noun_phrase(caption), noun_phrase(category))) AS lower_name
    FROM located
),
marked_frames AS (
    SELECT
        frame_id,
        label_points(marked) AS label_points,
        overlaps(marked) AS overlaps
    FROM (
        SELECT
            frame_id,
            array_agg(named_struct(
                'object_id', object_id, 'category', lower_category, 'box', box, 'mask', mask,
                -- A caption, a place in space and a mask are detail; among equals the surer one has more.
                'detail', CASE WHEN caption IS NULL THEN 0.0 ELSE 8.0 END + CASE WHEN view_box IS NULL THEN 0.0 ELSE 4.0 END
                    + CASE WHEN mask IS NULL THEN 0.0 ELSE 2.0 END + coalesce(score, 1.0))) AS marked
        FROM named
        GROUP BY frame_id
    )
),
label_points AS (
    SELECT frame_id, p['object_id'] AS object_id, p['pixels'] AS pixels, p['label_point'] AS label_point
    FROM (SELECT frame_id, unnest(label_points) AS p FROM marked_frames)
),
overlaps AS (
    SELECT
        frame_id, o['object_id'] AS object_id, o['duplicate_iou'] > $same_thing_iou AS is_duplicate,
        o['fill_ratio'] <= $max_box_filled AS clear_outline
    FROM (SELECT frame_id, unnest(overlaps) AS o FROM marked_frames)
),
distinct_objects AS (
    SELECT n.*, o.is_duplicate, o.clear_outline
    FROM named AS n
    JOIN overlaps AS o ON o.frame_id = n.frame_id AND o.object_id = n.object_id
),
matches AS (
    SELECT
        a.frame_id,
        a.object_id,
        -- An object fits its own name and its own category, whatever it is called, or not called at all.
        sum(CASE
            WHEN a.object_id = b.object_id THEN 1
            WHEN b.is_duplicate THEN 0
            WHEN a.lower_name IN (b.lower_name, b.lower_category)
                OR ends_with(b.lower_name, ' ' || a.lower_name)
                OR ends_with(b.lower_category, ' ' || a.lower_name)
                OR starts_with(b.lower_name, a.lower_name || ' with ') THEN 1
            ELSE 0
        END) AS name_matches,
        sum(CASE
            WHEN a.object_id = b.object_id THEN 1
            WHEN b.is_duplicate THEN 0
            WHEN a.lower_category = b.lower_category
                OR ends_with(b.lower_category, ' ' || a.lower_category)
                OR ends_with(a.lower_category, ' ' || b.lower_category) THEN 1
            ELSE 0
        END) AS category_matches
    FROM distinct_objects AS a
    JOIN distinct_objects AS b ON a.frame_id = b.frame_id
    GROUP BY a.frame_id, a.object_id
),
judged AS (
    SELECT
        n.frame_id,
        n.object_id,
        f.source,
        f.scene_id,
        f.licence,
        f.split,
        -- Of this category, where not of all.
        f.exhaustive OR coalesce(array_has(f.exhaustive_categories, n.category), false) AS exhaustive,
        n.name,
        n.category_name AS category,
        n.view_box,
        m.name_matches,
        m.category_matches,
        n.visibility,
        n.lift_quality,
        n.size_quality,
        n.lifted_from,
        n.upright,
        n.footprint_width,
        n.face_area,
        n.box,
        -- An edge of the box on an edge of the image: less than a pixel apart, because boxes are rounded.
        n.box.x0 < 1 OR n.box.y0 < 1 OR n.box.x1 > f.width - 1 OR n.box.y1 > f.height - 1 AS truncated,
        CASE
            WHEN n.box.x1 - n.box.x0 >= $min_box_side AND n.box.y1 - n.box.y0 >= $min_box_side
                AND n.box.x0 > -1 AND n.box.y0 > -1 AND n.box.x1 < f.width + 1 AND n.box.y1 < f.height + 1
                THEN named_struct(
                    'x0', greatest(n.box.x0, 0.0), 'y0', greatest(n.box.y0, 0.0),
                    'x1', least(n.box.x1, CAST(f.width AS DOUBLE)), 'y1', least(n.box.y1, CAST(f.height AS DOUBLE)))
        END AS clipped_box,
        coalesce(p.pixels >= $min_mask_pixels, false) AS has_mask,
        CASE WHEN p.label_point.radius >= $min_number_room * greatest(f.width, f.height) THEN p.label_point END AS label_point,
        CASE WHEN $own_colours THEN look.colour END AS colour,
        n.clear_outline,
        CASE
            -- Each object of an image that could be decoded has an appearance.
            WHEN f.sha256 IS NOT NULL AND n.view_box IS NOT NULL AND look.object_id IS NULL THEN 'damaged_image'
            WHEN n.is_duplicate THEN 'marked_twice'
            WHEN n.name IS NULL OR array_has($skip_categories, n.lower_category) OR array_has($skip_categories, n.lower_name) THEN 'skipped_category'
        END AS skip_reason,
        CASE
            WHEN n.score < $min_score OR n.mask_score < $min_mask_score THEN 'low_score'
            WHEN n.visibility < $min_visibility THEN 'occluded'
            WHEN n.lift_quality < $min_lift_quality THEN 'low_lift_quality'
        END AS object_reason
    FROM distinct_objects AS n
    JOIN matches AS m ON m.frame_id = n.frame_id AND m.object_id = n.object_id
    JOIN label_points AS p ON p.frame_id = n.frame_id AND p.object_id = n.object_id
    LEFT JOIN appearances AS look ON look.frame_id = n.frame_id AND look.object_id = n.object_id
    JOIN frames AS f ON f.frame_id = n.frame_id
)
SELECT
    *,
    CAST(sum(CASE WHEN skip_reason IS NULL AND object_reason IS NULL THEN 1 ELSE 0 END) OVER (PARTITION BY frame_id) AS INT) AS askable_objects
FROM judged
