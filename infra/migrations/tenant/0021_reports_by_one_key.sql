-- A report is told from others by its semantic key. This second key was looked up by nobody, and
-- each of the three versions of a row went into it: an eighth of what ingest costs the database.
-- contract: no release has looked up a report by its delivery and place
ALTER TABLE {schema}.webhook_inbox DROP CONSTRAINT IF EXISTS webhook_inbox_delivery_id_item_key;
