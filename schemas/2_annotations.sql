-- A 2D object that a model found in a frame which nobody annotated.
CREATE TABLE detected (
    frame_id   VARCHAR NOT NULL,
    object_id  VARCHAR NOT NULL COMMENT 'unique in its frame: m0 is what the model is surest of',
    category   VARCHAR NOT NULL COMMENT 'lower case, singular, words separated by spaces',
    caption    VARCHAR COMMENT 'a short noun phrase for this object alone',
    box        STRUCT<x0 DOUBLE, y0 DOUBLE, x1 DOUBLE, y1 DOUBLE> NOT NULL COMMENT 'pixels; [0, 0, 1, 1] covers exactly the first pixel',
    score      DOUBLE COMMENT '0-1; null where the model gives none',
    made_by    VARCHAR NOT NULL COMMENT 'the model''s name and the beginning of its hash'
);

-- The mask of a detection that had none.
CREATE TABLE segmented (
    frame_id   VARCHAR NOT NULL,
    object_id  VARCHAR NOT NULL COMMENT 'of detections or detected',
    mask       STRUCT<height INT, width INT, counts VARCHAR> NOT NULL COMMENT 'COCO compressed run lengths',
    score      DOUBLE NOT NULL COMMENT '0-1: how good the model thinks the mask is',
    made_by    VARCHAR NOT NULL COMMENT 'the model''s name and the beginning of its hash'
);

-- What a model calls a detection that had no caption.
CREATE TABLE captioned (
    frame_id   VARCHAR NOT NULL,
    object_id  VARCHAR NOT NULL COMMENT 'of detections or detected',
    caption    VARCHAR NOT NULL COMMENT 'a short noun phrase for this object alone',
    made_by    VARCHAR NOT NULL COMMENT 'the model''s name'
);

-- The camera of a frame that is lifted with a model's depth.
CREATE TABLE cameras (
    frame_id        VARCHAR NOT NULL,
    fx              DOUBLE NOT NULL COMMENT 'focal length, pixels',
    fy              DOUBLE NOT NULL COMMENT 'focal length, pixels',
    cx              DOUBLE NOT NULL COMMENT 'principal point, pixels; the centre of the top-left pixel is (0, 0)',
    cy              DOUBLE NOT NULL COMMENT 'principal point, pixels; the centre of the top-left pixel is (0, 0)',
    gravity         STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> COMMENT 'unit vector that points down, in camera axes; null where nobody knows',
    trust           DOUBLE NOT NULL COMMENT '0-1: how far the intrinsics and gravity can be trusted',
    intrinsics_from VARCHAR NOT NULL COMMENT 'annotation, exif, fov (a stated field of view), or the model''s name and the beginning of its hash',
    gravity_from    VARCHAR COMMENT 'annotation, or the model''s name and the beginning of its hash'
);

-- The depth image of a frame that has none of its own.
CREATE TABLE depths (
    frame_id    VARCHAR NOT NULL,
    depth_uri   VARCHAR NOT NULL COMMENT 'URL of the depth image, 16-bit PNG of what the frame shows; 0 is no reading',
    depth_scale DOUBLE NOT NULL COMMENT 'stored units in a metre',
    near        DOUBLE NOT NULL COMMENT 'the smallest reading, metres',
    far         DOUBLE NOT NULL COMMENT 'the largest reading, metres',
    trust       DOUBLE NOT NULL COMMENT '0-1: how far the model can be trusted, as models.toml says',
    made_by     VARCHAR NOT NULL COMMENT 'the model''s name and the beginning of its hash'
);
