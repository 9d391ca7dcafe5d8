-- What plans ask of people and of other systems. Rows move in the transaction of their facts.
CREATE TABLE {schema}.errands (
    errand_id    uuid PRIMARY KEY,
    stream_id    uuid NOT NULL,
    version      bigint NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('update', 'notify', 'webhook')),
    node         text NOT NULL,
    visit        integer NOT NULL,
    endpoint     text,
    requested_at timestamptz NOT NULL,
    give_up_at   timestamptz,
    state        text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'claimed')),
    not_before   timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    attempts     integer NOT NULL DEFAULT 0,
    lease_until  timestamptz,
    fence        bigint NOT NULL DEFAULT 0,
    CHECK ((kind = 'webhook') = (endpoint IS NOT NULL AND give_up_at IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX errands_due_idx ON {schema}.errands (not_before, requested_at, errand_id) WHERE state = 'due';
CREATE INDEX errands_lease_idx ON {schema}.errands (lease_until) WHERE state = 'claimed';
CREATE INDEX errands_stream_idx ON {schema}.errands (stream_id, version);
COMMENT ON COLUMN {schema}.errands.version IS 'of the request in its stream: the plan in force there says what is asked';

CREATE TABLE {schema}.tasks (
    task_id     uuid PRIMARY KEY,
    stream_id   uuid NOT NULL,
    campaign_id uuid NOT NULL,
    contact_id  uuid NOT NULL,
    version     bigint NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('call', 'linkedin_manual', 'email_manual', 'review', 'custom')),
    node        text NOT NULL,
    visit       integer NOT NULL,
    due_at      timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'done', 'skipped', 'withdrawn')),
    ended_at    timestamptz,
    CHECK ((state = 'open') = (ended_at IS NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX tasks_list_idx ON {schema}.tasks (state, due_at, task_id);
CREATE INDEX tasks_campaign_idx ON {schema}.tasks (campaign_id, state, due_at, task_id);
CREATE INDEX tasks_stream_idx ON {schema}.tasks (stream_id);

-- Vault: what people were told; erased with the contact it is about.
CREATE TABLE {schema}.notices (
    notice_id   uuid PRIMARY KEY,
    stream_id   uuid NOT NULL,
    contact_id  uuid NOT NULL,
    recipient   text NOT NULL,
    text        text NOT NULL,
    created_at  timestamptz NOT NULL,
    read_at     timestamptz
);
CREATE INDEX notices_page_idx ON {schema}.notices (created_at, notice_id);
CREATE INDEX notices_contact_idx ON {schema}.notices (contact_id);

-- Configuration: where webhook nodes may call. The secret is derived from the pepper and the salt.
CREATE TABLE {schema}.endpoints (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z0-9_-]{{1,40}}$'),
    url         text NOT NULL,
    salt        bytea NOT NULL,
    enabled     boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now()
);
