-- The log: every fact of every stream. Only the recorder inserts; nobody updates or deletes.
CREATE TABLE {schema}.events (
    originator_id      uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic              text NOT NULL,
    state              bytea NOT NULL,
    notification_id    bigserial NOT NULL,
    chain              bytea,
    PRIMARY KEY (originator_id, originator_version)
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE UNIQUE INDEX events_notification_id_idx ON {schema}.events (notification_id);

-- Which contact in which campaign a stream is about; written with the first fact.
CREATE TABLE {schema}.streams (
    stream_id    uuid PRIMARY KEY,
    campaign_id  uuid NOT NULL,
    contact_id   uuid NOT NULL,
    run          integer NOT NULL,
    plan_hash    text NOT NULL,
    UNIQUE (campaign_id, contact_id, run)
);
CREATE INDEX streams_contact_idx ON {schema}.streams (contact_id);

CREATE TABLE {schema}.tracking (
    application_name text PRIMARY KEY,
    notification_id  bigint NOT NULL
);

CREATE TABLE {schema}.projection_poison (
    projection  text NOT NULL,
    position    bigint NOT NULL,
    stream_id   uuid NOT NULL,
    topic       text NOT NULL,
    error       text NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, position)
);
