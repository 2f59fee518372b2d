-- writes: questions
-- reads:  category_groups
-- keep:   table
-- keys:   question_id

-- How many chairs are to the left of the table? Where four numbers are offered, which ones is for each sample to say: that depends on
-- how often each number is the answer in all of the dataset.
--
-- Of four numbers that are offered the largest is at least 3, and is to be right a quarter of the times. Rooms have three of a kind beside
-- something so seldom that none of them is passed over: where one side has three, that side is asked about, in both forms.
WITH sided AS (
    SELECT
        *,
        CASE
            WHEN (on_one_side >= 3) <> (things - on_one_side >= 3) THEN on_one_side >= 3
            ELSE draw($seed, 'object_counting/side', frame_id, object, category, axis) < 0.5
        END AS one_side
    FROM category_groups
    WHERE countable(category)
        -- Six axes and n (n - 1) ordered pairs: at most as many groups of things around a reference.
        AND draw($seed, 'object_counting', frame_id, object, category, axis)
            < $counting_groups_per_frame / (6.0 * among * (among - 1))
),
counted AS (
    SELECT
        *,
        CASE WHEN one_side THEN one_relation ELSE other_relation END AS relation,
        CASE WHEN one_side THEN on_one_side ELSE things - on_one_side END AS n
    FROM sided
),
shaped AS (
    SELECT
        *,
        unnest(CASE
            WHEN n >= 3 AND $count_choice_share > 0.0 AND $count_choice_share < 1.0 THEN ['choice of number', 'number']
            WHEN draw($seed, 'object_counting/form', frame_id, object, category, relation) < $count_choice_share THEN ['choice of number']
            ELSE ['number']
        END) AS shape
    FROM counted
    WHERE n > 0 OR draw($seed, 'object_counting/zero', frame_id, object, category, relation) < $count_zero_share
)
SELECT
    id_hash('object_counting', frame_id, object, category, relation, shape) AS question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    'object_counting' AS task,
    relation,
    CASE WHEN shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    shape,
    named_struct('subject', CAST(NULL AS VARCHAR), 'object', object_name, 'category', category) AS slots,
    array_concat([object], candidates) AS object_ids,
    [category, object_category] AS kinds,
    offers,
    marks,
    CAST(n AS VARCHAR) AS answer,
    CAST(n AS DOUBLE) AS answer_value,
    'count' AS answer_unit,
    margin,
    visibility,
    lift_quality,
    boxes_tell,
    filtered
FROM shaped
