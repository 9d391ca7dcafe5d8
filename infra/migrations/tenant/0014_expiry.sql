-- What expires is looked for every minute, among all that waits.
CREATE INDEX send_queue_expiry_idx ON {schema}.send_queue (expires_at) WHERE state IN ('PLANNED', 'QUEUED');
