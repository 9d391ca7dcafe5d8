-- What administrators did, as a third log; and the signed states of all logs. The column `chain` of
-- the older two has been there from the beginning: rows of the releases before keep it empty.
CREATE TABLE {schema}.admin_events (
    originator_id      uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic              text NOT NULL,
    state              bytea NOT NULL,
    notification_id    bigserial NOT NULL,
    chain              bytea,
    PRIMARY KEY (originator_id, originator_version)
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02,
    autovacuum_freeze_min_age = 0
);
CREATE UNIQUE INDEX admin_events_notification_id_idx ON {schema}.admin_events (notification_id);

CREATE TABLE {schema}.audit_checkpoints (
    log       text NOT NULL,
    size      bigint NOT NULL CHECK (size > 0),
    position  bigint NOT NULL,
    frontier  bytea NOT NULL,
    note      text NOT NULL,
    taken_at  timestamptz NOT NULL,
    PRIMARY KEY (log, size)
);
COMMENT ON COLUMN {schema}.audit_checkpoints.frontier IS 'roots of the whole subtrees, largest first, 32 bytes each: what the next checkpoint goes on from';
COMMENT ON COLUMN {schema}.audit_checkpoints.note IS 'as it is signed; what counts is its copy outside of the database';
