-- writes: questions
-- reads:  scene_references, scene_images, scene_frames, scene_sightings
-- keep:   table
-- keys:   question_id

-- Counting over views: how many chairs are in the room that these images show? In go a scene's references and sightings; out comes a question a
-- category and answer form, where the scene has all objects of the category and the question's images show each of them well.
--
-- The images are those of every question about the scene, or, where they miss one of the objects, the fewest that show all.
WITH category_counts AS (
    SELECT
        scene_id, lower(name) AS category_name, min(source) AS source, min(licence) AS licence, min(split) AS split, min(category) AS category,
        min(name) AS name, bool_and(exhaustive) AS exhaustive, count(*) AS n, array_agg(object_id ORDER BY object_id) AS object_ids,
        min(visible) AS visibility, min(longest) AS smallest, bool_or(kin) AS kin, bool_and(view_reason IS NULL) AS all_seen
    FROM scene_references
    WHERE name IS NOT NULL AND countable(name) AND name_reason IS DISTINCT FROM 'skipped_category'
    GROUP BY scene_id, lower(name)
),
-- Two boxes of a category in one place: an object that was annotated twice, or in two parts.
coinciding AS (
    SELECT DISTINCT a.scene_id, lower(a.name) AS category_name
    FROM scene_references AS a
    JOIN scene_references AS b ON b.scene_id = a.scene_id AND lower(b.name) = lower(a.name) AND a.object_id < b.object_id
    WHERE box_distance(a.obb, b.obb) = 0.0 AND footprint_overlap(a.obb, b.obb) > 0.5
        AND abs(a.obb.centre.z - b.obb.centre.z) < 0.5 * least(a.obb.lengths.z, b.obb.lengths.z)
),
well_seen AS (
    SELECT
        s.scene_id, lower(r.name) AS category_name, count(DISTINCT r.object_id) AS shown,
        array_agg(named_struct('frame_id', s.frame_id, 'object_id', r.object_id)) AS sightings
    FROM scene_references AS r
    JOIN scene_sightings AS s ON s.scene_id = r.scene_id AND s.object_id = r.object_id
    WHERE s.clear
    GROUP BY s.scene_id, lower(r.name)
),
-- Of the object that is seen worst where it is seen best.
seen_worst AS (
    SELECT scene_id, category_name, min(visible) AS visibility
    FROM (
        SELECT s.scene_id, lower(r.name) AS category_name, max(s.visible) AS visible
        FROM scene_references AS r
        JOIN scene_sightings AS s ON s.scene_id = r.scene_id AND s.object_id = r.object_id
        WHERE s.clear
        GROUP BY s.scene_id, lower(r.name), r.object_id
    )
    GROUP BY scene_id, category_name
),
frame_lists AS (
    SELECT scene_id, array_agg(frame_id ORDER BY number) AS frame_ids
    FROM scene_frames
    GROUP BY scene_id
),
covering AS (
    SELECT
        c.scene_id, c.category_name, w.shown, b.visibility, covering_frames(f.frame_ids, w.sightings, $covering_frames) AS frame_ids
    FROM frame_lists AS f
    JOIN (
        category_counts AS c
        JOIN well_seen AS w ON w.scene_id = c.scene_id AND w.category_name = c.category_name
        JOIN seen_worst AS b ON b.scene_id = c.scene_id AND b.category_name = c.category_name
    ) ON f.scene_id = c.scene_id
    WHERE NOT c.all_seen AND c.n <= $max_count
),
judged AS (
    SELECT
        c.* EXCEPT (visibility), CASE WHEN c.all_seen THEN c.visibility ELSE v.visibility END AS visibility,
        CASE WHEN c.all_seen THEN 'uniform' ELSE 'covering' END AS frames_from, v.frame_ids AS covering_ids,
        CASE
            WHEN NOT c.exhaustive THEN 'not_exhaustive'
            WHEN c.kin THEN 'category_unclear'
            WHEN c.n > $max_count THEN 'too_many'
            WHEN c.smallest < $min_object_size THEN 'too_small'
            WHEN k.category_name IS NOT NULL THEN 'counted_twice'
            WHEN NOT c.all_seen AND (coalesce(v.shown, 0) < c.n OR cardinality(v.frame_ids) > $views_per_question) THEN 'not_all_seen'
        END AS reason
    FROM covering AS v
    RIGHT JOIN category_counts AS c ON c.scene_id = v.scene_id AND c.category_name = v.category_name
    LEFT JOIN coinciding AS k ON k.scene_id = c.scene_id AND k.category_name = c.category_name
    WHERE c.n > 1 OR draw($seed, 'scene_counting/one', c.scene_id, c.category_name) < $count_one_share
),
shaped AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY scene_id, reason IS NULL ORDER BY draw($seed, 'scene_counting', scene_id, category_name), category_name) AS turn,
        CASE WHEN draw($seed, 'scene_counting/shape', scene_id, category_name) < $count_choice_share THEN 'choice of number' ELSE 'number' END AS shape
    FROM judged
)
SELECT
    id_hash('scene_counting', p.scene_id, p.category_name, p.shape) AS question_id,
    coalesce(p.covering_ids, i.frame_ids) AS frame_ids,
    p.frames_from,
    false AS ordered,
    p.scene_id,
    p.source,
    p.licence,
    p.split,
    'scene_counting' AS task,
    'many_views' AS relation,
    CASE WHEN p.shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    p.shape,
    [category_slot('category', p.name)] AS slots,
    CAST(NULL AS VARCHAR[]) AS options,
    p.object_ids,
    [p.category, ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked(p.object_ids) AS marks,
    CAST(p.n AS VARCHAR) AS answer,
    CAST(p.n AS DOUBLE) AS answer_value,
    'count' AS answer_unit,
    1.0 AS margin,
    p.visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN p.reason IS NULL AND p.turn > $questions_per_scene_task THEN 'enough_of_scene' ELSE p.reason END AS filtered
FROM scene_images AS i
JOIN shaped AS p ON p.scene_id = i.scene_id
