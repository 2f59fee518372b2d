-- writes: samples
-- reads:  questions, formats, frames, keep_rates
-- keep:   view
-- keys:   sample_id

-- Each question in each format: worded, and with what is drawn on its image.
--
-- unsuited  why the question cannot be asked in this format; null where it can.
-- rate      what part of the samples of its stratum the dataset keeps.
WITH rated AS (
    -- All formats of a stratum in one row, so that a question looks its rates up once.
    SELECT
        k.source, k.task, k.relation, k.answer_form, k.answer,
        array_agg(named_struct('text_format', f.text_format, 'image_format', f.image_format, 'needs', f.needs, 'rate', k.rate)) AS formats
    FROM keep_rates AS k
    JOIN formats AS f ON f.text_format = k.text_format AND f.image_format = k.image_format
    GROUP BY k.source, k.task, k.relation, k.answer_form, k.answer
),
asked AS (
    -- Frames and rates are held in memory, questions stream past.
    SELECT q.*, r.formats, f.licence, f.split
    FROM rated AS r
    JOIN (
        frames AS f
        JOIN (
            SELECT *, coalesce(chr(65 + answer_index), answer) AS stratum_answer
            FROM questions
        ) AS q ON q.frame_ids[1] = f.frame_id
    )
        ON r.source = q.source AND r.task = q.task AND r.relation = q.relation AND r.answer_form = q.answer_form
        AND r.answer = q.stratum_answer
),
formatted AS (
    SELECT * EXCEPT (formats, format), format['text_format'] AS text_format, format['image_format'] AS image_format,
        format['needs'] AS needs, format['rate'] AS rate
    FROM (SELECT *, unnest(formats) AS format FROM asked)
),
identified AS (
    SELECT
        * EXCEPT (template_id),
        id_hash(question_id, text_format, image_format) AS sample_id,
        CASE
            WHEN text_format = 'natural' AND image_format = 'original' THEN template_id
            ELSE template(task, answer_form, relation, answer, draw($seed, 'template', question_id, text_format, image_format))
        END AS template_id
    FROM formatted
),
worded AS (
    SELECT *, wording(template_id, relation, answer, slots, options, marks, text_format, image_format, sample_id) AS words
    FROM identified
)
SELECT
    sample_id,
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
    named_boxes(marks, text_format) AS boxes,
    drawn_marks(marks, image_format) AS marks,
    margin,
    visibility,
    lift_quality,
    template_id,
    CASE
        WHEN NOT format_allowed($allow, task, source, text_format, image_format) THEN 'not_allowed'
        ELSE 'no_' || lacking(needs, offers)
    END AS unsuited,
    rate,
    $seed AS seed
FROM worded
