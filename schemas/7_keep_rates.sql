-- What part of each stratum of questions goes into the dataset.
CREATE TABLE keep_rates (
    source      VARCHAR NOT NULL,
    task        VARCHAR NOT NULL,
    relation    VARCHAR NOT NULL,
    answer_form VARCHAR NOT NULL,
    answer      VARCHAR NOT NULL COMMENT 'yes or no, the option letter, the relation that holds, or the number',
    questions   BIGINT NOT NULL COMMENT 'how many there are',
    rate        DOUBLE NOT NULL COMMENT '0-1'
);
