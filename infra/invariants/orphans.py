"""What belongs together is there: references, stages, messages, errands (I1, I2, I7, I11)."""

from infra.invariants.snapshot import Query

# Erasure takes a contact and what was written for it out of the vault and ends its streams first:
# only what still runs must have both.
_ORPHANS = """
SELECT 'stream ' || x.stream_id || ': no campaign ' || x.campaign_id
  FROM {s}.streams x WHERE NOT EXISTS (
       SELECT FROM {s}.campaigns c WHERE c.campaign_id = x.campaign_id)
UNION ALL
SELECT 'stream ' || x.stream_id || ' has not ended: no contact ' || x.contact_id
  FROM {s}.streams x JOIN pg_temp.courses g ON g.stream = x.stream_id AND g.stage <> 'ended'
 WHERE NOT EXISTS (SELECT FROM {s}.contacts c WHERE c.contact_id = x.contact_id)
UNION ALL
SELECT 'stream ' || x.stream_id || ' has not ended: no plan ' || x.plan_hash || ' for its contact'
  FROM {s}.streams x JOIN pg_temp.courses g ON g.stream = x.stream_id AND g.stage <> 'ended'
 WHERE NOT EXISTS (SELECT FROM {s}.plan_contacts p JOIN {s}.plans USING (plan_hash)
                    WHERE p.plan_hash = x.plan_hash AND p.contact_id = x.contact_id)
UNION ALL
SELECT 'plan ' || p.plan_hash || ': serves no contact'
  FROM {s}.plans p WHERE NOT EXISTS (
       SELECT FROM {s}.plan_contacts c WHERE c.plan_hash = p.plan_hash)
UNION ALL
SELECT r.kind || ' ' || r.id || ': no stream ' || r.stream_id
  FROM (SELECT 'message', message_id::text, stream_id FROM {s}.send_queue
        UNION ALL SELECT 'timer', timer_id::text, stream_id FROM {s}.timers
        UNION ALL SELECT 'report', inbox_id::text, stream_id FROM {s}.webhook_inbox
                   WHERE stream_id IS NOT NULL
        UNION ALL SELECT 'contact-campaign', stream_id::text, stream_id FROM {s}.contact_campaigns
        UNION ALL SELECT 'activity', position::text, stream_id FROM {s}.activity_feed
        UNION ALL SELECT 'errand', errand_id::text, stream_id FROM {s}.errands
        UNION ALL SELECT 'task', task_id::text, stream_id FROM {s}.tasks
        UNION ALL SELECT 'notice', notice_id::text, stream_id FROM {s}.notices
       ) AS r (kind, id, stream_id)
 WHERE NOT EXISTS (SELECT FROM {s}.streams x WHERE x.stream_id = r.stream_id)
UNION ALL
SELECT r.kind || ' ' || r.id || ': no message ' || r.message_id
  FROM (SELECT 'mail', message_id::text, message_id FROM {s}.bodies
        UNION ALL SELECT 'link', message_id || '/' || number, message_id FROM {s}.links
        UNION ALL SELECT 'report', inbox_id::text, message_id FROM {s}.webhook_inbox
                   WHERE message_id IS NOT NULL
       ) AS r (kind, id, message_id)
 WHERE NOT EXISTS (SELECT FROM {s}.send_queue q WHERE q.message_id = r.message_id)
"""
_REFERRING = """
SELECT (SELECT count(*) FROM {s}.streams) + (SELECT count(*) FROM {s}.plans)
     + (SELECT count(*) FROM {s}.send_queue) + (SELECT count(*) FROM {s}.timers)
     + (SELECT count(*) FROM {s}.webhook_inbox) + (SELECT count(*) FROM {s}.contact_campaigns)
     + (SELECT count(*) FROM {s}.activity_feed) + (SELECT count(*) FROM {s}.bodies)
     + (SELECT count(*) FROM {s}.links) + (SELECT count(*) FROM {s}.errands)
     + (SELECT count(*) FROM {s}.tasks) + (SELECT count(*) FROM {s}.notices)
"""

_COUNTS = """
SELECT 'campaign ' || coalesce(e.campaign, r.campaign_id) || ': ' || coalesce(e.number, 0)
       || ' enrolments, ' || coalesce(r.number, 0) || ' contact-campaigns'
  FROM (SELECT campaign, sum(shown) FROM pg_temp.courses WHERE shown > 0
         GROUP BY campaign) AS e (campaign, number)
  FULL JOIN (SELECT campaign_id, count(*) FROM {s}.contact_campaigns
              WHERE status IN ('draft', 'scheduled', 'active', 'paused', 'completed', 'exited',
                               'failed')
              GROUP BY campaign_id) AS r (campaign_id, number) ON r.campaign_id = e.campaign
 WHERE e.number IS DISTINCT FROM r.number
UNION ALL
SELECT 'contact-campaign ' || stream_id || ': ' || status || ', outcome '
       || coalesce(outcome, 'none')
  FROM {s}.contact_campaigns
 WHERE (status IN ('completed', 'exited', 'failed')) <> (outcome IS NOT NULL)
"""

_AFTER_THE_END = """
SELECT 'stream ' || t.stream_id || ' is ' || g.stage || ' and has a timer: ' || t.kind
  FROM {s}.timers t JOIN pg_temp.courses g ON g.stream = t.stream_id
 WHERE g.stage IN ('ended', 'paused')
UNION ALL
SELECT 'stream ' || q.stream_id || ' has ended and message ' || q.message_id || ' is ' || q.state
  FROM {s}.send_queue q JOIN pg_temp.courses g ON g.stream = q.stream_id
 WHERE g.stage = 'ended' AND q.state IN ('PLANNED', 'QUEUED')
UNION ALL
SELECT 'stream ' || k.stream_id || ' has ended and task ' || k.task_id || ' is open'
  FROM {s}.tasks k JOIN pg_temp.courses g ON g.stream = k.stream_id
 WHERE g.stage = 'ended' AND k.state = 'open'
"""

_NOT_BOTH = """
SELECT CASE WHEN m.row_stream IS NULL
            THEN 'message ' || m.message || ' was planned in stream ' || m.stream || ': no row'
            WHEN coalesce(w.planned, 0) = 0
            THEN 'message ' || m.message || ' is ' || m.state || ': no fact planned it'
            WHEN w.planned > 1
            THEN 'message ' || m.message || ' was planned ' || w.planned || ' times'
            ELSE 'message ' || m.message || ' was planned in stream ' || m.stream
                 || ', its row is of stream ' || m.row_stream END
  FROM pg_temp.messages m LEFT JOIN pg_temp.words w USING (word)
 WHERE (m.row_stream IS NULL AND w.planned > 0) OR m.row_stream <> m.stream
    OR (m.row_stream IS NOT NULL AND coalesce(w.planned, 0) <> 1)
UNION ALL
SELECT 'errand ' || e.errand_id || ' (' || e.kind || '): '
       || CASE WHEN a.errand IS NULL THEN 'no fact asked for it' ELSE 'its call has an outcome' END
  FROM {s}.errands e
  LEFT JOIN pg_temp.facts a ON a.errand = e.errand_id AND a.stream = e.stream_id
   AND a.version = e.version
   AND a.topic = CASE e.kind WHEN 'webhook' THEN 'webhook_requested'
                             WHEN 'notify' THEN 'notification_requested'
                             ELSE 'contact_update_requested' END
 WHERE a.errand IS NULL OR EXISTS (
       SELECT FROM pg_temp.facts r WHERE r.errand = e.errand_id AND r.topic = 'webhook_resolved')
UNION ALL
SELECT 'call ' || c.errand || ' of stream ' || c.stream || ': asked for ' || c.asked
       || ' times, ' || c.ended || ' outcomes'
       || CASE WHEN c.asked = 1 AND c.ended = 0 THEN ', and no row' ELSE '' END
  FROM (SELECT errand, min(stream::text) AS stream,
               count(*) FILTER (WHERE topic = 'webhook_requested') AS asked,
               count(*) FILTER (WHERE topic = 'webhook_resolved') AS ended
          FROM pg_temp.facts WHERE topic IN ('webhook_requested', 'webhook_resolved')
         GROUP BY errand) c
 WHERE c.asked <> 1 OR c.ended > 1
    OR (c.ended = 0 AND NOT EXISTS (SELECT FROM {s}.errands e WHERE e.errand_id = c.errand))
UNION ALL
SELECT 'notice ' || n.errand || ' of stream ' || n.stream || ': neither told nor waiting'
  FROM pg_temp.facts n JOIN {s}.streams x ON x.stream_id = n.stream
  JOIN {s}.contacts c ON c.contact_id = x.contact_id
 WHERE n.topic = 'notification_requested'
   AND NOT EXISTS (SELECT FROM {s}.errands e WHERE e.errand_id = n.errand)
   AND NOT EXISTS (SELECT FROM {s}.notices t WHERE t.notice_id = n.errand)
"""

QUERIES = (
    Query("I1", "Every row refers to what is there", _REFERRING, _ORPHANS),
    Query(
        "I2",
        "A campaign's contact-campaigns are its enrolments, each in one stage",
        "SELECT coalesce(sum(enrolments), 0) FROM pg_temp.courses",
        _COUNTS,
    ),
    Query(
        "I7",
        "What has ended waits for nothing, nor anybody for it; what is paused has no timer",
        "SELECT count(*) FROM pg_temp.courses WHERE stage IN ('ended', 'paused')",
        _AFTER_THE_END,
    ),
    Query(
        "I11",
        "Each planned message has one row, each call and notice its row or its end; nothing else",
        """SELECT count(*) FROM pg_temp.facts
            WHERE (topic = 'node_entered' AND message IS NOT NULL)
               OR topic IN ('webhook_requested', 'notification_requested')""",
        _NOT_BOTH,
    ),
)
