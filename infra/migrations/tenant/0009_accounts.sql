-- A second log: facts about sender accounts and about the sending of the tenant as a whole.
CREATE TABLE {schema}.account_events (
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
CREATE UNIQUE INDEX account_events_notification_id_idx ON {schema}.account_events (notification_id);

-- What the gates read. Rows move in the transaction of their facts. A sender that was there before
-- is adopted by the first sweep; until then it has no row, is unknown, and sends nothing.
CREATE TABLE {schema}.sender_accounts (
    sender        text PRIMARY KEY,
    stream_id     uuid NOT NULL UNIQUE,
    profile       text NOT NULL CHECK (profile IN ('mailbox', 'bulk')),
    zone          text NOT NULL DEFAULT '',
    rotation_set  text NOT NULL DEFAULT '',
    verified      boolean NOT NULL DEFAULT false,
    paused        text CHECK (paused IN ('complaint_stop', 'account_trouble', 'operator', 'complaints', 'bounces')),
    health        integer NOT NULL DEFAULT 100 CHECK (health BETWEEN 0 AND 100),
    day_max       integer CHECK (day_max > 0),
    minute_max    integer CHECK (minute_max > 0),
    hour_max      integer CHECK (hour_max > 0),
    warmup_max    integer CHECK (warmup_max > 0),
    circuit       text NOT NULL DEFAULT 'closed' CHECK (circuit IN ('closed', 'open')),
    circuit_until timestamptz,
    circuit_opens integer NOT NULL DEFAULT 0,
    circuit_needs_operator boolean NOT NULL DEFAULT false,
    away_until    timestamptz,
    connected     boolean NOT NULL DEFAULT true,
    deleted       boolean NOT NULL DEFAULT false,
    CHECK ((circuit = 'open') = (circuit_until IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX sender_accounts_rotation_idx ON {schema}.sender_accounts (rotation_set) WHERE rotation_set <> '';
COMMENT ON COLUMN {schema}.sender_accounts.minute_max IS 'NULL in minute_max, hour_max, day_max: the rule of the tenant';
COMMENT ON COLUMN {schema}.sender_accounts.away_until IS '9999-12-31: nobody knows until when';

CREATE TABLE {schema}.sending_rules (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    paused            text,
    zone              text NOT NULL DEFAULT 'UTC',
    sender_minute_max integer NOT NULL DEFAULT 20 CHECK (sender_minute_max > 0),
    sender_hour_max   integer NOT NULL DEFAULT 1000 CHECK (sender_hour_max > 0),
    sender_day_max    integer NOT NULL DEFAULT 100 CHECK (sender_day_max > 0),
    tenant_hour_max   integer NOT NULL DEFAULT 5000 CHECK (tenant_hour_max > 0),
    domain_hour_max   integer NOT NULL DEFAULT 200 CHECK (domain_hour_max > 0),
    apart_days        integer NOT NULL DEFAULT 60 CHECK (apart_days >= 0),
    touch_gap_h       integer NOT NULL DEFAULT 0 CHECK (touch_gap_h >= 0),
    weekend           text NOT NULL DEFAULT 'hard_stop' CHECK (weekend IN ('hard_stop', 'reduced', 'none')),
    weekend_percent   integer NOT NULL DEFAULT 25 CHECK (weekend_percent BETWEEN 1 AND 100),
    strict_consent    boolean NOT NULL DEFAULT false,
    health_min        integer NOT NULL DEFAULT 30 CHECK (health_min BETWEEN 0 AND 100),
    pace_min_s        integer NOT NULL DEFAULT 30 CHECK (pace_min_s >= 0),
    pace_max_s        integer NOT NULL DEFAULT 90 CHECK (pace_max_s >= pace_min_s),
    validate_max_age_days integer NOT NULL DEFAULT 90 CHECK (validate_max_age_days > 0)
);
COMMENT ON COLUMN {schema}.sending_rules.sender_day_max IS 'of e-mail from a mailbox; a bulk sender has a limit a day only where its account says so';
INSERT INTO {schema}.sending_rules DEFAULT VALUES;

-- Answers of providers that say nothing left, or nothing for sure, by second: they open circuits.
CREATE TABLE {schema}.circuit_answers (
    sender    text NOT NULL,
    second    timestamptz NOT NULL,
    ambiguous integer NOT NULL CHECK (ambiguous >= 0),
    not_sent  integer NOT NULL CHECK (not_sent >= 0),
    PRIMARY KEY (sender, second)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

-- The rates of senders are read every minute.
CREATE INDEX metrics_daily_bucket_idx ON {schema}.metrics_daily (bucket);
