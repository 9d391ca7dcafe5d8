-- Work to do. Rows move in the transaction of their facts.
CREATE TABLE {schema}.send_queue (
    message_id   uuid PRIMARY KEY,
    stream_id    uuid NOT NULL,
    campaign_id  uuid NOT NULL,
    contact_id   uuid NOT NULL,
    dedupe_key   text NOT NULL UNIQUE,
    node         text NOT NULL,
    visit        integer NOT NULL,
    channel      text NOT NULL CHECK (channel IN ('email', 'sms', 'linkedin_invite', 'linkedin_message')),
    variant      text NOT NULL DEFAULT '',
    sender       text NOT NULL DEFAULT '',
    state        text NOT NULL CHECK (state IN ('PLANNED', 'QUEUED', 'SENDING', 'ACCEPTED', 'FAILED', 'UNKNOWN', 'PRESUMED_LOST', 'CANCELLED')),
    attempt      integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    not_before   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    hold_reason  text,
    reason       text,
    body_mac     text,
    provider_id  text,
    accepted_at  timestamptz,
    since        timestamptz,
    worker       text,
    planned_at   timestamptz NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX send_queue_due_idx ON {schema}.send_queue (not_before, message_id) WHERE state = 'QUEUED';
CREATE INDEX send_queue_planned_idx ON {schema}.send_queue (due_at, message_id) WHERE state = 'PLANNED';
CREATE INDEX send_queue_sending_idx ON {schema}.send_queue (since) WHERE state = 'SENDING';
CREATE INDEX send_queue_unknown_idx ON {schema}.send_queue (planned_at) WHERE state = 'UNKNOWN';
CREATE INDEX send_queue_provider_idx ON {schema}.send_queue (provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX send_queue_stream_idx ON {schema}.send_queue (stream_id);
CREATE INDEX send_queue_contact_idx ON {schema}.send_queue (contact_id, accepted_at);
COMMENT ON COLUMN {schema}.send_queue.since IS 'database time of the claim; guards against dead processes';

CREATE TABLE {schema}.timers (
    timer_id    uuid PRIMARY KEY,
    stream_id   uuid NOT NULL,
    scope       text NOT NULL CHECK (scope IN ('campaign', 'node')),
    kind        text NOT NULL,
    node        text NOT NULL,
    visit       integer NOT NULL,
    index       integer NOT NULL,
    due_at      timestamptz NOT NULL,
    state       text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'claimed')),
    lease_until timestamptz,
    fence       bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX timers_due_idx ON {schema}.timers (due_at, timer_id) WHERE state = 'due';
CREATE INDEX timers_lease_idx ON {schema}.timers (lease_until) WHERE state = 'claimed';
CREATE INDEX timers_stream_idx ON {schema}.timers (stream_id);

-- One row for each reported event; its raw bytes are in webhook_deliveries or replies of the vault.
CREATE TABLE {schema}.webhook_inbox (
    inbox_id     bigserial PRIMARY KEY,
    delivery_id  uuid NOT NULL,
    item         integer NOT NULL,
    provider     text NOT NULL,
    kind         text NOT NULL,
    semantic_key bytea NOT NULL,
    raw          bytea NOT NULL,
    occurred_at  timestamptz,
    received_at  timestamptz NOT NULL,
    state        text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'claimed', 'recorded', 'no_news', 'duplicate', 'orphan', 'parked')),
    reason       text,
    stream_id    uuid,
    message_id   uuid,
    tries        integer NOT NULL DEFAULT 0,
    next_try_at  timestamptz NOT NULL DEFAULT now(),
    lease_until  timestamptz,
    fence        bigint NOT NULL DEFAULT 0,
    settled_at   timestamptz,
    UNIQUE (delivery_id, item)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE UNIQUE INDEX webhook_inbox_key_idx ON {schema}.webhook_inbox (semantic_key) WHERE state NOT IN ('duplicate', 'parked');
CREATE INDEX webhook_inbox_new_idx ON {schema}.webhook_inbox (inbox_id) WHERE state = 'new';
CREATE INDEX webhook_inbox_orphan_idx ON {schema}.webhook_inbox (next_try_at) WHERE state = 'orphan';
CREATE INDEX webhook_inbox_lease_idx ON {schema}.webhook_inbox (lease_until) WHERE state = 'claimed';
