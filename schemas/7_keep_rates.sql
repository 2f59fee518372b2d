-- What part of each stratum of samples goes into the dataset.
CREATE TABLE keep_rates (
    source       VARCHAR NOT NULL,
    task         VARCHAR NOT NULL,
    relation     VARCHAR NOT NULL,
    answer_form  VARCHAR NOT NULL,
    answer       VARCHAR NOT NULL COMMENT 'yes or no, the option letter, the relation that holds, or the number',
    text_format  VARCHAR NOT NULL,
    image_format VARCHAR NOT NULL,
    samples      BIGINT NOT NULL COMMENT 'how many can be made',
    rate         DOUBLE NOT NULL COMMENT '0-1'
);
