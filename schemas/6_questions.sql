-- A question: what is asked of which objects, and the answer; neither formats nor words yet.
CREATE TABLE questions (
    question_id  VARCHAR NOT NULL COMMENT '128-bit hash of everything that makes it this question',
    frame_ids    VARCHAR[] NOT NULL,
    scene_id     VARCHAR,
    source       VARCHAR NOT NULL,
    task         VARCHAR NOT NULL,
    relation     VARCHAR NOT NULL COMMENT 'the relation that holds: subject is <relation> of object; all objects of the category are on this side of the reference (existence); objects on this side are counted',
    answer_form  VARCHAR NOT NULL COMMENT 'yes_no, choice, open or number',
    shape        VARCHAR NOT NULL COMMENT 'the answer form, and of a choice what its options are: choice of object, of relation or of number. Which of them is asked about, and in which order, belongs to the sample',
    slots        STRUCT<subject VARCHAR, object VARCHAR, category VARCHAR> NOT NULL COMMENT 'what fills the template',
    object_ids   VARCHAR[] NOT NULL COMMENT 'subject and object, or the reference and then the counted objects',
    categories   VARCHAR[] NOT NULL COMMENT 'two categories: of subject and object, or what is counted and the reference',
    available    STRUCT<name BOOLEAN, box BOOLEAN, mask BOOLEAN, number BOOLEAN, outline BOOLEAN> NOT NULL COMMENT 'how its objects can be referred to: by names that fit one object each, by boxes inside the image, by masks, by numbers that stand on one object alone, by outlines without a name (whose boxes are not full of other objects)',
    marks        STRUCT<object_id VARCHAR, box STRUCT<x0 DOUBLE, y0 DOUBLE, x1 DOUBLE, y1 DOUBLE>, place STRUCT<x DOUBLE, y DOUBLE, radius DOUBLE>, colour VARCHAR, label VARCHAR>[] NOT NULL COMMENT 'the objects that it names, in the order of object_ids, with how each would be marked on the image',
    answer       VARCHAR NOT NULL COMMENT 'the relation that holds, or the number',
    answer_value DOUBLE COMMENT 'SI value behind the answer, where there is one',
    answer_unit  VARCHAR COMMENT 'm, m3 or count',
    margin       DOUBLE NOT NULL COMMENT 'of the relation; the smallest one where several count',
    visibility   DOUBLE NOT NULL COMMENT 'the smallest of its objects',
    lift_quality DOUBLE NOT NULL COMMENT 'the smallest of its objects',
    answerable_from_boxes BOOLEAN NOT NULL COMMENT 'true where the 2D boxes alone give the answer: middles for left, right, above and below, lower edges for near and far, widths, heights and areas for sizes'
);
