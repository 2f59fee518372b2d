-- writes: samples
-- reads:  questions, frames
-- keep:   view
-- keys:   sample_id

-- Each question in each format: worded, and with what is drawn on its image.
--
-- The matrix is four image formats by five text formats without (original, mark): with nothing drawn there is no mark to point
-- at. A format without a wording yet is switched off here.
WITH formats (text_format, image_format, enabled) AS (
    VALUES
        ('natural', 'original', true),
        ('natural', 'boxes', false),
        ('natural', 'masks', false),
        ('natural', 'numbers', false),
        ('ref_caption', 'original', false),
        ('ref_caption', 'boxes', false),
        ('ref_caption', 'masks', false),
        ('ref_caption', 'numbers', false),
        ('ref_region_box', 'original', false),
        ('ref_region_box', 'boxes', false),
        ('ref_region_box', 'masks', false),
        ('ref_region_box', 'numbers', false),
        ('ref_caption_box', 'original', false),
        ('ref_caption_box', 'boxes', false),
        ('ref_caption_box', 'masks', false),
        ('ref_caption_box', 'numbers', false),
        ('mark', 'boxes', false),
        ('mark', 'masks', false),
        ('mark', 'numbers', false)
),
worded AS (
    SELECT
        q.*,
        coalesce(chr(65 + q.answer_index), q.answer) AS stratum_answer,
        f.text_format,
        f.image_format,
        wording(q.template_id, q.relation, q.answer, q.slots, q.options, q.question_id) AS words
    FROM formats AS f
    CROSS JOIN questions AS q
    WHERE f.enabled
)
SELECT
    id_hash(w.question_id, w.text_format, w.image_format) AS sample_id,
    w.question_id,
    w.source,
    f.licence,
    f.split,
    w.scene_id,
    w.frame_ids,
    w.task,
    w.relation,
    w.answer_form,
    w.text_format,
    w.image_format,
    w.words['question'] AS question,
    w.words['answer'] AS answer,
    w.words['options'] AS options,
    w.answer_index,
    w.answer_value,
    w.answer_unit,
    w.object_ids,
    arrow_cast(
        [],
        'List(Struct("object_id": Utf8, "box": Struct("x0": Float64, "y0": Float64, "x1": Float64, "y1": Float64), "kind": Utf8, "colour": Utf8, "label": Utf8))'
    ) AS marks,
    w.margin,
    w.visibility,
    w.lift_quality,
    w.template_id,
    w.stratum_answer,
    $seed AS seed
-- Frames are held in memory, samples stream past.
FROM frames AS f
JOIN worded AS w ON w.frame_ids[1] = f.frame_id
