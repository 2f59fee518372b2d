-- writes: questions
-- reads:  category_groups
-- keep:   table
-- keys:   question_id

-- Counting questions: how many chairs are to the left of the table? In go category groups; out comes a question a group and answer form,
-- about one side of the reference. Where four numbers are offered, which ones is decided for each sample: that depends on how often each
-- number is the answer in all of the dataset.
--
-- Of four numbers that are offered the largest is at least 3, and is to be right a quarter of the times. Rooms have three of a kind beside
-- something so seldom that none of them is passed over: where one side has three, that side is asked about, in both forms.
WITH sided AS (
    SELECT
        *,
        CASE
            WHEN first_count >= 3 AND total - first_count < 3 THEN true
            WHEN first_count < 3 AND total - first_count >= 3 THEN false
            ELSE draw($seed, 'object_counting/side', frame_id, object, category, axis) < 0.5
        END AS asks_first_side
    FROM category_groups
    WHERE countable(category)
        AND draw($seed, 'object_counting', frame_id, object, category, axis)
            < pair_sampling_rate($counting_groups_per_frame, askable_objects, 6, 'ordered')
),
counted AS (
    SELECT
        *,
        CASE WHEN asks_first_side THEN first_relation ELSE other_relation END AS relation,
        CASE WHEN asks_first_side THEN first_count ELSE total - first_count END AS n
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
    licence,
    split,
    'object_counting' AS task,
    relation,
    CASE WHEN shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    shape,
    [category_slot('category', category), object_slot('object', object_name)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    array_concat([object], candidates) AS object_ids,
    [category, object_category] AS categories,
    available,
    marks,
    CAST(n AS VARCHAR) AS answer,
    CAST(n AS DOUBLE) AS answer_value,
    'count' AS answer_unit,
    margin,
    visibility,
    lift_quality,
    answerable_from_boxes,
    filtered
FROM shaped
