-- A sighting: an object of a scene in one of its frames, of which at least one pixel shows.
CREATE TABLE sightings (
    scene_id    VARCHAR NOT NULL,
    frame_id    VARCHAR NOT NULL,
    object_id   VARCHAR NOT NULL,
    visible_px  BIGINT NOT NULL COMMENT 'pixels whose nearest surface is the object',
    in_image_px BIGINT NOT NULL COMMENT 'pixels inside the image that it would have if nothing hid it',
    whole_px    BIGINT NOT NULL COMMENT 'pixels that it would have if nothing hid it and the image had no border',
    visible     DOUBLE NOT NULL COMMENT 'visible_px / in_image_px',
    box         STRUCT<x0 DOUBLE, y0 DOUBLE, x1 DOUBLE, y1 DOUBLE> COMMENT 'around the visible pixels',
    nearest     DOUBLE COMMENT 'least depth of the visible pixels, metres',
    evidence    VARCHAR NOT NULL COMMENT 'what says who hides whom: mesh (the triangles of the scene), depth (the depth image of the frame), boxes (those of the other objects)'
);
