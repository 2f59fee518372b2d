-- Measured values of a task's questions: the wrong options of a choice of value are as likely among them as the right one.
CREATE TABLE value_pools (
    task     VARCHAR NOT NULL,
    relation VARCHAR COMMENT 'what is measured: height_of, width_of; null in rows of versions that did not tell',
    unit     VARCHAR NOT NULL COMMENT 'of the values, as of answer_value',
    category VARCHAR NOT NULL COMMENT 'of the one object that is measured; empty where it is two, or none',
    decimals INT NOT NULL COMMENT 'that an option is said with',
    gap      DOUBLE NOT NULL COMMENT 'how far apart two options are at least, in the unit',
    measured DOUBLE[] NOT NULL COMMENT 'values of questions of the task about this relation and category, in ascending order, or of all categories where it has few; a part of them, where there are many'
);
