-- writes: samples
-- reads:  asked, formats, turns, frames, keep_rates
-- keep:   view
-- keys:   sample_id

-- Each question in each format: in its turn, worded, and with what is drawn on its image.
--
-- format_reason  why the question cannot be asked in this format; null where it can.
-- shortcut  what gives the answer without a look at the scene: noun (the names, where the text says them) or box (the 2D boxes); none.
-- rate      what part of the samples of its stratum the dataset keeps: those whose `drawn` is below it.
WITH rates AS (
    -- The rates of a question in one format: of each turn, and in it of each shortcut by the alphabet.
    SELECT
        k.source, k.task, t.shape, CASE WHEN t.flipped THEN opposite(k.relation) ELSE k.relation END AS relation,
        CASE WHEN t.answer IS NULL THEN k.answer END AS own_answer, k.text_format, k.image_format,
        array_agg(k.rate ORDER BY t.turn, k.shortcut) AS rates
    FROM turns AS t
    JOIN keep_rates AS k ON k.answer_form = t.answer_form AND (t.answer IS NULL OR t.answer = k.answer)
    GROUP BY
        k.source, k.task, t.shape, CASE WHEN t.flipped THEN opposite(k.relation) ELSE k.relation END,
        CASE WHEN t.answer IS NULL THEN k.answer END, k.text_format, k.image_format
),
often AS (
    -- How often each number is the right one of four in the dataset, of each relation: fewer cups are above a table than beside it.
    SELECT relation, array_agg(named_struct('n', answer, 'times', times)) AS often
    FROM (
        SELECT relation, answer, sum(CAST(round(4000.0 * samples * rate) AS BIGINT)) AS times
        FROM keep_rates
        WHERE task = 'object_counting' AND answer_form = 'choice'
        GROUP BY relation, answer
    )
    GROUP BY relation
),
rated AS (
    -- All formats in one row, so that a question looks its rates up once.
    SELECT
        r.source, r.task, r.shape, r.relation, r.own_answer, CASE WHEN r.shape = 'choice of number' THEN o.often END AS often,
        r.formats
    FROM often AS o
    RIGHT JOIN (
        SELECT
            r.source, r.task, r.shape, r.relation, r.own_answer,
            array_agg(named_struct(
                'text_format', f.text_format, 'image_format', f.image_format, 'names', f.names, 'needs', f.needs,
                'allowed', format_allowed($allow, r.task, r.source, f.text_format, f.image_format), 'rates', r.rates)) AS formats
        FROM formats AS f
        JOIN rates AS r ON r.text_format = f.text_format AND r.image_format = f.image_format
        GROUP BY r.source, r.task, r.shape, r.relation, r.own_answer
    ) AS r
        ON o.relation = r.relation
),
ordered AS (
    -- Questions of one shape in a scene take the turns one after the other, opposite relations beside each other, so that a few
    -- questions are as balanced as many.
    SELECT
        *,
        CAST(row_number() OVER (
            PARTITION BY coalesce(scene_id, frame_ids[1]), task, shape, even
            ORDER BY least(relation, opposite(relation)), question_id) AS BIGINT)
            + CAST(floor(4.0 * draw($seed, 'turn', coalesce(scene_id, frame_ids[1]), task, shape)) AS BIGINT) AS starts
    FROM asked
),
framed AS (
    -- Frames and rates are held in memory, questions stream past.
    SELECT q.*, r.formats, r.often, f.licence, f.split
    FROM rated AS r
    JOIN (
        frames AS f
        JOIN (
            SELECT *, CASE WHEN shape IN ('choice of number', 'number', 'open') THEN answer ELSE '' END AS own_answer
            FROM ordered
        ) AS q ON q.frame_ids[1] = f.frame_id
    )
        ON r.source = q.source AND r.task = q.task AND r.shape = q.shape AND r.relation = q.relation
        AND coalesce(r.own_answer, '') = q.own_answer
),
formatted AS (
    SELECT
        * EXCEPT (formats, format, taken),
        format['text_format'] AS text_format,
        format['image_format'] AS image_format,
        format['needs'] AS needs,
        format['allowed'] AS allowed,
        (starts + taken['turn']) % 4 AS turn,
        taken['drawn'] AS drawn,
        CASE WHEN nouns_tell AND format['names'] THEN 'noun' WHEN boxes_tell THEN 'box' ELSE 'none' END AS shortcut,
        CASE
            WHEN even
                THEN format['rates'][
                    (starts + taken['turn']) % 4 * 3
                    + CASE WHEN nouns_tell AND format['names'] THEN 3 WHEN boxes_tell THEN 1 ELSE 2 END]
            ELSE 0.0
        END AS rate
    FROM (
        SELECT * EXCEPT (turns), unnest(formats) AS format, unnest(turns) AS taken
        FROM (SELECT *, format_turns(formats, offers, draw($seed, 'formats', question_id)) AS turns FROM framed)
    )
),
turned AS (
    SELECT
        * EXCEPT (relation, answer, often),
        CASE
            WHEN shape = 'yes_no' AND turn % 2 = 1 OR shape = 'choice of object' AND turn IN (1, 2) THEN opposite(relation)
            ELSE relation
        END AS relation,
        CASE
            WHEN shape = 'yes_no' THEN CASE WHEN turn % 2 = 1 THEN 'no' ELSE 'yes' END
            WHEN shape = 'choice of object' THEN CASE WHEN turn IN (1, 2) THEN 'object' ELSE 'subject' END
            ELSE answer
        END AS answer,
        CASE
            WHEN shape = 'choice of object' THEN CASE WHEN turn < 2 THEN ['subject', 'object'] ELSE ['object', 'subject'] END
            WHEN shape = 'choice of relation'
                THEN CASE WHEN turn % 2 = 0 THEN [relation, opposite(relation)] ELSE [opposite(relation), relation] END
            WHEN shape = 'choice of number'
                THEN number_options(
                    answer, draw($seed, 'object_counting/options', question_id, text_format, image_format), turn, often)
        END AS options,
        CASE
            WHEN shape IN ('choice of object', 'choice of relation') THEN CAST(turn % 2 AS INT)
            WHEN shape = 'choice of number' THEN CAST(turn AS INT)
        END AS answer_index
    FROM formatted
),
identified AS (
    SELECT
        *,
        id_hash(question_id, text_format, image_format) AS sample_id,
        template(task, answer_form, relation, answer, draw($seed, 'template', question_id, text_format, image_format)) AS template_id
    FROM turned
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
    CASE WHEN answer_form = 'choice' THEN chr(65 + answer_index) ELSE answer END AS answer_key,
    answer_value,
    answer_unit,
    object_ids,
    named_boxes(marks, text_format) AS boxes,
    drawn_marks(marks, image_format) AS marks,
    margin,
    visibility,
    lift_quality,
    shortcut,
    template_id,
    CASE
        WHEN NOT allowed THEN 'not_allowed'
        ELSE 'no_' || lacking(needs, offers)
    END AS format_reason,
    rate,
    drawn,
    $seed AS seed
FROM worded
