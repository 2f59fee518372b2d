-- What the names of two things tell of how they are to each other.
CREATE TABLE nouns (
    source    VARCHAR NOT NULL,
    task      VARCHAR NOT NULL,
    kind      VARCHAR NOT NULL COMMENT 'a category: of the subject, or of what is looked for',
    other     VARCHAR NOT NULL COMMENT 'a category: of the object, or of the reference',
    relation  VARCHAR NOT NULL COMMENT 'that holds',
    questions BIGINT NOT NULL COMMENT 'how many there are',
    rate      DOUBLE NOT NULL COMMENT '0-1: what part of them is asked, so that the words of a question of existence tell nothing of its answer',
    tells     BOOLEAN NOT NULL COMMENT 'true where the names alone give this relation: nearly all facts about such two things are of it, and there are enough of them'
);
