-- What was sent, counted by limit, by what it limits and by time; keys hold no personal data.
CREATE TABLE {schema}.usage (
    name    text NOT NULL,
    key     text NOT NULL,
    bucket  timestamptz NOT NULL,
    used    integer NOT NULL CHECK (used >= 0),
    PRIMARY KEY (name, key, bucket)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON COLUMN {schema}.usage.key IS 'id of a sender or campaign, HMAC of a recipient domain, or empty';
COMMENT ON COLUMN {schema}.usage.bucket IS 'beginning of the grain by the clock of the plans';
