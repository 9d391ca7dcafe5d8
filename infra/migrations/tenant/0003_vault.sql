-- The vault: personal data and texts, by contact. Erasure deletes here; the log stays as it is.
CREATE TABLE {schema}.contacts (
    contact_id    uuid PRIMARY KEY,
    external_id   text UNIQUE,
    email         text,
    email_hmac    bytea,
    first_name    text,
    last_name     text,
    title         text,
    company       text,
    city          text,
    timezone      text,
    linkedin_url  text,
    linkedin_hmac bytea,
    phone         text,
    tags          text[] NOT NULL DEFAULT '{{}}',
    attributes    jsonb NOT NULL DEFAULT '{{}}',
    vault_key     bytea NOT NULL,
    snapshot      bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX contacts_email_idx ON {schema}.contacts (email_hmac) WHERE email_hmac IS NOT NULL;
CREATE INDEX contacts_page_idx ON {schema}.contacts (created_at, contact_id);
COMMENT ON COLUMN {schema}.contacts.snapshot IS 'grows with each change; a rendered message names the one it was made from';

CREATE TABLE {schema}.plans (
    plan_hash   text PRIMARY KEY,
    document    bytea NOT NULL,
    report      bytea,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE {schema}.plan_contacts (
    plan_hash   text NOT NULL,
    contact_id  uuid NOT NULL,
    PRIMARY KEY (plan_hash, contact_id)
);

CREATE TABLE {schema}.bodies (
    message_id  uuid PRIMARY KEY,
    contact_id  uuid NOT NULL,
    snapshot    bigint NOT NULL,
    mail        bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bodies_contact_idx ON {schema}.bodies (contact_id);

CREATE TABLE {schema}.links (
    message_id  uuid NOT NULL,
    number      integer NOT NULL,
    contact_id  uuid NOT NULL,
    url         text NOT NULL,
    PRIMARY KEY (message_id, number)
);

CREATE TABLE {schema}.webhook_deliveries (
    delivery_id  uuid PRIMARY KEY,
    provider     text NOT NULL,
    received_at  timestamptz NOT NULL,
    headers      jsonb NOT NULL,
    body         bytea NOT NULL,
    late_signature boolean NOT NULL DEFAULT false
);
CREATE INDEX webhook_deliveries_time_idx ON {schema}.webhook_deliveries (received_at);

CREATE TABLE {schema}.replies (
    reply_id     uuid PRIMARY KEY,
    contact_id   uuid,
    message_id   uuid,
    received_at  timestamptz NOT NULL,
    class        text NOT NULL,
    subject      text,
    text         text,
    html         text,
    sender       text
);
CREATE INDEX replies_contact_idx ON {schema}.replies (contact_id);

CREATE TABLE {schema}.notes (
    note_id      bigserial PRIMARY KEY,
    contact_id   uuid,
    subject_id   uuid NOT NULL,
    kind         text NOT NULL,
    text         text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE {schema}.notes IS 'free texts that belong to events: provider error bodies, reasons of operators';

-- Configuration and gates of the tenant.
CREATE TABLE {schema}.campaigns (
    campaign_id  uuid PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    description  text NOT NULL DEFAULT '',
    status       text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'paused', 'stopped')),
    sender       text NOT NULL DEFAULT '',
    daily_limit  integer NOT NULL DEFAULT 50 CHECK (daily_limit > 0),
    settings     jsonb NOT NULL DEFAULT '{{}}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE {schema}.senders (
    sender         text PRIMARY KEY,
    from_email     text NOT NULL,
    from_name      text NOT NULL,
    first_name     text NOT NULL DEFAULT '',
    calendar_url   text NOT NULL DEFAULT '',
    reply_domain   text NOT NULL,
    postal_address text NOT NULL,
    verified       boolean NOT NULL DEFAULT false,
    paused         boolean NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE {schema}.suppressions (
    family        text NOT NULL,
    address_hmac  bytea NOT NULL,
    reason        text NOT NULL,
    source        text NOT NULL,
    suppressed_at timestamptz NOT NULL,
    expires_at    timestamptz,
    PRIMARY KEY (family, address_hmac)
);
CREATE TABLE {schema}.idempotency_keys (
    route       text NOT NULL,
    key         text NOT NULL,
    body_mac    bytea NOT NULL,
    status      integer,
    answer      bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (route, key)
);
