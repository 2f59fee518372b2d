-- What part of each stratum of samples goes into the dataset.
CREATE TABLE keep_rates (
    source       VARCHAR NOT NULL,
    task         VARCHAR NOT NULL,
    relation     VARCHAR NOT NULL COMMENT 'that is asked about',
    answer_form  VARCHAR NOT NULL,
    answer       VARCHAR NOT NULL COMMENT 'yes or no, the option letter (C of 4 where a task has choices of several numbers of options), the relation that holds, or the number',
    text_format  VARCHAR NOT NULL,
    image_format VARCHAR NOT NULL,
    shortcut     VARCHAR NOT NULL COMMENT 'what gives the answer without a look at the scene: box, noun or none',
    samples      DOUBLE NOT NULL COMMENT 'how many can be made; a question has a quarter of a sample in each of its four turns',
    rate         DOUBLE NOT NULL COMMENT '0-1'
);
