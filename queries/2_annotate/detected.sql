-- writes: detected
-- reads:  frames, detections
-- keep:   table
-- keys:   frame_id, object_id
-- check:  score BETWEEN 0 AND 1
-- check:  box['x0'] < box['x1'] AND box['y0'] < box['y1']
-- when:   detect_model

-- Object detection: boxes from a model for images that nobody annotated. In go frames without detections; out comes a row an object. Where
-- a source is exhaustive, no detection means that there is nothing.
SELECT
    frame_id, o['object_id'] AS object_id, o['category'] AS category, o['caption'] AS caption, o['box'] AS box, o['score'] AS score,
    o['made_by'] AS made_by, o['filtered'] AS filtered, o['quarantined'] AS quarantined
FROM (
    SELECT frame_id, unnest(detect(uri, sha256, $detect_model)) AS o
    FROM (
        SELECT f.frame_id, f.uri, f.sha256
        FROM detections AS d
        RIGHT ANTI JOIN frames AS f ON d.frame_id = f.frame_id
        WHERE f.sha256 IS NOT NULL AND NOT f.exhaustive AND coalesce(f.lifted_from, 'depth') = 'depth'
    )
)
