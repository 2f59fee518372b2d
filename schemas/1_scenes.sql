-- A scene: what several frames show together. Every scene_id of another table is here.
CREATE TABLE scenes (
    scene_id        VARCHAR NOT NULL COMMENT 'unique in the warehouse: <source>/<the source''s own name>',
    source          VARCHAR NOT NULL COMMENT 'the name of the [[source]] that it came from',
    split           VARCHAR COMMENT 'train, val or test, as of its frames',
    licence         VARCHAR COMMENT 'name or URL of the licence, as of its frames',
    kind            VARCHAR NOT NULL COMMENT 'scan (a place whose frames are posed in one world), house (of several regions), region (a room or part of a house, see within), object (one object, seen from all sides), sequence (frames that belong together and have no world), image (one frame, whose camera turned upright is the world)',
    category        VARCHAR COMMENT 'what kind of place it is, such as kitchen; null where nobody says',
    place_id        VARCHAR NOT NULL COMMENT 'the same for all scans of one place, such as scene0000 for scene0000_00 and scene0000_01, in whatever source: scenes of one place belong into one split. It begins with the source, except where the dataset''s own name is known everywhere (ScanNet)',
    within          VARCHAR COMMENT 'scene_id of the house that a region is a part of',
    min             STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> COMMENT 'lowest corner of all surfaces along the world axes, metres; null where there are none',
    max             STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> COMMENT 'highest corner, metres',
    floor_z         DOUBLE COMMENT 'height of the floor in the world, metres: the median of what is labelled as floor; null where nothing is',
    floor_area      DOUBLE COMMENT 'square metres, where the source says so; null where it has to be measured',
    floor_area_from VARCHAR COMMENT 'polygon (the area of an exact outline) or published (a number of the dataset)',
    metric          BOOLEAN NOT NULL COMMENT 'false where the world has no known scale, as of COLMAP and of many 3D models: no lengths may be asked',
    exhaustive      BOOLEAN NOT NULL COMMENT 'true where scene_objects has every object of the categories that it uses, so that they may be counted over all frames'
);

-- A place where a camera stood, or where a person could stand.
CREATE TABLE waypoints (
    scene_id    VARCHAR NOT NULL,
    waypoint_id VARCHAR NOT NULL COMMENT 'unique in its scene',
    position    STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> NOT NULL COMMENT 'of the camera or the eye; world, metres',
    height      DOUBLE COMMENT 'of that position above the floor, metres',
    region      VARCHAR COMMENT 'the room or region that it stands in, as in scene_objects'
);

-- A straight way between two waypoints that a person can walk; each direction is a row.
CREATE TABLE links (
    scene_id      VARCHAR NOT NULL,
    from_waypoint VARCHAR NOT NULL COMMENT 'waypoint_id',
    to_waypoint   VARCHAR NOT NULL COMMENT 'waypoint_id',
    length        DOUBLE NOT NULL COMMENT 'metres between the two positions, never 0'
);

-- An object that stands elsewhere, or is turned, in another scan of its place. Both scenes have one world. What never moved has no row; how far the
-- object looks the same when it is turned is said by its symmetry in scene_objects.
CREATE TABLE motions (
    scene_id        VARCHAR NOT NULL COMMENT 'the scan before',
    object_id       VARCHAR NOT NULL COMMENT 'in the scan before',
    other_scene_id  VARCHAR NOT NULL COMMENT 'the scan after',
    other_object_id VARCHAR NOT NULL COMMENT 'in the scan after',
    moved           DOUBLE[] NOT NULL COMMENT '16 numbers, row-major 4x4: takes the points of the object before to those of the object after; world, metres'
);
