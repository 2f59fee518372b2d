-- writes: samples
-- reads:  questions, frames, keep_rates
-- keep:   view
-- keys:   sample_id

-- Each question in each format: worded, and with what is drawn on its image.
--
-- rate   what part of the questions of its stratum the dataset keeps.
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
asked AS (
    -- Frames and rates are held in memory, questions stream past.
    SELECT q.*, k.rate, f.licence, f.split
    FROM keep_rates AS k
    JOIN (
        frames AS f
        JOIN (
            SELECT q.*, coalesce(chr(65 + q.answer_index), q.answer) AS stratum_answer, f.text_format, f.image_format
            FROM formats AS f
            CROSS JOIN questions AS q
            WHERE f.enabled
        ) AS q ON q.frame_ids[1] = f.frame_id
    )
        ON k.source = q.source AND k.task = q.task AND k.relation = q.relation AND k.answer_form = q.answer_form
        AND k.answer = q.stratum_answer
),
worded AS (
    SELECT *, wording(template_id, relation, answer, slots, options, question_id) AS words FROM asked
)
SELECT
    id_hash(question_id, text_format, image_format) AS sample_id,
    question_id,
    source,
    licence,
    split,
    scene_id,
    frame_ids,
    task,
    relation,
    answer_form,
    text_format,
    image_format,
    words['question'] AS question,
    words['answer'] AS answer,
    words['options'] AS options,
    answer_index,
    answer_value,
    answer_unit,
    object_ids,
    arrow_cast(
        [],
        'List(Struct("object_id": Utf8, "box": Struct("x0": Float64, "y0": Float64, "x1": Float64, "y1": Float64), "kind": Utf8, "colour": Utf8, "label": Utf8))'
    ) AS marks,
    margin,
    visibility,
    lift_quality,
    template_id,
    rate,
    $seed AS seed
FROM worded
