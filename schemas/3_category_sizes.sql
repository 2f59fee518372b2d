-- How large objects of a category usually are, over all scenes of a source whose scale is known: what is outside of it is an outlier, about which nothing is asked.
CREATE TABLE category_sizes (
    source   VARCHAR NOT NULL,
    category VARCHAR NOT NULL,
    objects  BIGINT NOT NULL COMMENT 'how many there are in scene_objects; categories of fewer than min_outlier_objects have no row, nor have those of several usual sizes',
    usual    DOUBLE NOT NULL COMMENT 'median of their longest sides, metres',
    smallest DOUBLE NOT NULL COMMENT 'longest side below which one is an outlier, metres',
    largest  DOUBLE NOT NULL COMMENT 'longest side above which one is an outlier, metres'
);
