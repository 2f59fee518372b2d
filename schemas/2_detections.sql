-- A 2D object in a frame, as an annotator or a model marked it.
CREATE TABLE detections (
    frame_id   VARCHAR NOT NULL,
    object_id  VARCHAR NOT NULL COMMENT 'unique in its frame',
    category   VARCHAR NOT NULL COMMENT 'lower case, singular, words separated by spaces',
    caption    VARCHAR COMMENT 'a short noun phrase for this object alone',
    box        STRUCT<x0 DOUBLE, y0 DOUBLE, x1 DOUBLE, y1 DOUBLE> NOT NULL COMMENT 'pixels; [0, 0, 1, 1] covers exactly the first pixel',
    mask       STRUCT<height INT, width INT, counts VARCHAR> COMMENT 'COCO compressed run lengths',
    obb        STRUCT<centre STRUCT<x DOUBLE, y DOUBLE, z DOUBLE>, axes DOUBLE[], lengths STRUCT<x DOUBLE, y DOUBLE, z DOUBLE>> COMMENT 'annotated oriented box, camera axes, metres; axes are three consecutive unit vectors, lengths are full side lengths',
    visibility DOUBLE COMMENT '0-1: how much of it the image shows, where the source says so',
    crowd      BOOLEAN NOT NULL COMMENT 'true where the region stands for an uncounted group (COCO iscrowd)',
    score      DOUBLE COMMENT '0-1; null for human annotation',
    made_by    VARCHAR NOT NULL COMMENT 'annotation, or the model''s name and hash'
);
