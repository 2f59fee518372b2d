-- writes: questions
-- reads:  facts
-- keep:   table
-- keys:   question_id

-- Is there a chair to the left of the table?
--
-- The answer looks at every chair of the frame. Only tables with all chairs on one side are asked about: asked about this side
-- or the other by the hash, they are answered yes as often as no, and how many chairs there are gives nothing away. (With
-- chairs on both sides it is always yes.)
WITH asked AS (
    SELECT
        *,
        CASE
            WHEN draw($seed, 'existence_estimation/side', frame_id, object, subject_category, axis) < 0.5
                THEN least(relation, opposite(relation))
            ELSE greatest(relation, opposite(relation))
        END AS asked_relation
    FROM facts
    WHERE exhaustive
        AND subject_category <> object_category
        -- Six axes and n (n - 1) ordered pairs: at most as many groups of things around a reference.
        AND draw($seed, 'existence_estimation', frame_id, object, subject_category, axis)
            < $existence_groups_per_frame / (6.0 * among * (among - 1))
),
groups AS (
    SELECT
        frame_id,
        object,
        subject_category AS category,
        asked_relation AS relation,
        min(source) AS source,
        min(scene_id) AS scene_id,
        min(object_name) AS object_name,
        CASE WHEN min(relation) = min(asked_relation) THEN 'yes' ELSE 'no' END AS answer,
        array_agg(subject ORDER BY subject) AS candidates,
        min(margin) AS margin,
        min(visibility) AS visibility,
        min(lift_quality) AS lift_quality,
        coalesce(
            min(object_unfit),
            min(object_hidden),
            min(CASE WHEN subject_unfit = 'skipped_category' THEN subject_unfit END),
            -- A candidate that no fact speaks of, or of which a person could not be sure.
            CASE
                WHEN max(subject_peers) > count(*) OR count(subject_hidden) + count(doubt) > 0 THEN 'candidates_unclear'
            END
        ) AS filtered
    FROM asked
    GROUP BY frame_id, object, subject_category, axis, asked_relation
    HAVING min(relation) = max(relation)
),
identified AS (
    SELECT *, id_hash('existence_estimation', frame_id, object, category, relation) AS question_id
    FROM groups
)
SELECT
    question_id,
    [frame_id] AS frame_ids,
    scene_id,
    source,
    'existence_estimation' AS task,
    relation,
    'yes_no' AS answer_form,
    template('existence_estimation', 'yes_no', relation, answer, draw($seed, 'template', question_id)) AS template_id,
    named_struct('subject', CAST(NULL AS VARCHAR), 'object', object_name, 'category', category) AS slots,
    array_concat([object], candidates) AS object_ids,
    answer,
    CAST(NULL AS VARCHAR[]) AS options,
    CAST(NULL AS INT) AS answer_index,
    CAST(NULL AS DOUBLE) AS answer_value,
    CAST(NULL AS VARCHAR) AS answer_unit,
    margin,
    visibility,
    lift_quality,
    filtered
FROM identified
