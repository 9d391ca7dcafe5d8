-- What people look at: projections of the log, rebuilt at will.
CREATE TABLE {schema}.contact_campaigns (
    stream_id    uuid PRIMARY KEY,
    campaign_id  uuid NOT NULL,
    contact_id   uuid NOT NULL,
    run          integer NOT NULL,
    plan_hash    text NOT NULL,
    status       text NOT NULL,
    node         text NOT NULL DEFAULT '',
    outcome      text,
    accepted_at  timestamptz NOT NULL,
    started_at   timestamptz,
    ended_at     timestamptz,
    changed_at   timestamptz NOT NULL
);
CREATE INDEX contact_campaigns_list_idx ON {schema}.contact_campaigns (campaign_id, status, stream_id);
CREATE INDEX contact_campaigns_contact_idx ON {schema}.contact_campaigns (contact_id);

CREATE TABLE {schema}.activity_feed (
    position     bigint PRIMARY KEY,
    at           timestamptz NOT NULL,
    kind         text NOT NULL,
    category     text NOT NULL CHECK (category IN ('lifecycle', 'engagement')),
    stream_id    uuid NOT NULL,
    campaign_id  uuid NOT NULL,
    contact_id   uuid NOT NULL,
    message_id   uuid,
    node         text NOT NULL DEFAULT '',
    detail       text NOT NULL DEFAULT ''
);
CREATE INDEX activity_feed_contact_idx ON {schema}.activity_feed (contact_id, position);
CREATE INDEX activity_feed_campaign_idx ON {schema}.activity_feed (campaign_id, position);
CREATE INDEX activity_feed_kind_idx ON {schema}.activity_feed (kind, position);

CREATE TABLE {schema}.metrics_hourly (
    bucket       timestamptz NOT NULL,
    campaign_id  uuid NOT NULL,
    node         text NOT NULL,
    variant      text NOT NULL,
    sender       text NOT NULL,
    domain       text NOT NULL,
    enrolled     bigint NOT NULL DEFAULT 0,
    started      bigint NOT NULL DEFAULT 0,
    completed    bigint NOT NULL DEFAULT 0,
    exited       bigint NOT NULL DEFAULT 0,
    planned      bigint NOT NULL DEFAULT 0,
    accepted     bigint NOT NULL DEFAULT 0,
    failed       bigint NOT NULL DEFAULT 0,
    cancelled    bigint NOT NULL DEFAULT 0,
    presumed_lost bigint NOT NULL DEFAULT 0,
    delivered    bigint NOT NULL DEFAULT 0,
    opens        bigint NOT NULL DEFAULT 0,
    unique_opens bigint NOT NULL DEFAULT 0,
    machine_opens bigint NOT NULL DEFAULT 0,
    clicks       bigint NOT NULL DEFAULT 0,
    unique_clicks bigint NOT NULL DEFAULT 0,
    machine_clicks bigint NOT NULL DEFAULT 0,
    replies      bigint NOT NULL DEFAULT 0,
    auto_replies bigint NOT NULL DEFAULT 0,
    bounces      bigint NOT NULL DEFAULT 0,
    deferrals    bigint NOT NULL DEFAULT 0,
    complaints   bigint NOT NULL DEFAULT 0,
    unsubscribes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign_id, bucket, node, variant, sender, domain)
) WITH (fillfactor = 80);
CREATE TABLE {schema}.metrics_daily (LIKE {schema}.metrics_hourly INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES) WITH (fillfactor = 80);
