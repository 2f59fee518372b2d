-- A 3D object in one frame's view space: metres, origin at the optical centre, x right, y forward along the horizontal, z up.
CREATE TABLE objects (
    frame_id     VARCHAR NOT NULL,
    object_id    VARCHAR NOT NULL COMMENT 'unique in its frame',
    category     VARCHAR NOT NULL,
    caption      VARCHAR,
    box          STRUCT<x0 DOUBLE, y0 DOUBLE, x1 DOUBLE, y1 DOUBLE> NOT NULL COMMENT 'pixels, of what is visible; as annotated (box)',
    mask         STRUCT<height INT, width INT, counts VARCHAR> COMMENT 'COCO compressed run lengths, of what is visible',
    centre       STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> NOT NULL COMMENT 'mean of the cloud (depth) or centre of the oriented box (scan, box)',
    extent       STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> NOT NULL COMMENT 'full lengths along the view axes',
    low          STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> NOT NULL COMMENT 'lowest coordinates along the view axes',
    nearest      DOUBLE NOT NULL COMMENT 'smallest y: how far ahead its nearest surface is',
    obb          STRUCT<centre STRUCT<x DOUBLE, y DOUBLE, z DOUBLE>, axes DOUBLE[], lengths STRUCT<x DOUBLE, y DOUBLE, z DOUBLE>> NOT NULL COMMENT 'oriented box, upright, view space',
    points       BIGINT NOT NULL COMMENT 'points (depth) or visible pixels (scan) that it was made from, or pixels of its 2D box (box)',
    visibility   DOUBLE NOT NULL COMMENT '0-1: how much of it the image shows',
    lift_quality DOUBLE NOT NULL COMMENT '0-1: how far its place can be trusted',
    size_quality DOUBLE NOT NULL COMMENT '0-1: how far its size can be trusted; 0 where it has none: far away, deeper than three widths, or known by a 2D box alone',
    lifted_from  VARCHAR NOT NULL COMMENT 'depth, scan, box or model',
    upright      BOOLEAN NOT NULL COMMENT 'true where which way is up is known, from a pose or gravity; else the camera is taken to be level',
    exhaustive   BOOLEAN NOT NULL COMMENT 'as of its frame'
);
