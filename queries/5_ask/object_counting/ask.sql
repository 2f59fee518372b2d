-- writes: questions
-- reads:  groups
-- keep:   table
-- keys:   question_id
-- check:  options IS NULL OR options[answer_index + 1] = answer
-- check:  answer_value >= 0

-- How many chairs are to the left of the table?
WITH sided AS (
    SELECT *, draw($seed, 'object_counting/side', frame_id, object, category, axis) < 0.5 AS one_side
    FROM groups
    WHERE countable(category)
        -- Six axes and n (n - 1) ordered pairs: at most as many groups of things around a reference.
        AND draw($seed, 'object_counting', frame_id, object, category, axis)
            < $counting_groups_per_frame / (6.0 * among * (among - 1))
),
asked AS (
    SELECT
        *,
        CASE WHEN one_side THEN one_relation ELSE other_relation END AS relation,
        CASE WHEN one_side THEN on_one_side ELSE things - on_one_side END AS n
    FROM sided
),
shaped AS (
    -- A choice is four numbers in a row. Where the right one stands among them, and where the row starts, are drawn apart, so
    -- that neither the letter nor the order gives it away. Below 3 there is less room: no option is negative.
    SELECT
        *,
        CAST(floor(draw($seed, 'object_counting/window', frame_id, object, category, relation) * (least(n, 3) + 1)) AS BIGINT) AS below,
        CAST(floor(draw($seed, 'object_counting/turn', frame_id, object, category, relation) * 4) AS BIGINT) AS turn,
        CASE
            WHEN draw($seed, 'object_counting/form', frame_id, object, category, relation) < $count_choice_share THEN 'choice'
            ELSE 'number'
        END AS answer_form
    FROM asked
    WHERE n > 0 OR draw($seed, 'object_counting/zero', frame_id, object, category, relation) < $count_zero_share
),
answered AS (
    SELECT
        *,
        CAST(n AS VARCHAR) AS answer,
        CASE
            WHEN answer_form = 'choice' THEN [
                CAST(n - below + (turn + 0) % 4 AS VARCHAR),
                CAST(n - below + (turn + 1) % 4 AS VARCHAR),
                CAST(n - below + (turn + 2) % 4 AS VARCHAR),
                CAST(n - below + (turn + 3) % 4 AS VARCHAR)
            ]
        END AS options
    FROM shaped
),
identified AS (
    SELECT *, id_hash('object_counting', frame_id, object, category, relation, answer_form, options) AS question_id
    FROM answered
)
SELECT
    question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    'object_counting' AS task,
    relation,
    answer_form,
    template('object_counting', answer_form, relation, answer, draw($seed, 'template', question_id)) AS template_id,
    named_struct('subject', CAST(NULL AS VARCHAR), 'object', object_name, 'category', category) AS slots,
    array_concat([object], candidates) AS object_ids,
    offers,
    marks,
    answer,
    options,
    CAST(array_position(options, answer) AS INT) - 1 AS answer_index,
    CAST(n AS DOUBLE) AS answer_value,
    'count' AS answer_unit,
    margin,
    visibility,
    lift_quality,
    filtered
FROM identified
