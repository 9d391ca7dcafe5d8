-- What came back: reports by the message they name, before it is looked up, so that a verdict has
-- the history of its message; and bans by their ground, so that each is lifted by what set it.
ALTER TABLE {schema}.webhook_inbox ADD COLUMN signal text, ADD COLUMN about uuid;
UPDATE {schema}.webhook_inbox SET about = message_id WHERE message_id IS NOT NULL;
CREATE INDEX webhook_inbox_about_idx ON {schema}.webhook_inbox (about) WHERE about IS NOT NULL;
COMMENT ON COLUMN {schema}.webhook_inbox.about IS 'the message that a report names, or is found to be about';

ALTER TABLE {schema}.suppressions
    ADD COLUMN ground text NOT NULL DEFAULT '',
    ADD COLUMN told_at timestamptz,
    ADD COLUMN lifted_at timestamptz,
    ADD COLUMN pushed_at timestamptz;
UPDATE {schema}.suppressions SET ground = reason, told_at = suppressed_at;
ALTER TABLE {schema}.suppressions ALTER COLUMN ground DROP DEFAULT, ALTER COLUMN told_at SET NOT NULL;
ALTER TABLE {schema}.suppressions DROP CONSTRAINT suppressions_pkey;
ALTER TABLE {schema}.suppressions ADD PRIMARY KEY (family, address_hmac, ground);
CREATE INDEX suppressions_push_idx ON {schema}.suppressions (address_hmac) WHERE pushed_at IS NULL;
COMMENT ON COLUMN {schema}.suppressions.told_at IS 'the latest instant at which the ground was told';
COMMENT ON COLUMN {schema}.suppressions.lifted_at IS 'what was said before this instant bans no more; expires_at is then the same';

-- How far each list of a provider was read.
CREATE TABLE {schema}.suppression_pulls (
    provider   text NOT NULL,
    list       text NOT NULL,
    read_to    timestamptz NOT NULL,
    PRIMARY KEY (provider, list)
);

ALTER TABLE {schema}.metrics_hourly
    ADD COLUMN unknown_opens bigint NOT NULL DEFAULT 0,
    ADD COLUMN unknown_clicks bigint NOT NULL DEFAULT 0;
ALTER TABLE {schema}.metrics_daily
    ADD COLUMN unknown_opens bigint NOT NULL DEFAULT 0,
    ADD COLUMN unknown_clicks bigint NOT NULL DEFAULT 0;
