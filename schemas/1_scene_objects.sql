-- A 3D object in its scene's world.
CREATE TABLE scene_objects (
    scene_id   VARCHAR NOT NULL,
    object_id  VARCHAR NOT NULL COMMENT 'unique in its scene',
    category   VARCHAR NOT NULL COMMENT 'lower case, singular, words separated by spaces',
    caption    VARCHAR COMMENT 'a short noun phrase for this object alone',
    obb        STRUCT<centre STRUCT<x DOUBLE, y DOUBLE, z DOUBLE>, axes DOUBLE[], lengths STRUCT<x DOUBLE, y DOUBLE, z DOUBLE>> NOT NULL COMMENT 'oriented box, world, metres; axes are three consecutive unit vectors, lengths are full side lengths',
    min        STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> NOT NULL COMMENT 'lowest corner along the world axes, metres',
    max        STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> NOT NULL COMMENT 'highest corner along the world axes, metres',
    first_seen DOUBLE COMMENT 'timestamp of the first frame that shows it, seconds',
    upright    BOOLEAN COMMENT 'true where one of the box''s axes is vertical to half a degree, so that its sides are width, depth and height',
    box_from   VARCHAR COMMENT 'who made the box: annotation (the source has it), fitted (the upright box of least floor area around its points), silhouettes (what those of all images leave of space), cameras (a cube where they look)',
    front      STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> COMMENT 'level unit vector that its front faces, world; null where it has none or nobody says',
    symmetry   INT COMMENT 'in how many turns about the vertical it looks the same: 1 (in one alone), 2, 4, ..., 0 (in any: it is round); null where nobody says',
    points     BIGINT COMMENT 'points of the scan that the box was made from; null where it was not made from any',
    region     VARCHAR COMMENT 'the room or region of the scene that it is in; null where there is one alone'
);

-- The triangles of a scene, object by object, so that a frame can be rendered to see what hides what.
CREATE TABLE surfaces (
    scene_id  VARCHAR NOT NULL,
    object_id VARCHAR COMMENT 'null for what belongs to no annotated object',
    vertices  FLOAT[] NOT NULL COMMENT 'x, y, z of each vertex in turn; world, metres',
    triangles INT[] NOT NULL COMMENT 'three indices into this row''s vertices for each triangle'
);
