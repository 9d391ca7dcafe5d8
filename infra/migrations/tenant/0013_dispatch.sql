-- Which claim a message was taken by: an answer to its commit that was lost can be told by it.
ALTER TABLE {schema}.send_queue ADD COLUMN claim text;
CREATE INDEX send_queue_claim_idx ON {schema}.send_queue (claim) WHERE state = 'SENDING';
CREATE INDEX send_queue_probe_idx ON {schema}.send_queue (sender) WHERE state = 'SENDING';

CREATE INDEX send_queue_accepted_idx ON {schema}.send_queue (accepted_at) WHERE state = 'ACCEPTED';

-- Who was written to, by the digests a person is known by; it outlives contacts and their changes.
CREATE TABLE {schema}.outreach (
    identity     bytea NOT NULL,
    stream_id    uuid NOT NULL,
    campaign_id  uuid NOT NULL,
    contact_id   uuid NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (identity, stream_id)
) WITH (fillfactor = 80);
CREATE INDEX outreach_stream_idx ON {schema}.outreach (stream_id);
INSERT INTO {schema}.outreach (identity, stream_id, campaign_id, contact_id, at)
SELECT i.identity, q.stream_id, q.campaign_id, q.contact_id, max(coalesce(q.accepted_at, q.not_before))
  FROM {schema}.send_queue q JOIN {schema}.contacts c USING (contact_id)
 CROSS JOIN LATERAL (VALUES (c.email_hmac), (c.linkedin_hmac)) AS i (identity)
 WHERE q.state IN ('SENDING', 'ACCEPTED', 'UNKNOWN', 'PRESUMED_LOST') AND i.identity IS NOT NULL
 GROUP BY 1, 2, 3, 4;

-- Until when a sender keeps its pace, and how far the messages behind a full limit are spread.
CREATE TABLE {schema}.lanes (
    name    text NOT NULL,
    key     text NOT NULL,
    until   timestamptz NOT NULL,
    PRIMARY KEY (name, key)
) WITH (fillfactor = 80);

ALTER TABLE {schema}.bodies ADD COLUMN opt_out boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN {schema}.bodies.opt_out IS 'the mail has both list headers and its opt-out link';
