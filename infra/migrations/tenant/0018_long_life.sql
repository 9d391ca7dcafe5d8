-- Raw deliveries by week, so that they are forgotten by dropping a table; indexes by which old rows
-- of other tables are found; storage settings of tables that live long or change often.
-- Takes steps: each is a transaction of its own and may be repeated.
-- contract: nobody; the table that is renamed is replaced by one of its name in the same transaction

-- step: the key of a partitioned table contains the time. What takes long comes first, so that the
-- bound of the next step is there for a short time only
-- unless: SELECT relkind = 'p' FROM pg_class WHERE oid = '{schema}.webhook_deliveries'::regclass
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS webhook_deliveries_key ON {schema}.webhook_deliveries (received_at, delivery_id);

-- step: until the Monday after next every delivery goes into the table that is there. Where a run is
-- given up between here and the partitions, it takes none from then on: antiphon doctor tells of it
DO $$
DECLARE
    boundary timestamptz := date_trunc('week', now()) + interval '14 days';
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = '{schema}.webhook_deliveries'::regclass) = 'r'
       AND NOT EXISTS (SELECT FROM pg_constraint
                        WHERE conrelid = '{schema}.webhook_deliveries'::regclass
                          AND conname LIKE 'received_before_%') THEN
        EXECUTE format('ALTER TABLE {schema}.webhook_deliveries ADD CONSTRAINT %I CHECK (received_at < %L) NOT VALID',
                       'received_before_' || to_char(boundary, 'YYYYMMDD'), boundary);
    END IF;
END $$;

-- step: reads the table once; readers and writers go on meanwhile
DO $$
DECLARE
    bound name;
BEGIN
    FOR bound IN SELECT conname FROM pg_constraint
                  WHERE conrelid = '{schema}.webhook_deliveries'::regclass
                    AND conname LIKE 'received_before_%' AND NOT convalidated LOOP
        EXECUTE format('ALTER TABLE {schema}.webhook_deliveries VALIDATE CONSTRAINT %I', bound);
    END LOOP;
END $$;

-- step: the table becomes the first partition; nothing is read or copied, the lock is short
DO $$
DECLARE
    bound name;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = '{schema}.webhook_deliveries'::regclass) = 'p' THEN
        RETURN;
    END IF;
    SELECT conname INTO STRICT bound FROM pg_constraint
     WHERE conrelid = '{schema}.webhook_deliveries'::regclass AND conname LIKE 'received_before_%';
    LOCK TABLE {schema}.webhook_deliveries IN ACCESS EXCLUSIVE MODE;
    DROP INDEX {schema}.webhook_deliveries_time_idx;
    ALTER TABLE {schema}.webhook_deliveries DROP CONSTRAINT webhook_deliveries_pkey;
    ALTER TABLE {schema}.webhook_deliveries RENAME TO webhook_deliveries_first;
    ALTER TABLE {schema}.webhook_deliveries_first ADD CONSTRAINT webhook_deliveries_first_pkey
          PRIMARY KEY USING INDEX webhook_deliveries_key;
    CREATE TABLE {schema}.webhook_deliveries (
        delivery_id  uuid NOT NULL,
        provider     text NOT NULL,
        received_at  timestamptz NOT NULL,
        headers      jsonb NOT NULL,
        body         bytea NOT NULL,
        late_signature boolean NOT NULL DEFAULT false,
        PRIMARY KEY (received_at, delivery_id)
    ) PARTITION BY RANGE (received_at);
    EXECUTE format('ALTER TABLE {schema}.webhook_deliveries ATTACH PARTITION {schema}.webhook_deliveries_first FOR VALUES FROM (MINVALUE) TO (%L)',
                   to_timestamp(right(bound, 8), 'YYYYMMDD'));
    EXECUTE format('ALTER TABLE {schema}.webhook_deliveries_first DROP CONSTRAINT %I', bound);
    CREATE TABLE {schema}.webhook_deliveries_rest PARTITION OF {schema}.webhook_deliveries DEFAULT;
    COMMENT ON TABLE {schema}.webhook_deliveries_rest IS 'what no partition was made for in time: nothing is lost when the ticker is off';
    GRANT SELECT, INSERT, UPDATE, DELETE
       ON {schema}.webhook_deliveries, {schema}.webhook_deliveries_first, {schema}.webhook_deliveries_rest TO {role};
END $$;

-- step: what may be forgotten, as the rule says it (infra/retention/rules.py); no BRIN, which finds
-- nothing any more once new rows fill the pages of those that were forgotten
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_inbox_time_idx ON {schema}.webhook_inbox (received_at) WHERE state NOT IN ('new', 'claimed');

-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS bodies_time_idx ON {schema}.bodies (created_at);

-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS replies_time_idx ON {schema}.replies (received_at);

-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS notes_time_idx ON {schema}.notes (created_at)
 WHERE kind IN ('provider_answer', 'render_failed', 'update_refused', 'signal_data');

-- step: notices whose words are still there
CREATE INDEX CONCURRENTLY IF NOT EXISTS notices_words_idx ON {schema}.notices (created_at) WHERE text <> '';

-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS idempotency_keys_time_idx ON {schema}.idempotency_keys (created_at);

-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS outreach_time_idx ON {schema}.outreach (at);

-- step: rows that are only ever added are frozen at the first vacuum, which reads them anyway
ALTER TABLE {schema}.events SET (autovacuum_freeze_min_age = 0);

-- step
ALTER TABLE {schema}.account_events SET (autovacuum_freeze_min_age = 0);

-- step
ALTER TABLE {schema}.activity_feed SET (autovacuum_freeze_min_age = 0, autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

-- step: a contact-campaign changes its node more often than its status, by which it is listed; with
-- room on its page such a change needs no new index entries
ALTER TABLE {schema}.contact_campaigns SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- step
ALTER TABLE {schema}.contacts SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);

-- step: the answer is written beside the request a moment later
ALTER TABLE {schema}.idempotency_keys SET (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

-- step: a row a reader, written with every page that is read
ALTER TABLE {schema}.tracking SET (fillfactor = 20);
