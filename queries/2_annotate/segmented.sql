-- writes: segmented
-- reads:  frames, detections, detected
-- keep:   table
-- keys:   frame_id, object_id
-- check:  score BETWEEN 0 AND 1
-- when:   segment_model

-- Instance segmentation: a mask from a model for each box that has none. In go frames, each with its boxes as a list, so that an image is
-- decoded once; out comes a row an object.
SELECT
    frame_id, o['object_id'] AS object_id, o['mask'] AS mask, o['score'] AS score, o['made_by'] AS made_by, o['quarantined'] AS quarantined
FROM (
    SELECT f.frame_id, unnest(segment(f.uri, f.sha256, d.boxes, $segment_model)) AS o
    FROM (
        SELECT frame_id, array_agg(named_struct('object_id', object_id, 'box', box)) AS boxes
        FROM (
            SELECT frame_id, object_id, box FROM detections WHERE mask IS NULL AND NOT crowd
            UNION ALL
            SELECT frame_id, object_id, box FROM detected
        )
        GROUP BY frame_id
    ) AS d
    JOIN frames AS f ON f.frame_id = d.frame_id
    WHERE f.sha256 IS NOT NULL AND coalesce(f.lifted_from, 'depth') = 'depth'
)
