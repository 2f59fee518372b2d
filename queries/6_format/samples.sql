-- writes: samples
-- reads:  debiased_questions, format_rates, value_pools
-- keep:   view
-- keys:   sample_id

-- Samples: each question in each format, in its turn, worded, and with the marks that its image shows. In go questions and the keep rates of
-- their formats; out comes a row a question and format, with the reason where the format does not suit it.
--
-- format_reason  why the question cannot be asked in this format; null where it can.
-- shortcut       what gives the answer without a look at the scene: noun (the names, where the text says them) or box (the 2D boxes);
--                none.
-- rate           what part of the samples of its stratum the dataset keeps: those whose `drawn` is below it.
--
-- The join builds on its left side and streams its right side: rates are held, questions stream.
WITH turn_ordered AS (
    -- Questions of one shape in a scene take the turns one after the other, opposite relations beside each other, so that a few
    -- questions are as balanced as many.
    SELECT
        *,
        CAST(row_number() OVER (
            PARTITION BY coalesce(scene_id, frame_ids[1]), task, shape, passes_debias
            ORDER BY least(relation, opposite(relation)), question_id) AS BIGINT)
            + CAST(floor(4.0 * draw($seed, 'turn', coalesce(scene_id, frame_ids[1]), task, shape)) AS BIGINT) AS first_turn
    FROM debiased_questions
),
with_rates AS (
    SELECT q.*, r.formats, r.frequencies, named_struct('measured', v.measured, 'decimals', v.decimals, 'gap', v.gap) AS pool
    FROM value_pools AS v
    RIGHT JOIN (format_rates AS r
    JOIN (
        -- A stratum has the answer of its questions, where turns do not give another one.
        SELECT
            *, CASE WHEN shape IN ('choice of number', 'number', 'open', 'fixed yes_no') THEN answer ELSE '' END AS own_answer,
            CASE WHEN shape = 'choice of value' THEN CASE WHEN categories[2] = '' THEN categories[1] ELSE '' END END AS measured_category
        FROM turn_ordered
    ) AS q
        ON r.source = q.source AND r.task = q.task AND r.shape = q.shape AND r.relation = q.relation
        AND coalesce(r.own_answer, '') = q.own_answer)
        ON v.task = q.task AND v.relation = q.relation AND v.unit = q.answer_unit AND v.category = q.measured_category
),
formatted AS (
    SELECT
        * EXCEPT (formats, format, format_turn),
        format['text_format'] AS text_format,
        format['image_format'] AS image_format,
        format['required'] AS required,
        format['allowed'] AS allowed,
        (first_turn + format_turn['turn']) % 4 AS turn,
        format_turn['drawn'] AS drawn,
        CASE WHEN answerable_from_names AND format['names_objects'] THEN 'noun' WHEN answerable_from_boxes THEN 'box' ELSE 'none' END AS shortcut,
        CASE
            WHEN passes_debias
                THEN format['rates'][
                    (first_turn + format_turn['turn']) % 4 * 3
                    + CASE WHEN answerable_from_names AND format['names_objects'] THEN 3 WHEN answerable_from_boxes THEN 1 ELSE 2 END]
            ELSE 0.0
        END AS rate
    FROM (
        SELECT * EXCEPT (turns), unnest(formats) AS format, unnest(turns) AS format_turn
        FROM (SELECT *, format_turns(formats, available, draw($seed, 'formats', question_id)) AS turns FROM with_rates)
    )
),
turned AS (
    SELECT
        * EXCEPT (relation, answer, options, frequencies, pool),
        relation_in_turn(relation, shape = 'yes_no' AND turn % 2 = 1 OR shape = 'choice of object' AND turn IN (1, 2)) AS relation,
        CASE
            WHEN shape = 'yes_no' THEN CASE WHEN turn % 2 = 1 THEN 'no' ELSE 'yes' END
            -- Between the first two slots.
            WHEN shape = 'choice of object' THEN CASE WHEN turn IN (1, 2) THEN slots[2]['name'] ELSE slots[1]['name'] END
            ELSE answer
        END AS answer,
        CASE
            WHEN shape = 'choice of object'
                THEN CASE
                    WHEN turn < 2 THEN [slots[1]['name'], slots[2]['name']]
                    ELSE [slots[2]['name'], slots[1]['name']]
                END
            WHEN shape = 'choice of relation'
                THEN CASE WHEN turn % 2 = 0 THEN [relation, opposite(relation)] ELSE [opposite(relation), relation] END
            WHEN shape = 'choice of number'
                THEN number_options(
                    answer, draw($seed, task || '/options', question_id, text_format, image_format), turn, frequencies)
            WHEN shape = 'choice of value'
                THEN arranged_options(
                    value_options(
                        answer_value, pool['measured'], answer_unit, pool['decimals'], pool['gap'], $option_gap_share,
                        draw($seed, 'distractors', question_id, text_format, image_format)),
                    answer, turn, draw($seed, 'options', question_id, text_format, image_format))
            WHEN shape LIKE 'choice of _ options'
                THEN arranged_options(
                    options, answer, turn % CAST(cardinality(options) AS BIGINT),
                    draw($seed, 'options', question_id, text_format, image_format))
        END AS options,
        CASE
            WHEN shape IN ('choice of object', 'choice of relation') THEN CAST(turn % 2 AS INT)
            WHEN shape IN ('choice of number', 'choice of value') THEN CAST(turn AS INT)
            WHEN shape LIKE 'choice of _ options' THEN CAST(turn % CAST(cardinality(options) AS BIGINT) AS INT)
        END AS answer_index
    FROM formatted
),
identified AS (
    SELECT
        *,
        id_hash(question_id, text_format, image_format) AS sample_id,
        template(task, shape, relation, answer, draw($seed, 'template', question_id, text_format, image_format)) AS template_id
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
    ordered,
    task,
    relation,
    answer_form,
    text_format,
    image_format,
    words['question'] AS question,
    words['answer'] AS answer,
    words['options'] AS options,
    answer_index,
    CASE
        WHEN answer_form = 'choice' THEN chr(65 + answer_index)
        WHEN answer_form = 'number' AND answer_unit <> 'count' THEN answer || ' ' || answer_unit
        ELSE answer
    END AS ground_truth,
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
        WHEN shape = 'choice of value' AND options IS NULL THEN 'no_distractors'
        ELSE 'no_' || first_missing(required, available)
    END AS format_reason,
    rate,
    drawn,
    $seed AS seed
FROM worded
