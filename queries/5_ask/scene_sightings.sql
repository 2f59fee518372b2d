-- writes: scene_sightings
-- reads:  scene_frames, sightings
-- keep:   cached
-- keys:   frame_id, object_id

-- Good sightings: in which frames of a scene people see enough of an object to know it. In go the frames that questions may show and their
-- sightings; out comes a row a frame and object, also where the sighting is no good one.
--
-- good   whether it is one: min_sighting_share of the image's pixels and min_sighting_pixels at least, min_sighting_visible of what the image would
--        show of it if nothing hid it, and min_sighting_whole of all of it inside the image. Where boxes alone say what hides it, twice as many
--        pixels and twice the share.
-- clear  whether a question about several images may name the object for it: min_named_visible and min_named_inside, where a good sighting has less.
-- inside  what part of it the image's border does not cut off.
WITH scaled AS (
    SELECT *, CASE evidence WHEN 'boxes' THEN 2.0 ELSE 1.0 END AS scale
    FROM sightings
)
SELECT *, good AND visible >= $min_named_visible AND inside >= $min_named_inside AS clear
FROM (
    SELECT
        f.scene_id, f.frame_id, f.number, f.moment, s.object_id, s.visible_px, s.visible, s.box, s.evidence,
        CAST(s.in_image_px AS DOUBLE) / greatest(s.whole_px, 1) AS inside,
        s.visible_px >= s.scale * greatest($min_sighting_pixels, $min_sighting_share * f.pixels)
            AND s.visible >= s.scale * $min_sighting_visible
            AND s.in_image_px >= $min_sighting_whole * s.whole_px AS good
    FROM scene_frames AS f
    JOIN scaled AS s ON s.frame_id = f.frame_id
)
