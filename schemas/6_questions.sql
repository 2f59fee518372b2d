-- Task, relation, answer form, template, slots, answer and evidence; no wording yet.
CREATE TABLE questions (
    question_id  VARCHAR NOT NULL COMMENT '128-bit hash of everything that makes it this question',
    frame_ids    VARCHAR[] NOT NULL,
    scene_id     VARCHAR,
    source       VARCHAR NOT NULL,
    task         VARCHAR NOT NULL,
    relation     VARCHAR NOT NULL COMMENT 'the relation that is asked about',
    answer_form  VARCHAR NOT NULL COMMENT 'yes_no, choice, open or number',
    template_id  VARCHAR NOT NULL COMMENT '<task>/<answer_form>/<question wording>/<answer wording>, of its natural text; other text formats draw their own',
    slots        STRUCT<subject VARCHAR, object VARCHAR, category VARCHAR> NOT NULL COMMENT 'what fills the template',
    object_ids   VARCHAR[] NOT NULL COMMENT 'subject and object, or the reference and then the counted objects',
    offers       STRUCT<name BOOLEAN, box BOOLEAN, mask BOOLEAN, number BOOLEAN> NOT NULL COMMENT 'how its things can be referred to: by names that fit one thing each, by boxes inside the image, by masks, by numbers that stand on one thing alone',
    marks        STRUCT<object_id VARCHAR, box STRUCT<x0 DOUBLE, y0 DOUBLE, x1 DOUBLE, y1 DOUBLE>, place STRUCT<x DOUBLE, y DOUBLE, radius DOUBLE>, colour VARCHAR, label VARCHAR>[] NOT NULL COMMENT 'the things that it names, in the order of object_ids, with how each would be marked on the image',
    answer       VARCHAR NOT NULL COMMENT 'yes, no, the option that is right, the relation that holds, or the number',
    options      VARCHAR[] COMMENT 'for choice, in the order asked',
    answer_index INT COMMENT 'index into options',
    answer_value DOUBLE COMMENT 'SI value behind the answer, where there is one',
    answer_unit  VARCHAR COMMENT 'm, m3 or count',
    margin       DOUBLE NOT NULL COMMENT 'of the relation; the smallest one where several count',
    visibility   DOUBLE NOT NULL COMMENT 'the smallest of its objects',
    lift_quality DOUBLE NOT NULL COMMENT 'the smallest of its objects'
);
