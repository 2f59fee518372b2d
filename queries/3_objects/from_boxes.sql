-- writes: objects
-- reads:  frames, detections
-- keep:   table
-- keys:   frame_id, object_id
-- check:  visibility BETWEEN 0 AND 1
--
-- Annotated 3D boxes as objects: oriented boxes in camera axes in, a row an object in view space out. Visibility is what the annotation
-- says; where it says nothing, it follows from the other boxes of the frame and the image's border, and is trusted less, because what
-- has no box may hide it, too. A camera without intrinsics has the field of view that photos have; one without gravity is taken to be
-- level.
WITH rendered AS (
    SELECT frame_id, v['object_id'] AS object_id, v['visibility'] AS rendered_visibility
    FROM (
        SELECT
            d.frame_id,
            unnest(box_visibility(
                named_struct(
                    'width', f.width, 'height', f.height, 'fx', coalesce(f.fx, f.assumed_focal), 'fy', coalesce(f.fy, f.assumed_focal),
                    'cx', coalesce(f.cx, (f.width - 1) / 2.0), 'cy', coalesce(f.cy, (f.height - 1) / 2.0)),
                d.boxes)) AS v
        FROM (
            SELECT *, greatest(width, height) / (2.0 * tan(radians($fov_degrees) / 2.0)) AS assumed_focal
            FROM frames
            WHERE lifted_from = 'box'
        ) AS f
        JOIN (
            SELECT frame_id, array_agg(named_struct('object_id', object_id, 'obb', obb)) AS boxes
            FROM detections
            WHERE obb IS NOT NULL
            GROUP BY frame_id
        ) AS d ON d.frame_id = f.frame_id
    )
)
SELECT
    frame_id, object_id, category, caption, box, mask, in_view['centre'] AS centre, in_view['extent'] AS extent,
    in_view['low'] AS low, in_view['low']['y'] AS nearest, in_view['obb'] AS obb,
    CAST((box['x1'] - box['x0']) * (box['y1'] - box['y0']) AS BIGINT) AS points,
    coalesce(visibility, rendered_visibility, 1.0) AS visibility,
    quality AS lift_quality, quality AS size_quality, 'box' AS lifted_from, gravity IS NOT NULL AS upright, exhaustive,
    CASE
        WHEN crowd THEN 'crowd'
        WHEN in_view IS NULL THEN 'no_box3d'
        WHEN in_view['low']['y'] <= 0 THEN 'behind_camera'
    END AS filtered
FROM (
    SELECT
        d.*, s.rendered_visibility, f.gravity, f.exhaustive, to_view_space(d.obb, f.gravity) AS in_view,
        CASE WHEN d.visibility IS NULL THEN $box3d_occlusion_trust ELSE 1.0 END
            * CASE WHEN f.gravity IS NULL THEN $box3d_level_trust ELSE 1.0 END AS quality
    FROM rendered AS s
    RIGHT JOIN (frames AS f JOIN detections AS d ON d.frame_id = f.frame_id)
        ON s.frame_id = d.frame_id AND s.object_id = d.object_id
    WHERE f.lifted_from = 'box'
)
