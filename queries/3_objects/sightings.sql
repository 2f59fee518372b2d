-- writes: sightings
-- reads:  objects, frames
-- keep:   view
-- keys:   frame_id, object_id

-- Sightings: which frame of a scene shows which of its objects, and how well. In go objects in view space, each with the pixels that show it;
-- out comes a row an object and frame.
--
-- visible_px   pixels that show the object.
-- in_image_px  pixels that it would have in the image if nothing hid it.
-- visible      visible_px / in_image_px.
-- evidence     how it is known what hides it: mesh, depth or boxes.
-- good         whether people see enough of it to know it: min_sighting_share of the image's pixels and min_sighting_pixels at least, and
--              min_sighting_visible of what it would show if nothing hid it; twice as much where boxes alone say what hides it.
SELECT
    *,
    visible_px >= scale * greatest($min_sighting_pixels, $min_sighting_share * pixels) AND visible >= scale * $min_sighting_visible AS good
FROM (
    SELECT *, CASE evidence WHEN 'boxes' THEN 2.0 ELSE 1.0 END AS scale
    FROM (
        SELECT
            f.scene_id, o.frame_id, o.object_id, o.points AS visible_px,
            CAST(round(o.points / o.visibility) AS BIGINT) AS in_image_px, o.visibility AS visible, o.box, o.nearest,
            ['mesh', 'depth', 'boxes'][CASE WHEN o.lift_quality = 1.0 THEN 1 WHEN o.lift_quality = $depth_occlusion_trust THEN 2 ELSE 3 END]
                AS evidence,
            CAST(f.width AS BIGINT) * f.height AS pixels
        FROM frames AS f
        JOIN objects AS o ON o.frame_id = f.frame_id
        WHERE f.scene_id IS NOT NULL AND o.lifted_from = 'scan' AND o.points > 0 AND o.visibility > 0.0
    )
)
