-- Who uses this installation: tenants, their keys, who administers. No tenant schema refers to it.
CREATE TABLE {schema}.tenants (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{{0,39}}$'),
    tag         text NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    policy      jsonb NOT NULL DEFAULT '{{}}',
    settings    jsonb NOT NULL DEFAULT '{{}}'
);
COMMENT ON COLUMN {schema}.tenants.tag IS 'opaque name of the tenant outside: in custom_args and links';

CREATE TABLE {schema}.api_keys (
    key_id      text PRIMARY KEY,
    tenant      text NOT NULL REFERENCES {schema}.tenants (name),
    role        text NOT NULL CHECK (role IN ('admin', 'agent', 'viewer', 'planner')),
    secret_mac  bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz,
    last_used_at timestamptz
);
COMMENT ON COLUMN {schema}.api_keys.secret_mac IS 'HMAC-SHA256(pepper, secret); the pepper is never in the database';

CREATE TABLE {schema}.webhook_keys (
    tenant      text NOT NULL REFERENCES {schema}.tenants (name),
    provider    text NOT NULL,
    public_key  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, provider, public_key)
);

CREATE TABLE {schema}.heartbeats (
    name        text PRIMARY KEY,
    role        text NOT NULL,
    beat_at     timestamptz NOT NULL,
    pid         integer NOT NULL
);
