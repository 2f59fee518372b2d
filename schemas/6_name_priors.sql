-- Language priors: how far the categories of two objects predict the relation between them.
CREATE TABLE name_priors (
    source           VARCHAR NOT NULL,
    task             VARCHAR NOT NULL,
    subject_category VARCHAR NOT NULL COMMENT 'of the subject, or of what is looked for',
    object_category  VARCHAR NOT NULL COMMENT 'of the object, or of the reference',
    relation         VARCHAR NOT NULL COMMENT 'that holds',
    questions        BIGINT NOT NULL COMMENT 'how many there are',
    rate             DOUBLE NOT NULL COMMENT '0-1: what part of them is asked, so that the words of a question of existence do not predict its answer',
    predictive       BOOLEAN NOT NULL COMMENT 'true where the names alone give this relation: nearly all facts about such two objects are of it, and there are enough of them'
);
