-- writes: references
-- reads:  objects, appearances, objects_2d, frames
-- keep:   cached
-- keys:   frame_id, object_id
-- check:  fits >= 1 AND peers >= 1

-- What each thing of a frame is called, and how many things of that frame a person could mean by it.
--
-- fits   how many things the name fits: those with the same name, those of a category with that name, and those of a more
--        special one ("the chair" also fits an office chair and a chair with wheels). A name that fits two things refers to neither;
--        a box or a mark still can.
-- peers  how many things a person could count under its category; the more general and the more special ones are among them,
--        because annotators mix "chair" and "office chair".
-- skip_reason  why nothing is asked about it, however it is referred to; null where something may be.
-- object_reason why a person could misjudge the thing itself; null where it is plain to see.
-- usable how many things of the frame can be asked about.
-- upright whether which way is up is known in its frame.
-- framed its box as it can be drawn or written: inside the image; null where too little of it is.
-- masked whether it has a mask that a person would see.
-- anchor where a number can stand on it, with the room around; null where there is none to stand on.
-- alone  whether its outline tells which thing is meant: a box that is full of other marked things (a wall unit, a couch under
--        pillows) does not, so that the text must say what it is.
--
-- One thing that was marked twice is one thing: the better described mark stays, and nothing is asked about the other, which
-- neither counts nor makes a name ambiguous.
WITH things AS (
    -- What is marked without a place in space (a crowd, a mask that could not be lifted) cannot be asked about; a person sees and
    -- counts it all the same.
    SELECT
        coalesce(o.frame_id, d.frame_id) AS frame_id,
        coalesce(o.object_id, d.object_id) AS object_id,
        coalesce(o.category, d.category) AS category,
        coalesce(o.caption, d.caption) AS caption,
        CASE WHEN o.object_id IS NULL THEN d.box ELSE o.box END AS box,
        CASE WHEN o.object_id IS NULL THEN d.mask ELSE o.mask END AS mask,
        -- Its width as one stands before it, which the view may foreshorten.
        greatest(o.obb.lengths.x, o.obb.lengths.y) AS breadth,
        greatest(o.obb.lengths.x * o.obb.lengths.y, o.obb.lengths.x * o.obb.lengths.z, o.obb.lengths.y * o.obb.lengths.z) AS broad_side,
        coalesce(o.visibility, 0.0) AS visibility,
        coalesce(o.lift_quality, 0.0) AS lift_quality,
        coalesce(o.size_quality, 0.0) AS size_quality,
        o.lifted_from,
        coalesce(o.upright, false) AS upright,
        d.score,
        d.mask_score,
        -- What `relate` compares.
        CASE
            WHEN o.object_id IS NOT NULL
                THEN named_struct('centre', o.centre, 'extent', o.extent, 'low', o.low, 'nearest', o.nearest)
        END AS place
    FROM objects AS o
    FULL JOIN objects_2d AS d ON d.frame_id = o.frame_id AND d.object_id = o.object_id
),
called AS (
    SELECT
        *,
        noun_phrase(category) AS kind,
        lower(noun_phrase(category)) AS lower_kind,
        coalesce(noun_phrase(caption), noun_phrase(category)) AS name,
        lower(coalesce(noun_phrase(caption), noun_phrase(category))) AS lower_name
    FROM things
),
looked_at AS (
    SELECT
        frame_id,
        anchors(outlined) AS anchored,
        overlaps(outlined) AS overlapping
    FROM (
        SELECT
            frame_id,
            array_agg(named_struct(
                'object_id', object_id, 'kind', lower_kind, 'box', box, 'mask', mask,
                -- What has a caption, a place in space, a mask, says more than what has none; then the surer one does.
                'described', CASE WHEN caption IS NULL THEN 0.0 ELSE 8.0 END + CASE WHEN place IS NULL THEN 0.0 ELSE 4.0 END
                    + CASE WHEN mask IS NULL THEN 0.0 ELSE 2.0 END + coalesce(score, 1.0))) AS outlined
        FROM called
        GROUP BY frame_id
    )
),
anchored AS (
    SELECT frame_id, a['object_id'] AS object_id, a['pixels'] AS pixels, a['anchor'] AS anchor
    FROM (SELECT frame_id, unnest(anchored) AS a FROM looked_at)
),
overlapping AS (
    SELECT frame_id, o['object_id'] AS object_id, o['twin'] > $same_thing_iou AS twin, o['filled'] <= $max_box_filled AS alone
    FROM (SELECT frame_id, unnest(overlapping) AS o FROM looked_at)
),
named AS (
    SELECT c.*, o.twin, o.alone
    FROM called AS c
    JOIN overlapping AS o ON o.frame_id = c.frame_id AND o.object_id = c.object_id
),
counted AS (
    SELECT
        a.frame_id,
        a.object_id,
        -- A thing fits its own name and is its own peer, whatever it is called, or not called at all.
        sum(CASE
            WHEN a.object_id = b.object_id THEN 1
            WHEN b.twin THEN 0
            WHEN a.lower_name IN (b.lower_name, b.lower_kind)
                OR ends_with(b.lower_name, ' ' || a.lower_name)
                OR ends_with(b.lower_kind, ' ' || a.lower_name)
                OR starts_with(b.lower_name, a.lower_name || ' with ') THEN 1
            ELSE 0
        END) AS fits,
        sum(CASE
            WHEN a.object_id = b.object_id THEN 1
            WHEN b.twin THEN 0
            WHEN a.lower_kind = b.lower_kind
                OR ends_with(b.lower_kind, ' ' || a.lower_kind)
                OR ends_with(a.lower_kind, ' ' || b.lower_kind) THEN 1
            ELSE 0
        END) AS peers
    FROM named AS a
    JOIN named AS b ON a.frame_id = b.frame_id
    GROUP BY a.frame_id, a.object_id
),
judged AS (
    SELECT
        n.frame_id,
        n.object_id,
        f.source,
        f.scene_id,
        -- Of this category, where not of all.
        f.exhaustive OR coalesce(array_has(f.exhaustive_categories, n.category), false) AS exhaustive,
        n.name,
        n.kind AS category,
        n.place,
        c.fits,
        c.peers,
        n.visibility,
        n.lift_quality,
        n.size_quality,
        n.lifted_from,
        n.upright,
        n.breadth,
        n.broad_side,
        n.box,
        -- An edge of the box on an edge of the image: less than a pixel apart, because boxes are rounded.
        n.box.x0 < 1 OR n.box.y0 < 1 OR n.box.x1 > f.width - 1 OR n.box.y1 > f.height - 1 AS truncated,
        CASE
            WHEN n.box.x1 - n.box.x0 >= $min_box_side AND n.box.y1 - n.box.y0 >= $min_box_side
                AND n.box.x0 > -1 AND n.box.y0 > -1 AND n.box.x1 < f.width + 1 AND n.box.y1 < f.height + 1
                THEN named_struct(
                    'x0', greatest(n.box.x0, 0.0), 'y0', greatest(n.box.y0, 0.0),
                    'x1', least(n.box.x1, CAST(f.width AS DOUBLE)), 'y1', least(n.box.y1, CAST(f.height AS DOUBLE)))
        END AS framed,
        coalesce(a.pixels >= $min_mask_pixels, false) AS masked,
        CASE WHEN a.anchor.radius >= $min_number_room * greatest(f.width, f.height) THEN a.anchor END AS anchor,
        CASE WHEN $own_colours THEN p.colour END AS colour,
        n.alone,
        CASE
            -- Each object of an image that could be decoded has an appearance.
            WHEN f.sha256 IS NOT NULL AND n.place IS NOT NULL AND p.object_id IS NULL THEN 'damaged_image'
            WHEN n.twin THEN 'marked_twice'
            WHEN n.name IS NULL OR array_has($skip_categories, n.lower_kind) OR array_has($skip_categories, n.lower_name) THEN 'skipped_category'
        END AS skip_reason,
        CASE
            WHEN n.score < $min_score OR n.mask_score < $min_mask_score THEN 'low_score'
            WHEN n.visibility < $min_visibility THEN 'occluded'
            WHEN n.lift_quality < $min_lift_quality THEN 'low_lift_quality'
        END AS object_reason
    FROM named AS n
    JOIN counted AS c ON c.frame_id = n.frame_id AND c.object_id = n.object_id
    JOIN anchored AS a ON a.frame_id = n.frame_id AND a.object_id = n.object_id
    LEFT JOIN appearances AS p ON p.frame_id = n.frame_id AND p.object_id = n.object_id
    JOIN frames AS f ON f.frame_id = n.frame_id
)
SELECT *, CAST(sum(CASE WHEN skip_reason IS NULL AND object_reason IS NULL THEN 1 ELSE 0 END) OVER (PARTITION BY frame_id) AS INT) AS usable
FROM judged
