-- What an order let go and is not made due yet, and the index by which such messages are found.
-- Takes steps: each is a transaction of its own and may be repeated.

-- step: more messages than one transaction should move
CREATE TABLE IF NOT EXISTS {schema}.wakings (
    waking_id   bigserial PRIMARY KEY,
    reasons     text[] NOT NULL,
    senders     text[],
    campaign_id uuid,
    reached     uuid NOT NULL
);
COMMENT ON COLUMN {schema}.wakings.reached IS 'messages up to this one are done; each is met once';

-- step: orders ask for what a gate holds, among all that waits
CREATE INDEX CONCURRENTLY IF NOT EXISTS send_queue_held_idx ON {schema}.send_queue (hold_reason, message_id)
 WHERE state IN ('PLANNED', 'QUEUED') AND hold_reason IS NOT NULL;
