-- How much the whole installation may send, and its emergency stop.
CREATE TABLE {schema}.sending (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    paused      boolean NOT NULL DEFAULT false,
    hour_max    integer NOT NULL DEFAULT 20000 CHECK (hour_max > 0)
);
INSERT INTO {schema}.sending DEFAULT VALUES;

CREATE TABLE {schema}.usage (
    bucket      timestamptz PRIMARY KEY,
    used        integer NOT NULL CHECK (used >= 0)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE {schema}.usage IS 'messages of all tenants together, by minute; reserved ones count as sent';
