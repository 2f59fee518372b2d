-- What could not be used, and why.
CREATE TABLE quarantine (
    run_id  VARCHAR NOT NULL,
    source  VARCHAR NOT NULL,
    stage   VARCHAR NOT NULL COMMENT 'import, or the table whose query met it',
    "key"   VARCHAR NOT NULL COMMENT 'the record''s own key: image id, frame_id/object_id, line',
    uri     VARCHAR COMMENT 'the file',
    code    VARCHAR NOT NULL COMMENT 'one of a short list, for counting',
    message VARCHAR NOT NULL COMMENT 'what was wrong; the middle of a very long one is left out',
    loss    VARCHAR NOT NULL COMMENT 'what is lost with it: image, record, or nothing (an oddity of what is used all the same, or a record of a lost image)',
    at      TIMESTAMP(6) WITH TIME ZONE NOT NULL COMMENT 'when the run began, UTC'
);

-- One row for each version of a table: a run writes a table once, an import once for each source.
CREATE TABLE runs (
    run_id      VARCHAR NOT NULL,
    "table"     VARCHAR NOT NULL,
    version     BIGINT NOT NULL COMMENT 'of the table, after the run',
    started     TIMESTAMP(6) WITH TIME ZONE NOT NULL COMMENT 'UTC',
    finished    TIMESTAMP(6) WITH TIME ZONE NOT NULL COMMENT 'UTC',
    rows_in     BIGINT NOT NULL,
    rows_out    BIGINT NOT NULL,
    filtered    STRUCT<reason VARCHAR, n BIGINT>[] NOT NULL,
    quarantined STRUCT<code VARCHAR, n BIGINT>[] NOT NULL,
    fingerprint VARCHAR NOT NULL,
    seed        BIGINT NOT NULL,
    peak_memory BIGINT COMMENT 'the most bytes that the process which committed it had in memory until then; null where its system does not say'
);
