-- 36 samples, one row for each object on each of their images. Sample ids are hashes, so the lowest of a group is a fair and stable choice. What
-- comes first of its task, of its relation or of its format is always there.
WITH firsts AS (
    SELECT task, relation, source, answer_form, text_format, image_format, min(sample_id) AS sample_id
    FROM dataset
    GROUP BY task, relation, source, answer_form, text_format, image_format
),
ranked AS (
    SELECT
        sample_id,
        least(
            row_number() OVER (PARTITION BY task ORDER BY sample_id),
            row_number() OVER (PARTITION BY relation ORDER BY sample_id),
            row_number() OVER (PARTITION BY text_format, image_format ORDER BY sample_id)
        ) AS turn
    FROM firsts
),
picked AS (
    SELECT sample_id FROM ranked ORDER BY turn, sample_id LIMIT 36
),
shown AS (
    SELECT d.sample_id, unnest(d.frame_ids) AS frame_id, unnest(range(0, cardinality(d.frame_ids))) AS image
    FROM picked AS p
    JOIN dataset AS d ON d.sample_id = p.sample_id
)
SELECT
    d.sample_id,
    d.source,
    d.scene_id,
    d.frame_ids,
    d.object_ids,
    d.task,
    d.relation,
    d.answer_form,
    d.text_format,
    d.image_format,
    d.question,
    d.answer,
    d.options,
    d.answer_index,
    d.answer_value,
    d.answer_unit,
    d.margin,
    d.visibility,
    s.image,
    f.frame_id,
    f.uri,
    f.width,
    f.height,
    d.marks,
    o.object_id,
    o.category,
    o.nearest,
    o.box['x0'] AS x0,
    o.box['y0'] AS y0,
    o.box['x1'] AS x1,
    o.box['y1'] AS y1,
    o.mask
FROM shown AS s
JOIN dataset AS d ON d.sample_id = s.sample_id
JOIN frames AS f ON f.frame_id = s.frame_id
LEFT JOIN objects AS o ON o.frame_id = f.frame_id AND array_has(d.object_ids, o.object_id)
ORDER BY d.task, d.relation, d.sample_id, s.image, array_position(d.object_ids, o.object_id)
