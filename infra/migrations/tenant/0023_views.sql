-- What analysts read: views without personal data, for the role antiphon_analyst_<name>, which can
-- read them and nothing else. The comments are what docs/reference/views.md says of them.
-- Takes steps: each is a transaction of its own and may be repeated.

-- step: the series of a tenant hour by hour
CREATE INDEX CONCURRENTLY IF NOT EXISTS metrics_hourly_bucket_idx ON {schema}.metrics_hourly (bucket);

-- step
CREATE OR REPLACE VIEW {schema}.v_contact_campaigns AS
SELECT c.stream_id AS contact_campaign_id,
       c.campaign_id,
       g.name AS campaign,
       c.contact_id,
       c.run,
       c.plan_hash,
       c.status,
       c.node,
       c.outcome,
       c.accepted_at AS enrolled_at,
       c.started_at,
       c.ended_at,
       c.changed_at
  FROM {schema}.contact_campaigns c LEFT JOIN {schema}.campaigns g USING (campaign_id);
COMMENT ON VIEW {schema}.v_contact_campaigns IS 'one contact in one campaign, one run: a row each';
COMMENT ON COLUMN {schema}.v_contact_campaigns.contact_campaign_id IS 'the contact-campaign';
COMMENT ON COLUMN {schema}.v_contact_campaigns.campaign_id IS 'the campaign';
COMMENT ON COLUMN {schema}.v_contact_campaigns.campaign IS 'its name';
COMMENT ON COLUMN {schema}.v_contact_campaigns.contact_id IS 'the contact, by its id alone';
COMMENT ON COLUMN {schema}.v_contact_campaigns.run IS 'number of this enrolment of the contact in the campaign, from 1';
COMMENT ON COLUMN {schema}.v_contact_campaigns.plan_hash IS 'the plan in force';
COMMENT ON COLUMN {schema}.v_contact_campaigns.status IS 'draft, scheduled, active, paused, completed, exited, failed';
COMMENT ON COLUMN {schema}.v_contact_campaigns.node IS 'where it stands, or where it ended';
COMMENT ON COLUMN {schema}.v_contact_campaigns.outcome IS 'how it ended; null while it runs';
COMMENT ON COLUMN {schema}.v_contact_campaigns.enrolled_at IS 'when its plan was accepted (UTC)';
COMMENT ON COLUMN {schema}.v_contact_campaigns.started_at IS 'when it began to run (UTC)';
COMMENT ON COLUMN {schema}.v_contact_campaigns.ended_at IS 'when it ended (UTC)';
COMMENT ON COLUMN {schema}.v_contact_campaigns.changed_at IS 'when the last of these was recorded (UTC)';

-- step
CREATE OR REPLACE VIEW {schema}.v_messages AS
SELECT q.message_id,
       q.stream_id AS contact_campaign_id,
       q.campaign_id,
       g.name AS campaign,
       q.contact_id,
       q.node,
       q.visit,
       q.channel,
       q.variant,
       q.sender,
       q.state,
       q.attempt AS attempts,
       q.hold_reason,
       q.reason,
       q.planned_at,
       q.due_at,
       q.accepted_at,
       e.delivered_at,
       e.replied_at,
       e.auto_replied_at,
       e.bounced_at,
       e.complained_at,
       e.unsubscribed_at
  FROM {schema}.send_queue q LEFT JOIN {schema}.campaigns g USING (campaign_id)
  LEFT JOIN (
    SELECT a.campaign_id, a.message_id,
           min(a.at) FILTER (WHERE a.kind = 'signal.delivered') AS delivered_at,
           min(a.at) FILTER (WHERE a.kind = 'signal.replied') AS replied_at,
           min(a.at) FILTER (WHERE a.kind = 'signal.auto_replied') AS auto_replied_at,
           min(a.at) FILTER (WHERE a.kind = 'signal.bounced') AS bounced_at,
           min(a.at) FILTER (WHERE a.kind = 'signal.spam_reported') AS complained_at,
           min(a.at) FILTER (WHERE a.kind = 'signal.unsubscribed') AS unsubscribed_at
      FROM {schema}.activity_feed a
     WHERE a.category = 'engagement' AND a.message_id IS NOT NULL
     GROUP BY a.campaign_id, a.message_id
  ) e ON e.campaign_id = q.campaign_id AND e.message_id = q.message_id;
COMMENT ON VIEW {schema}.v_messages IS 'one message a row, whatever became of it; opens and clicks are in the counters only, for what is known of who was behind them may change';
COMMENT ON COLUMN {schema}.v_messages.message_id IS 'the message';
COMMENT ON COLUMN {schema}.v_messages.contact_campaign_id IS 'the contact-campaign';
COMMENT ON COLUMN {schema}.v_messages.campaign_id IS 'the campaign';
COMMENT ON COLUMN {schema}.v_messages.campaign IS 'its name';
COMMENT ON COLUMN {schema}.v_messages.contact_id IS 'the contact, by its id alone';
COMMENT ON COLUMN {schema}.v_messages.node IS 'the node of the plan';
COMMENT ON COLUMN {schema}.v_messages.visit IS 'the how-manieth entry of the node';
COMMENT ON COLUMN {schema}.v_messages.channel IS 'email, sms, linkedin_invite, linkedin_message';
COMMENT ON COLUMN {schema}.v_messages.variant IS 'the content that was drawn; empty where there is one only';
COMMENT ON COLUMN {schema}.v_messages.sender IS 'the sender account by name; empty: that of the campaign';
COMMENT ON COLUMN {schema}.v_messages.state IS 'PLANNED, QUEUED, SENDING, ACCEPTED, FAILED, UNKNOWN, PRESUMED_LOST, CANCELLED';
COMMENT ON COLUMN {schema}.v_messages.attempts IS 'calls of the provider so far';
COMMENT ON COLUMN {schema}.v_messages.hold_reason IS 'why it waits, if it does';
COMMENT ON COLUMN {schema}.v_messages.reason IS 'why it failed, is in doubt or was cancelled';
COMMENT ON COLUMN {schema}.v_messages.planned_at IS 'when the contact came to the node (UTC)';
COMMENT ON COLUMN {schema}.v_messages.due_at IS 'when it is or was due (UTC)';
COMMENT ON COLUMN {schema}.v_messages.accepted_at IS 'when the provider took it (UTC)';
COMMENT ON COLUMN {schema}.v_messages.delivered_at IS 'when its delivery was reported (UTC)';
COMMENT ON COLUMN {schema}.v_messages.replied_at IS 'when a person first answered it (UTC)';
COMMENT ON COLUMN {schema}.v_messages.auto_replied_at IS 'when a program first answered it (UTC)';
COMMENT ON COLUMN {schema}.v_messages.bounced_at IS 'when it came back (UTC)';
COMMENT ON COLUMN {schema}.v_messages.complained_at IS 'when it was reported as spam (UTC)';
COMMENT ON COLUMN {schema}.v_messages.unsubscribed_at IS 'when the contact opted out by it (UTC)';

-- step
CREATE OR REPLACE VIEW {schema}.v_activity AS
SELECT a.position,
       a.at,
       a.kind,
       a.category,
       a.stream_id AS contact_campaign_id,
       a.campaign_id,
       g.name AS campaign,
       a.contact_id,
       a.message_id,
       a.node,
       a.detail
  FROM {schema}.activity_feed a LEFT JOIN {schema}.campaigns g USING (campaign_id);
COMMENT ON VIEW {schema}.v_activity IS 'what happened, a row each, in the order of the log';
COMMENT ON COLUMN {schema}.v_activity.position IS 'place in the log; later facts have higher ones';
COMMENT ON COLUMN {schema}.v_activity.at IS 'when it happened (UTC)';
COMMENT ON COLUMN {schema}.v_activity.kind IS 'what happened, such as message.accepted, signal.replied, machine.opened, judged.opened';
COMMENT ON COLUMN {schema}.v_activity.category IS 'lifecycle: what we did and decided; engagement: what came back';
COMMENT ON COLUMN {schema}.v_activity.contact_campaign_id IS 'the contact-campaign';
COMMENT ON COLUMN {schema}.v_activity.campaign_id IS 'the campaign';
COMMENT ON COLUMN {schema}.v_activity.campaign IS 'its name';
COMMENT ON COLUMN {schema}.v_activity.contact_id IS 'the contact, by its id alone';
COMMENT ON COLUMN {schema}.v_activity.message_id IS 'the message it is about, if any';
COMMENT ON COLUMN {schema}.v_activity.node IS 'the node of the plan, if any';
COMMENT ON COLUMN {schema}.v_activity.detail IS 'a word more: the reason, the channel, the outcome';

-- step
CREATE OR REPLACE VIEW {schema}.v_campaign_daily AS
SELECT (m.bucket AT TIME ZONE 'UTC')::date AS day,
       m.campaign_id,
       g.name AS campaign,
       sum(m.enrolled)::bigint AS enrolled,
       sum(m.started)::bigint AS started,
       sum(m.completed)::bigint AS completed,
       sum(m.exited)::bigint AS exited,
       sum(m.planned)::bigint AS planned,
       sum(m.accepted)::bigint AS accepted,
       sum(m.failed)::bigint AS failed,
       sum(m.cancelled)::bigint AS cancelled,
       sum(m.presumed_lost)::bigint AS presumed_lost,
       sum(m.delivered)::bigint AS delivered,
       sum(m.opens)::bigint AS opens,
       sum(m.unique_opens)::bigint AS unique_opens,
       sum(m.machine_opens)::bigint AS machine_opens,
       sum(m.unknown_opens)::bigint AS unknown_opens,
       sum(m.clicks)::bigint AS clicks,
       sum(m.unique_clicks)::bigint AS unique_clicks,
       sum(m.machine_clicks)::bigint AS machine_clicks,
       sum(m.unknown_clicks)::bigint AS unknown_clicks,
       sum(m.replies)::bigint AS replies,
       sum(m.auto_replies)::bigint AS auto_replies,
       sum(m.bounces)::bigint AS bounces,
       sum(m.deferrals)::bigint AS deferrals,
       sum(m.complaints)::bigint AS complaints,
       sum(m.unsubscribes)::bigint AS unsubscribes
  FROM {schema}.metrics_daily m LEFT JOIN {schema}.campaigns g USING (campaign_id)
 GROUP BY m.bucket, m.campaign_id, g.name;
COMMENT ON VIEW {schema}.v_campaign_daily IS 'what was counted in a campaign on a day; days on which nothing happened have no row';
COMMENT ON COLUMN {schema}.v_campaign_daily.day IS 'the day in UTC on which it happened';
COMMENT ON COLUMN {schema}.v_campaign_daily.campaign_id IS 'the campaign';
COMMENT ON COLUMN {schema}.v_campaign_daily.campaign IS 'its name';
COMMENT ON COLUMN {schema}.v_campaign_daily.enrolled IS 'contact-campaigns whose plan was accepted';
COMMENT ON COLUMN {schema}.v_campaign_daily.started IS 'contact-campaigns that began to run';
COMMENT ON COLUMN {schema}.v_campaign_daily.completed IS 'contact-campaigns that reached a stop node';
COMMENT ON COLUMN {schema}.v_campaign_daily.exited IS 'contact-campaigns that ended from outside of their plan: a no, a goal, an order, a bound';
COMMENT ON COLUMN {schema}.v_campaign_daily.planned IS 'messages that a contact came to';
COMMENT ON COLUMN {schema}.v_campaign_daily.accepted IS 'messages that the provider took';
COMMENT ON COLUMN {schema}.v_campaign_daily.failed IS 'messages that cannot be sent';
COMMENT ON COLUMN {schema}.v_campaign_daily.cancelled IS 'messages that were planned and will not be sent';
COMMENT ON COLUMN {schema}.v_campaign_daily.presumed_lost IS 'messages whose sending is in doubt and taken as not done';
COMMENT ON COLUMN {schema}.v_campaign_daily.delivered IS 'messages that reached a mailbox';
COMMENT ON COLUMN {schema}.v_campaign_daily.opens IS 'every open by a person, or by nobody knows whom; none by a machine';
COMMENT ON COLUMN {schema}.v_campaign_daily.unique_opens IS 'messages opened by a person at least once; 0 also where no message asks for it';
COMMENT ON COLUMN {schema}.v_campaign_daily.machine_opens IS 'every open by a machine: a mail scanner, a proxy of images';
COMMENT ON COLUMN {schema}.v_campaign_daily.unknown_opens IS 'those among opens of which nobody can tell who was behind them';
COMMENT ON COLUMN {schema}.v_campaign_daily.clicks IS 'every click by a person, or by nobody knows whom; none by a machine';
COMMENT ON COLUMN {schema}.v_campaign_daily.unique_clicks IS 'messages clicked by a person at least once; 0 also where no message asks for it';
COMMENT ON COLUMN {schema}.v_campaign_daily.machine_clicks IS 'every click by a machine';
COMMENT ON COLUMN {schema}.v_campaign_daily.unknown_clicks IS 'those among clicks of which nobody can tell who was behind them';
COMMENT ON COLUMN {schema}.v_campaign_daily.replies IS 'messages that a person answered';
COMMENT ON COLUMN {schema}.v_campaign_daily.auto_replies IS 'messages that a program answered, such as an absence note';
COMMENT ON COLUMN {schema}.v_campaign_daily.bounces IS 'messages that came back for good';
COMMENT ON COLUMN {schema}.v_campaign_daily.deferrals IS 'every report of a mailbox that asked to be tried later';
COMMENT ON COLUMN {schema}.v_campaign_daily.complaints IS 'messages that were reported as spam';
COMMENT ON COLUMN {schema}.v_campaign_daily.unsubscribes IS 'messages after which the contact opted out';

-- step
CREATE OR REPLACE VIEW {schema}.v_variant_results AS
SELECT m.campaign_id,
       g.name AS campaign,
       m.node,
       m.variant,
       min((m.bucket AT TIME ZONE 'UTC')::date) AS first_day,
       max((m.bucket AT TIME ZONE 'UTC')::date) AS last_day,
       sum(m.planned)::bigint AS planned,
       sum(m.accepted)::bigint AS accepted,
       sum(m.failed)::bigint AS failed,
       sum(m.cancelled)::bigint AS cancelled,
       sum(m.presumed_lost)::bigint AS presumed_lost,
       sum(m.delivered)::bigint AS delivered,
       sum(m.opens)::bigint AS opens,
       sum(m.unique_opens)::bigint AS unique_opens,
       sum(m.machine_opens)::bigint AS machine_opens,
       sum(m.unknown_opens)::bigint AS unknown_opens,
       sum(m.clicks)::bigint AS clicks,
       sum(m.unique_clicks)::bigint AS unique_clicks,
       sum(m.machine_clicks)::bigint AS machine_clicks,
       sum(m.unknown_clicks)::bigint AS unknown_clicks,
       sum(m.replies)::bigint AS replies,
       sum(m.auto_replies)::bigint AS auto_replies,
       sum(m.bounces)::bigint AS bounces,
       sum(m.deferrals)::bigint AS deferrals,
       sum(m.complaints)::bigint AS complaints,
       sum(m.unsubscribes)::bigint AS unsubscribes
  FROM {schema}.metrics_daily m LEFT JOIN {schema}.campaigns g USING (campaign_id)
 WHERE m.variant <> ''
 GROUP BY m.campaign_id, g.name, m.node, m.variant;
COMMENT ON VIEW {schema}.v_variant_results IS 'what was counted for each variant of a node, since the beginning';
COMMENT ON COLUMN {schema}.v_variant_results.campaign_id IS 'the campaign';
COMMENT ON COLUMN {schema}.v_variant_results.campaign IS 'its name';
COMMENT ON COLUMN {schema}.v_variant_results.node IS 'the node of the plan';
COMMENT ON COLUMN {schema}.v_variant_results.variant IS 'the content that was drawn';
COMMENT ON COLUMN {schema}.v_variant_results.first_day IS 'the first day in UTC on which something was counted';
COMMENT ON COLUMN {schema}.v_variant_results.last_day IS 'the last one';
COMMENT ON COLUMN {schema}.v_variant_results.planned IS 'messages that a contact came to';
COMMENT ON COLUMN {schema}.v_variant_results.accepted IS 'messages that the provider took';
COMMENT ON COLUMN {schema}.v_variant_results.failed IS 'messages that cannot be sent';
COMMENT ON COLUMN {schema}.v_variant_results.cancelled IS 'messages that were planned and will not be sent';
COMMENT ON COLUMN {schema}.v_variant_results.presumed_lost IS 'messages whose sending is in doubt and taken as not done';
COMMENT ON COLUMN {schema}.v_variant_results.delivered IS 'messages that reached a mailbox';
COMMENT ON COLUMN {schema}.v_variant_results.opens IS 'every open by a person, or by nobody knows whom; none by a machine';
COMMENT ON COLUMN {schema}.v_variant_results.unique_opens IS 'messages opened by a person at least once; 0 also where no message asks for it';
COMMENT ON COLUMN {schema}.v_variant_results.machine_opens IS 'every open by a machine: a mail scanner, a proxy of images';
COMMENT ON COLUMN {schema}.v_variant_results.unknown_opens IS 'those among opens of which nobody can tell who was behind them';
COMMENT ON COLUMN {schema}.v_variant_results.clicks IS 'every click by a person, or by nobody knows whom; none by a machine';
COMMENT ON COLUMN {schema}.v_variant_results.unique_clicks IS 'messages clicked by a person at least once; 0 also where no message asks for it';
COMMENT ON COLUMN {schema}.v_variant_results.machine_clicks IS 'every click by a machine';
COMMENT ON COLUMN {schema}.v_variant_results.unknown_clicks IS 'those among clicks of which nobody can tell who was behind them';
COMMENT ON COLUMN {schema}.v_variant_results.replies IS 'messages that a person answered';
COMMENT ON COLUMN {schema}.v_variant_results.auto_replies IS 'messages that a program answered, such as an absence note';
COMMENT ON COLUMN {schema}.v_variant_results.bounces IS 'messages that came back for good';
COMMENT ON COLUMN {schema}.v_variant_results.deferrals IS 'every report of a mailbox that asked to be tried later';
COMMENT ON COLUMN {schema}.v_variant_results.complaints IS 'messages that were reported as spam';
COMMENT ON COLUMN {schema}.v_variant_results.unsubscribes IS 'messages after which the contact opted out';

-- step
CREATE OR REPLACE VIEW {schema}.v_sender_daily AS
SELECT (m.bucket AT TIME ZONE 'UTC')::date AS day,
       m.sender,
       sum(m.planned)::bigint AS planned,
       sum(m.accepted)::bigint AS accepted,
       sum(m.failed)::bigint AS failed,
       sum(m.cancelled)::bigint AS cancelled,
       sum(m.presumed_lost)::bigint AS presumed_lost,
       sum(m.delivered)::bigint AS delivered,
       sum(m.opens)::bigint AS opens,
       sum(m.unique_opens)::bigint AS unique_opens,
       sum(m.machine_opens)::bigint AS machine_opens,
       sum(m.unknown_opens)::bigint AS unknown_opens,
       sum(m.clicks)::bigint AS clicks,
       sum(m.unique_clicks)::bigint AS unique_clicks,
       sum(m.machine_clicks)::bigint AS machine_clicks,
       sum(m.unknown_clicks)::bigint AS unknown_clicks,
       sum(m.replies)::bigint AS replies,
       sum(m.auto_replies)::bigint AS auto_replies,
       sum(m.bounces)::bigint AS bounces,
       sum(m.deferrals)::bigint AS deferrals,
       sum(m.complaints)::bigint AS complaints,
       sum(m.unsubscribes)::bigint AS unsubscribes
  FROM {schema}.metrics_daily m WHERE m.sender <> ''
 GROUP BY m.bucket, m.sender;
COMMENT ON VIEW {schema}.v_sender_daily IS 'what was counted for a sender on a day; days on which nothing happened have no row';
COMMENT ON COLUMN {schema}.v_sender_daily.day IS 'the day in UTC on which it happened';
COMMENT ON COLUMN {schema}.v_sender_daily.sender IS 'the sender account by name';
COMMENT ON COLUMN {schema}.v_sender_daily.planned IS 'messages that a contact came to';
COMMENT ON COLUMN {schema}.v_sender_daily.accepted IS 'messages that the provider took';
COMMENT ON COLUMN {schema}.v_sender_daily.failed IS 'messages that cannot be sent';
COMMENT ON COLUMN {schema}.v_sender_daily.cancelled IS 'messages that were planned and will not be sent';
COMMENT ON COLUMN {schema}.v_sender_daily.presumed_lost IS 'messages whose sending is in doubt and taken as not done';
COMMENT ON COLUMN {schema}.v_sender_daily.delivered IS 'messages that reached a mailbox';
COMMENT ON COLUMN {schema}.v_sender_daily.opens IS 'every open by a person, or by nobody knows whom; none by a machine';
COMMENT ON COLUMN {schema}.v_sender_daily.unique_opens IS 'messages opened by a person at least once; 0 also where no message asks for it';
COMMENT ON COLUMN {schema}.v_sender_daily.machine_opens IS 'every open by a machine: a mail scanner, a proxy of images';
COMMENT ON COLUMN {schema}.v_sender_daily.unknown_opens IS 'those among opens of which nobody can tell who was behind them';
COMMENT ON COLUMN {schema}.v_sender_daily.clicks IS 'every click by a person, or by nobody knows whom; none by a machine';
COMMENT ON COLUMN {schema}.v_sender_daily.unique_clicks IS 'messages clicked by a person at least once; 0 also where no message asks for it';
COMMENT ON COLUMN {schema}.v_sender_daily.machine_clicks IS 'every click by a machine';
COMMENT ON COLUMN {schema}.v_sender_daily.unknown_clicks IS 'those among clicks of which nobody can tell who was behind them';
COMMENT ON COLUMN {schema}.v_sender_daily.replies IS 'messages that a person answered';
COMMENT ON COLUMN {schema}.v_sender_daily.auto_replies IS 'messages that a program answered, such as an absence note';
COMMENT ON COLUMN {schema}.v_sender_daily.bounces IS 'messages that came back for good';
COMMENT ON COLUMN {schema}.v_sender_daily.deferrals IS 'every report of a mailbox that asked to be tried later';
COMMENT ON COLUMN {schema}.v_sender_daily.complaints IS 'messages that were reported as spam';
COMMENT ON COLUMN {schema}.v_sender_daily.unsubscribes IS 'messages after which the contact opted out';
