-- Who signs in to the console, and their sessions.
CREATE TABLE {schema}.users (
    user_id     text PRIMARY KEY,
    tenant      text NOT NULL REFERENCES {schema}.tenants (name),
    name        text NOT NULL,
    role        text NOT NULL CHECK (role IN ('admin', 'agent', 'viewer', 'planner')),
    password    text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    signed_in_at timestamptz
);
CREATE UNIQUE INDEX users_name_idx ON {schema}.users (lower(name)) WHERE disabled_at IS NULL;
COMMENT ON COLUMN {schema}.users.password IS 'argon2id, with its salt and its cost';
COMMENT ON COLUMN {schema}.users.user_id IS 'stands in the log where the id of a key would; the name never does';

CREATE TABLE {schema}.sessions (
    session_mac bytea PRIMARY KEY,
    user_id     text NOT NULL REFERENCES {schema}.users (user_id) ON DELETE CASCADE,
    csrf        text NOT NULL,
    begun_at    timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sessions_user_idx ON {schema}.sessions (user_id);
COMMENT ON COLUMN {schema}.sessions.session_mac IS 'HMAC-SHA256(pepper, what the cookie holds)';
