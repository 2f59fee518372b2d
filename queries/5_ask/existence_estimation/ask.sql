-- writes: questions
-- reads:  category_groups
-- keep:   table
-- keys:   question_id

-- Is there a chair to the left of the table?
--
-- The answer looks at every chair of the frame. Only tables with all chairs on one side are asked about: asked about this side
-- in one sample and about the other in the next, they are answered yes as often as no, and how many chairs there are gives nothing
-- away. (With chairs on both sides it is always yes.)
WITH sided AS (
    SELECT *, CASE WHEN on_one_side = things THEN one_relation ELSE other_relation END AS relation
    FROM category_groups
    WHERE on_one_side IN (0, things)
        -- Six axes and n (n - 1) ordered pairs: at most as many groups of things around a reference.
        AND draw($seed, 'existence_estimation', frame_id, object, category, axis)
            < $existence_groups_per_frame / (6.0 * among * (among - 1))
)
SELECT
    id_hash('existence_estimation', frame_id, object, category, relation) AS question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    'existence_estimation' AS task,
    relation,
    'yes_no' AS answer_form,
    'yes_no' AS shape,
    named_struct('subject', CAST(NULL AS VARCHAR), 'object', object_name, 'category', category) AS slots,
    array_concat([object], candidates) AS object_ids,
    [category, object_category] AS kinds,
    offers,
    marks,
    relation AS answer,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    margin,
    visibility,
    lift_quality,
    boxes_tell,
    filtered
FROM sided
