-- A fact about two objects of a frame: of each pair and axis, the one of two opposite relations that holds, in both directions.
CREATE TABLE relations (
    frame_id VARCHAR NOT NULL,
    subject  VARCHAR NOT NULL COMMENT 'object_id',
    object   VARCHAR NOT NULL COMMENT 'object_id of the reference',
    axis     VARCHAR NOT NULL COMMENT 'lateral (left, right), vertical (above, below), depth (near, far), width (wider, thinner), height (taller, shorter), volume (larger, smaller)',
    relation VARCHAR NOT NULL COMMENT 'left, right, above, below, near, far, wider, thinner, taller, shorter, larger, smaller: subject is <relation> of object',
    value    DOUBLE NOT NULL COMMENT 'how much, never negative: metres, or cubic metres for volume',
    unit     VARCHAR NOT NULL COMMENT 'm or m3',
    margin   DOUBLE NOT NULL COMMENT 'value relative to the scale of the two objects; 0 is the decision boundary',
    overlap  DOUBLE NOT NULL COMMENT '0-1: shared part of the two intervals along the axis, of the shorter one; 0 for sizes',
    agrees   BOOLEAN NOT NULL COMMENT 'true where what the image shows (bearing, elevation, straight distance) orders the two objects the same way'
);
