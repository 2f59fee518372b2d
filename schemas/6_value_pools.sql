-- Measured values of a task's questions: the wrong options of a choice of value are drawn from them.
CREATE TABLE value_pools (
    task     VARCHAR NOT NULL,
    unit     VARCHAR NOT NULL COMMENT 'of the values, as of answer_value',
    decimals INT NOT NULL COMMENT 'that an option is said with',
    gap      DOUBLE NOT NULL COMMENT 'how far apart two options are at least, in the unit',
    measured DOUBLE[] NOT NULL COMMENT 'values of other questions of the task, in ascending order; a part of them, where there are many'
);
