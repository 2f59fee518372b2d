-- writes: questions
-- reads:  scenes, scene_objects, motions, scene_references, scene_sightings, scene_frames
-- keep:   table
-- keys:   question_id

-- Rotation estimation: by how much does the chair seem to turn from image 1 to image 2, seen from above? In go objects that were turned between two
-- scans of a place, and objects that are seen from all sides, with the frames that show them well; out comes a question an object and two frames,
-- for a direction, an angle, or both.
--
-- rotation       how far the object was turned, less how far the camera went round it; counter-clockwise from above > 0, degrees. `relation` is its
--                sign, `answer_value` its size.
-- fold           the turn after which the object looks the same, degrees: 360 where it has a front, 180 for a plain table; null for a vase.
-- other_degrees  the angle of two of four options, half of the range of all angles away: of 60 degrees 135, and of 135 degrees 60.
--
-- Of the four options two are the opposites of the other two, and as many questions ask for one of two angles as for the other, so that
-- nothing but the images tells which option is right. An object that looks the same after a turn is asked about only where that turn makes no wrong
-- option of the right one.
WITH movements AS (
    SELECT scene_id, object_id, other_scene_id, other_object_id, yaw_and_tilt(moved) AS movement
    FROM motions
    WHERE $scene_tasks
),
things AS (
    SELECT
        r.scene_id, r.object_id, m.other_scene_id, m.other_object_id, r.source, r.licence, r.split, r.name, r.category, r.name_reason, r.exhaustive,
        r.obb, m.movement['yaw'] AS yaw, m.movement['tilt'] AS tilt, false AS seen_from_all_sides
    FROM movements AS m
    JOIN scene_references AS r ON r.scene_id = m.scene_id AND r.object_id = m.object_id
    UNION ALL
    SELECT
        r.scene_id, r.object_id, r.scene_id AS other_scene_id, r.object_id AS other_object_id, r.source, r.licence, r.split, r.name, r.category,
        r.name_reason, r.exhaustive, r.obb, 0.0 AS yaw, 0.0 AS tilt, true AS seen_from_all_sides
    FROM scenes AS c
    JOIN scene_references AS r ON r.scene_id = c.scene_id
    WHERE $scene_tasks AND c.kind = 'object'
),
-- A dozen frames of each object, which show half of it at least: 144 pairs between two scans, 66 of one.
views AS (
    SELECT *
    FROM (
        SELECT
            s.scene_id, s.object_id, s.frame_id, s.visible, f.world_from_camera,
            row_number() OVER (
                PARTITION BY s.scene_id, s.object_id ORDER BY draw($seed, 'rotation_estimation/view', s.frame_id, s.object_id), s.frame_id) AS place
        FROM (
            SELECT scene_id, object_id FROM things
            UNION
            SELECT other_scene_id AS scene_id, other_object_id AS object_id FROM things
        ) AS t
        JOIN scene_sightings AS s ON s.scene_id = t.scene_id AND s.object_id = t.object_id
        JOIN scene_frames AS f ON f.frame_id = s.frame_id
        WHERE s.good AND s.visible >= 0.5 AND s.inside >= 0.5
    )
    WHERE place <= 12
),
-- The sightings of objects in those frames that have the name of the frame's own object, itself among them: the only chair of both images is "the
-- chair", however many there are elsewhere.
alike AS (
    SELECT v.frame_id, v.object_id, count(*) AS instances
    FROM views AS v
    JOIN scene_references AS r ON r.scene_id = v.scene_id AND r.object_id = v.object_id
    JOIN scene_sightings AS s ON s.frame_id = v.frame_id
    JOIN scene_references AS n ON n.scene_id = s.scene_id AND n.object_id = s.object_id
    WHERE lower(n.name) = lower(r.name) OR ends_with(lower(n.name), ' ' || lower(r.name))
    GROUP BY v.frame_id, v.object_id
),
named AS (
    SELECT v.*, a.instances
    FROM alike AS a
    JOIN views AS v ON v.frame_id = a.frame_id AND v.object_id = a.object_id
),
pairs AS (
    SELECT
        t.scene_id, t.object_id, t.source, t.licence, t.split, t.name, t.category, t.yaw, t.tilt, t.seen_from_all_sides,
        coalesce(
            nullif(t.name_reason, 'not_single'), nullif(r.name_reason, 'not_single'),
            CASE
                WHEN v.instances > 1 OR w.instances > 1 THEN 'not_single'
                -- Another one that nobody marked may be in the image.
                WHEN NOT t.exhaustive OR NOT r.exhaustive THEN coalesce(t.name_reason, r.name_reason)
            END) AS name_reason,
        o.symmetry, v.frame_id AS frame, w.frame_id AS other_frame,
        least(v.visible, w.visible) AS visibility, orbit_position(v.world_from_camera, t.obb.centre) AS orbit,
        orbit_position(w.world_from_camera, r.obb.centre) AS other_orbit,
        draw($seed, 'rotation_estimation/order', v.frame_id, w.frame_id, t.object_id) < 0.5 AS swapped
    FROM things AS t
    JOIN scene_references AS r ON r.scene_id = t.other_scene_id AND r.object_id = t.other_object_id
    JOIN scene_objects AS o ON o.scene_id = t.scene_id AND o.object_id = t.object_id
    JOIN named AS v ON v.scene_id = t.scene_id AND v.object_id = t.object_id
    JOIN named AS w ON w.scene_id = t.other_scene_id AND w.object_id = t.other_object_id
    WHERE NOT t.seen_from_all_sides OR v.frame_id < w.frame_id
),
-- In a drawn order, so that as many turns are clockwise, whichever way round a turntable went.
measured AS (
    SELECT
        * EXCEPT (frame, other_frame), apparent['rotation'] AS rotation, 5.0 * round(abs(apparent['rotation']) / 5.0) AS degrees,
        CASE WHEN swapped THEN other_frame ELSE frame END AS one_frame, CASE WHEN swapped THEN frame ELSE other_frame END AS other_frame,
        CASE
            WHEN array_has($round_categories, lower(name)) THEN NULL
            -- Of what nobody says what it is, nobody says that it is not round.
            WHEN symmetry IS NULL AND lower(name) = 'object' THEN NULL
            WHEN symmetry IS NULL AND seen_from_all_sides THEN 360.0
            WHEN symmetry >= 1 THEN 360.0 / symmetry
        END AS fold,
        -- Half of the range of angles, in fives.
        5.0 * floor(($max_rotation - $min_rotation + 5.0) / 10.0) AS half_range
    FROM (
        SELECT
            *,
            CASE WHEN swapped THEN apparent_rotation(other_orbit, orbit, -yaw) ELSE apparent_rotation(orbit, other_orbit, yaw) END AS apparent
        FROM pairs
    )
),
opposed AS (
    SELECT
        *,
        CASE WHEN rotation > 0.0 THEN 'counter_clockwise' ELSE 'clockwise' END AS relation,
        degrees - $min_rotation >= half_range AS is_large,
        CASE WHEN degrees - $min_rotation >= half_range THEN degrees - half_range ELSE degrees + half_range END AS other_degrees
    FROM measured
),
judged AS (
    SELECT
        *,
        CASE
            WHEN name_reason IS NOT NULL THEN name_reason
            WHEN rotation IS NULL OR tilt >= 5.0 THEN 'tilted'
            WHEN greatest(abs(orbit['elevation']), abs(other_orbit['elevation'])) > 50.0 THEN 'seen_from_above'
            WHEN abs(apparent['elevation_change']) > $max_elevation_change THEN 'elevations_differ'
            WHEN abs(rotation) < $min_rotation THEN 'too_small_turn'
            WHEN abs(rotation) > $max_rotation THEN 'half_turn'
            WHEN apparent['disagreement'] IS NULL OR apparent['disagreement'] > 10.0 THEN 'definitions_disagree'
            -- Each of the other three options must look different, by 30 degrees.
            WHEN fold IS NULL
                OR least((2.0 * degrees) % fold, fold - (2.0 * degrees) % fold) < 30.0
                OR least((degrees + other_degrees) % fold, fold - (degrees + other_degrees) % fold) < 30.0
                OR least(half_range % fold, fold - half_range % fold) < 30.0 THEN 'symmetric'
        END AS reason
    FROM opposed
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY scene_id, reason IS NULL
            ORDER BY draw($seed, 'rotation_estimation', one_frame, other_frame, object_id), one_frame, other_frame, object_id) AS place
    FROM judged
),
limited AS (
    SELECT
        * EXCEPT (reason),
        CASE WHEN reason IS NULL AND place > $questions_per_scene_task THEN 'enough_of_scene' ELSE reason END AS reason,
        floor((degrees - $min_rotation) % half_range / 25.0) AS angle_group
    FROM ranked
),
counted AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY scene_id, reason IS NULL, fold, angle_group, is_large ORDER BY place) AS of_angle,
        sum(CAST(is_large AS BIGINT)) OVER (PARTITION BY scene_id, reason IS NULL, fold, angle_group) AS large,
        sum(CAST(NOT is_large AS BIGINT)) OVER (PARTITION BY scene_id, reason IS NULL, fold, angle_group) AS small
    FROM limited
),
shaped AS (
    SELECT
        *,
        CASE
            WHEN of_angle <= least(large, small) AND (fold < 360.0 OR of_angle % 3 > 0) THEN 'choice of 4 options'
            WHEN draw($seed, 'rotation_estimation/shape', one_frame, other_frame, object_id) < 0.5 THEN 'choice of relation'
            ELSE 'number'
        END AS shape,
        CASE WHEN relation = 'clockwise' THEN 'counter-clockwise' ELSE 'clockwise' END AS other_side,
        replace(relation, '_', '-') AS side
    FROM counted
)
SELECT
    id_hash('rotation_estimation', one_frame, other_frame, object_id, shape) AS question_id,
    [one_frame, other_frame] AS frame_ids,
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
        object_slot('object', name), image_slot('view_one', 0), image_slot('view_two', 1), value_slot('turn', degrees, 'deg', 0),
        list_slot('right_turn', [value_text(degrees, 'deg', 0) || ' ' || side]),
        list_slot('mirrored', [value_text(degrees, 'deg', 0) || ' ' || other_side]),
        list_slot('another', [value_text(other_degrees, 'deg', 0) || ' ' || side]),
        list_slot('another_mirrored', [value_text(other_degrees, 'deg', 0) || ' ' || other_side])
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
    coalesce(abs(rotation), 0.0) / 180.0 AS margin,
    visibility,
    1.0 AS lift_quality,
    false AS answerable_from_boxes,
    -- Whoever asks for the angle alone must be able to tell it from all others.
    CASE WHEN reason IS NULL AND fold < 360.0 AND shape <> 'choice of 4 options' THEN 'symmetric' ELSE reason END AS filtered
FROM shaped
