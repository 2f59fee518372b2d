-- writes: captioned
-- reads:  frames, detections, detected
-- keep:   table
-- keys:   frame_id, object_id
-- when:   caption_model

-- Region captions: a noun phrase from a model for each 2D object that has none. In go frames with their boxes; out comes a row an object,
-- which the model sees by itself, with what is around it.
SELECT
    frame_id, o['object_id'] AS object_id, o['caption'] AS caption, o['made_by'] AS made_by, o['filtered'] AS filtered,
    o['quarantined'] AS quarantined
FROM (
    SELECT f.frame_id, unnest(caption(f.uri, f.sha256, d.boxes, $caption_model)) AS o
    FROM (
        SELECT frame_id, array_agg(named_struct('object_id', object_id, 'category', category, 'box', box)) AS boxes
        FROM (
            SELECT frame_id, object_id, category, box FROM detections WHERE caption IS NULL AND NOT crowd
            UNION ALL
            SELECT frame_id, object_id, category, box FROM detected WHERE caption IS NULL
        )
        GROUP BY frame_id
    ) AS d
    JOIN frames AS f ON f.frame_id = d.frame_id
    WHERE f.sha256 IS NOT NULL
)
