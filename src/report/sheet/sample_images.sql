-- The images of a sample in their order, a row for each of its objects that an image shows.
WITH shown AS (
    SELECT unnest(frame_ids) AS frame_id, unnest(range(0, cardinality(frame_ids))) AS image, object_ids
    FROM dataset
    WHERE sample_id = $sample
)
SELECT s.image, s.frame_id, f.uri, f.width, f.height, o.object_id, o.category, o.box, o.mask
FROM shown AS s
LEFT JOIN frames AS f ON f.frame_id = s.frame_id
LEFT JOIN objects AS o ON o.frame_id = s.frame_id AND array_has(s.object_ids, o.object_id)
ORDER BY s.image, array_position(s.object_ids, o.object_id)
