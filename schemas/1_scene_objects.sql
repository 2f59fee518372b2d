-- A 3D object in its scene's world.
CREATE TABLE scene_objects (
    scene_id   VARCHAR NOT NULL,
    object_id  VARCHAR NOT NULL COMMENT 'unique in its scene',
    category   VARCHAR NOT NULL COMMENT 'lower case, singular, words separated by spaces',
    caption    VARCHAR COMMENT 'a short noun phrase for this object alone',
    obb        STRUCT<centre STRUCT<x DOUBLE, y DOUBLE, z DOUBLE>, axes DOUBLE[], lengths STRUCT<x DOUBLE, y DOUBLE, z DOUBLE>> NOT NULL COMMENT 'oriented box, world, metres; axes are three consecutive unit vectors, lengths are full side lengths',
    min        STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> NOT NULL COMMENT 'lowest corner along the world axes, metres',
    max        STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> NOT NULL COMMENT 'highest corner along the world axes, metres',
    first_seen DOUBLE COMMENT 'timestamp of the first frame that shows it, seconds'
);

-- The triangles of a scene, object by object, so that a frame can be rendered to see what hides what.
CREATE TABLE surfaces (
    scene_id  VARCHAR NOT NULL,
    object_id VARCHAR COMMENT 'null for what belongs to no annotated object',
    vertices  FLOAT[] NOT NULL COMMENT 'x, y, z of each vertex in turn; world, metres',
    triangles INT[] NOT NULL COMMENT 'three indices into this row''s vertices for each triangle'
);
