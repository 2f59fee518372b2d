-- writes: objects_2d
-- reads:  detections, detected, segmented, captioned
-- keep:   view
-- keys:   frame_id, object_id

-- 2D objects: annotated and detected boxes in, a row an object out, with the mask and caption of a model where the source has none. Models'
-- rows are held on the left of each join, 2D objects stream past on the right.
SELECT
    d.frame_id, d.object_id, d.category, coalesce(d.caption, c.caption) AS caption, d.box, d.mask, d.crowd, d.score,
    d.mask_score, d.made_by
FROM captioned AS c
RIGHT JOIN (
    SELECT
        d.frame_id, d.object_id, d.category, d.caption, d.box, coalesce(d.mask, s.mask) AS mask, d.crowd, d.score,
        CASE WHEN d.mask IS NULL THEN s.score END AS mask_score, d.made_by
    FROM segmented AS s
    RIGHT JOIN (
        SELECT frame_id, object_id, category, caption, box, mask, crowd, score, made_by FROM detections
        UNION ALL
        SELECT frame_id, object_id, category, caption, box, NULL AS mask, false AS crowd, score, made_by FROM detected
    ) AS d ON d.frame_id = s.frame_id AND d.object_id = s.object_id
) AS d ON d.frame_id = c.frame_id AND d.object_id = c.object_id
