-- Every list in its order by an index, at a million contacts; and fewer indexes on the send queue,
-- where every state of a message costs an entry in each of them.
-- Takes steps: each is a transaction of its own and may be repeated.

-- step: messages of a state in the order of leaving: the list, and what is due, in doubt or under way
CREATE INDEX CONCURRENTLY IF NOT EXISTS send_queue_list_idx ON {schema}.send_queue (state, not_before, message_id);

-- step: the same of one campaign, which may have few messages behind many of others
CREATE INDEX CONCURRENTLY IF NOT EXISTS send_queue_campaign_idx ON {schema}.send_queue (campaign_id, state, not_before, message_id);

-- step: what was sent to a contact; nobody asks for its other messages by contact
CREATE INDEX CONCURRENTLY IF NOT EXISTS send_queue_sent_idx ON {schema}.send_queue (contact_id, accepted_at) WHERE state = 'ACCEPTED';

-- step: covered by send_queue_list_idx: what is due, and the few that are in doubt or under way
DROP INDEX CONCURRENTLY IF EXISTS {schema}.send_queue_due_idx;

-- step
DROP INDEX CONCURRENTLY IF EXISTS {schema}.send_queue_unknown_idx;

-- step: without an index on since and claim, the mark of a claim needs no new entry in any index
DROP INDEX CONCURRENTLY IF EXISTS {schema}.send_queue_sending_idx;

-- step
DROP INDEX CONCURRENTLY IF EXISTS {schema}.send_queue_claim_idx;

-- step
DROP INDEX CONCURRENTLY IF EXISTS {schema}.send_queue_probe_idx;

-- step: send_queue_sent_idx is in its place
DROP INDEX CONCURRENTLY IF EXISTS {schema}.send_queue_contact_idx;

-- step: activity since an instant; rows are only added, and later ones have later instants
CREATE INDEX CONCURRENTLY IF NOT EXISTS activity_feed_at_idx ON {schema}.activity_feed USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- step: the sums of a campaign are read from this one alone; equal entries are kept once
CREATE INDEX CONCURRENTLY IF NOT EXISTS contact_campaigns_sums_idx ON {schema}.contact_campaigns (campaign_id, status, outcome);

-- step: notices of a recipient; a plan may name one of any length, an index entry may not
CREATE INDEX CONCURRENTLY IF NOT EXISTS notices_recipient_idx ON {schema}.notices (left(recipient, 200), created_at, notice_id);

-- step: the few that are not read among all
CREATE INDEX CONCURRENTLY IF NOT EXISTS notices_unread_idx ON {schema}.notices (created_at, notice_id) WHERE read_at IS NULL;

-- step: and among those of a recipient
CREATE INDEX CONCURRENTLY IF NOT EXISTS notices_recipient_unread_idx ON {schema}.notices (left(recipient, 200), created_at, notice_id) WHERE read_at IS NULL;

-- step: the few reports that came to nothing, among all that were settled
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_inbox_aside_idx ON {schema}.webhook_inbox (state, inbox_id) WHERE state IN ('parked', 'orphan');

-- step: bans in the order in which they are listed
CREATE INDEX CONCURRENTLY IF NOT EXISTS suppressions_list_idx ON {schema}.suppressions (address_hmac, family, suppressed_at, ground) WHERE lifted_at IS NULL;

-- step: who plans name for tasks, by a number: names are words of plans, and tasks hold none
CREATE TABLE IF NOT EXISTS {schema}.assignees (
    assignee_id  serial PRIMARY KEY,
    name         text NOT NULL UNIQUE
);
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.assignees TO {role};
GRANT USAGE ON SEQUENCE {schema}.assignees_assignee_id_seq TO {role};

-- step
ALTER TABLE {schema}.tasks ADD COLUMN IF NOT EXISTS assignee_id integer;
COMMENT ON COLUMN {schema}.tasks.assignee_id IS 'whom the plan names, of assignees; 0: nobody; NULL: not looked up yet';

-- step: those whose number is to be looked up
CREATE INDEX CONCURRENTLY IF NOT EXISTS tasks_unnumbered_idx ON {schema}.tasks (state, due_at, task_id) WHERE assignee_id IS NULL;

-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS tasks_both_idx ON {schema}.tasks (campaign_id, assignee_id, state, due_at, task_id);

-- step
CREATE INDEX CONCURRENTLY IF NOT EXISTS tasks_assignee_idx ON {schema}.tasks (assignee_id, state, due_at, task_id);

-- step: statistics, by which the server plans, are never far behind a large enrolment
ALTER TABLE {schema}.send_queue SET (autovacuum_analyze_scale_factor = 0.02);

-- step: the sums are read from the index alone where vacuum has been
ALTER TABLE {schema}.contact_campaigns SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
