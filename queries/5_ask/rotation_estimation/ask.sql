-- writes: questions
-- reads:  scenes, scene_objects, motions, scene_references, scene_sightings, scene_frames
-- keep:   table
-- keys:   question_id

-- Rotation estimation: by how much does the chair seem to turn from the first image to the second, seen from above? In go objects that were turned
-- between two scans of a place, and objects that are seen from all sides, with the frames that show them well; out comes a question an object and two
-- frames, for a direction, an angle, or both.
--
-- rotation  how far the object was turned, less how far the camera went round it; counter-clockwise from above > 0, degrees.
--
-- Of the four options two are the opposites of the other two, so that nothing but the images tells which one is right. A round or symmetric object
-- looks the same after other turns, and is not asked about; nor is one whose symmetry is unknown.
WITH turned AS (
    SELECT
        a.scene_id, b.scene_id AS other_scene_id, a.object_id, b.object_id AS other_object_id, a.source, a.licence, a.split, a.name, a.category,
        a.obb, b.obb AS other_obb, coalesce(a.name_reason, b.name_reason) AS name_reason, yaw_and_tilt(m.moved)['yaw'] AS yaw,
        yaw_and_tilt(m.moved)['tilt'] AS tilt
    FROM motions AS m
    JOIN scene_references AS a ON a.scene_id = m.scene_id AND a.object_id = m.object_id
    JOIN scene_references AS b ON b.scene_id = m.other_scene_id AND b.object_id = m.other_object_id
    WHERE $scene_tasks
    UNION ALL
    SELECT
        r.scene_id, r.scene_id AS other_scene_id, r.object_id, r.object_id AS other_object_id, r.source, r.licence, r.split, r.name, r.category,
        r.obb, r.obb AS other_obb, r.name_reason, 0.0 AS yaw, 0.0 AS tilt
    FROM scenes AS c
    JOIN scene_references AS r ON r.scene_id = c.scene_id
    WHERE $scene_tasks AND c.kind = 'object'
),
-- Eight frames of each object: 64 pairs.
viewed AS (
    SELECT *
    FROM (
        SELECT
            s.scene_id, s.object_id, s.frame_id, s.visible, f.world_from_camera,
            row_number() OVER (
                PARTITION BY s.scene_id, s.object_id ORDER BY draw($seed, 'rotation_estimation/view', s.frame_id, s.object_id), s.frame_id) AS drawn
        FROM scene_frames AS f
        JOIN scene_sightings AS s ON s.frame_id = f.frame_id
        WHERE s.good
    )
    WHERE drawn <= 8
),
pairs AS (
    SELECT
        t.*, o.symmetry, v.frame_id, w.frame_id AS other_frame_id, least(v.visible, w.visible) AS visibility,
        orbit_position(v.world_from_camera, t.obb.centre) AS orbit, orbit_position(w.world_from_camera, t.other_obb.centre) AS other_orbit
    FROM turned AS t
    JOIN scene_objects AS o ON o.scene_id = t.scene_id AND o.object_id = t.object_id
    JOIN viewed AS v ON v.scene_id = t.scene_id AND v.object_id = t.object_id
    JOIN viewed AS w ON w.scene_id = t.other_scene_id AND w.object_id = t.other_object_id
    WHERE t.scene_id <> t.other_scene_id OR v.frame_id < w.frame_id
),
measured AS (
    SELECT *, apparent['rotation'] AS rotation, greatest(5.0 * round(abs(apparent['rotation']) / 5.0), 5.0) AS degrees
    FROM (SELECT *, apparent_rotation(orbit, other_orbit, yaw) AS apparent FROM pairs)
),
judged AS (
    SELECT
        *,
        CASE WHEN rotation > 0.0 THEN 'counter_clockwise' ELSE 'clockwise' END AS relation,
        CASE WHEN rotation > 0.0 THEN 'clockwise' ELSE 'counter_clockwise' END AS other_relation,
        CASE
            WHEN name_reason IS NOT NULL THEN name_reason
            WHEN symmetry IS NULL OR symmetry <> 1 THEN 'symmetric'
            WHEN rotation IS NULL OR tilt >= 5.0 THEN 'tilted'
            WHEN greatest(abs(orbit['elevation']), abs(other_orbit['elevation'])) > 50.0 THEN 'seen_from_above'
            WHEN abs(apparent['elevation_change']) > $max_elevation_change THEN 'elevations_differ'
            WHEN abs(rotation) < $min_rotation THEN 'too_small_turn'
            WHEN abs(rotation) > $max_rotation THEN 'half_turn'
            WHEN apparent['disagreement'] IS NULL OR apparent['disagreement'] > 10.0 THEN 'definitions_disagree'
        END AS reason
    FROM measured
),
-- The other angle is 30 degrees away at least, from both directions of the right one: between min_rotation and max_rotation, in fives.
drawn AS (
    SELECT
        *, greatest(floor((degrees - 30.0 - $min_rotation) / 5.0) + 1.0, 0.0) AS smaller,
        greatest(floor((least($max_rotation, 330.0 - degrees) - degrees - 30.0) / 5.0) + 1.0, 0.0) AS larger,
        draw($seed, 'rotation_estimation/angle', frame_id, other_frame_id, object_id) AS angle_draw,
        draw($seed, 'rotation_estimation/shape', frame_id, other_frame_id, object_id) AS shape_draw,
        row_number() OVER (
            PARTITION BY scene_id, reason IS NULL
            ORDER BY draw($seed, 'rotation_estimation', frame_id, other_frame_id, object_id), frame_id, other_frame_id, object_id) AS turn
    FROM judged
),
shaped AS (
    SELECT
        *,
        CASE WHEN shape_draw < 0.4 THEN 'choice of 4 options' WHEN shape_draw < 0.7 THEN 'choice of relation' ELSE 'number' END AS shape,
        CASE
            WHEN floor(angle_draw * (smaller + larger)) < smaller THEN $min_rotation + 5.0 * floor(angle_draw * (smaller + larger))
            ELSE degrees + 30.0 + 5.0 * (floor(angle_draw * (smaller + larger)) - smaller)
        END AS other_degrees
    FROM drawn
)
SELECT
    id_hash('rotation_estimation', frame_id, other_frame_id, object_id, shape) AS question_id,
    [frame_id, other_frame_id] AS frame_ids,
    'pair' AS frames_from,
    true AS ordered,
    scene_id,
    source,
    licence,
    split,
    'rotation_estimation' AS task,
    relation,
    CASE WHEN shape = 'number' THEN 'number' ELSE 'choice' END AS answer_form,
    shape,
    [
        object_slot('object', name), value_slot('turn', degrees, 'deg', 0), image_slot('before', 0), image_slot('after', 1),
        list_slot('right_turn', [value_text(degrees, 'deg', 0) || ' ' || replace(relation, '_', '-')]),
        list_slot('mirrored', [value_text(degrees, 'deg', 0) || ' ' || replace(other_relation, '_', '-')]),
        list_slot('another', [value_text(other_degrees, 'deg', 0) || ' ' || replace(relation, '_', '-')]),
        list_slot('another_mirrored', [value_text(other_degrees, 'deg', 0) || ' ' || replace(other_relation, '_', '-')])
    ] AS slots,
    CASE WHEN shape = 'choice of 4 options' THEN ['right_turn', 'mirrored', 'another', 'another_mirrored'] END AS options,
    [object_id] AS object_ids,
    [category, ''] AS categories,
    named_struct('name', true, 'box', false, 'mask', false, 'number', false, 'outline', false) AS available,
    unmarked([object_id]) AS marks,
    CASE
        WHEN shape = 'choice of 4 options' THEN 'right_turn'
        WHEN shape = 'choice of relation' THEN relation
        ELSE CAST(CAST(degrees AS BIGINT) AS VARCHAR)
    END AS answer,
    CASE WHEN shape <> 'choice of relation' THEN abs(rotation) END AS answer_value,
    CASE WHEN shape <> 'choice of relation' THEN 'deg' END AS answer_unit,
    abs(rotation) / 180.0 AS margin,
    visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    CASE WHEN reason IS NULL AND turn > $questions_per_scene_task THEN 'enough_of_scene' ELSE reason END AS filtered
FROM shaped
