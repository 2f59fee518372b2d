-- What an object looks like on its image.
CREATE TABLE appearances (
    frame_id  VARCHAR NOT NULL,
    object_id VARCHAR NOT NULL COMMENT 'unique in its frame',
    colour    STRUCT<r INT, g INT, b INT> COMMENT 'mean of its mask, or of its box where it has none: sRGB, 0 to 255; null where none of it is on the image'
);
