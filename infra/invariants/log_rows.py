"""The log is whole, its readers are in step, reports are taken once (I20 to I29)."""

from infra.invariants.snapshot import Query

_HOLES = """
SELECT 'stream ' || stream || ': ' || facts || ' events, versions ' || first || ' to ' || last
  FROM pg_temp.courses WHERE facts <> last OR first <> 1
UNION ALL
SELECT 'stream ' || stream || ': not in the directory'
  FROM pg_temp.courses c
 WHERE NOT EXISTS (SELECT FROM {s}.streams x WHERE x.stream_id = c.stream)
UNION ALL
SELECT 'stream ' || stream_id || ': in the directory, and without events'
  FROM {s}.streams x
 WHERE NOT EXISTS (SELECT FROM pg_temp.courses c WHERE c.stream = x.stream_id)
UNION ALL
SELECT 'stream ' || stream || ': begins with ' || first_topic
  FROM pg_temp.courses WHERE first_topic <> 'plan_accepted'
"""

# Some facts always have a row in the feed: where it is missing they were skipped.
_OUT_OF_STEP = """
WITH at AS (
    SELECT name, coalesce(t.notification_id, 0) AS position
      FROM unnest(%(projections)s::text[]) AS p (name)
      LEFT JOIN {s}.tracking t ON t.application_name = p.name
)
SELECT 'projection ' || name || ' is at ' || position || ', the log ends at ' || h.head
  FROM at CROSS JOIN (SELECT coalesce(max(notification_id), 0) FROM {s}.events) AS h (head)
 WHERE position > h.head
UNION ALL
SELECT 'activity at ' || f.position || ': the feed is at ' || at.position
  FROM {s}.activity_feed f JOIN at ON at.name = 'activity_feed' WHERE f.position > at.position
UNION ALL
SELECT 'activity at ' || a.position || ': no such fact'
  FROM {s}.activity_feed a
 WHERE NOT EXISTS (SELECT FROM {s}.events e WHERE e.notification_id = a.position)
UNION ALL
SELECT 'fact at ' || f.notification_id || ' (' || f.topic || ') was skipped by the feed'
  FROM {s}.events f JOIN at ON at.name = 'activity_feed'
 WHERE f.notification_id <= at.position
   AND f.topic IN ('plan_accepted', 'campaign_started', 'signal_recorded', 'message_accepted',
                   'message_cancelled', 'message_failed', 'message_unknown', 'completed', 'exited')
   AND NOT EXISTS (SELECT FROM {s}.activity_feed a WHERE a.position = f.notification_id)
   AND NOT EXISTS (SELECT FROM {s}.projection_poison p
                    WHERE p.projection = 'activity_feed' AND p.position = f.notification_id)
UNION ALL
SELECT 'contact-campaign ' || c.stream_id || ': accepted at ' || f.enrolled_at
       || ', the projection is at ' || at.position
  FROM {s}.contact_campaigns c JOIN at ON at.name = 'contact_campaigns'
  JOIN pg_temp.courses f ON f.stream = c.stream_id
 WHERE f.enrolled_at > at.position
"""

_SET_ASIDE = """
SELECT 'projection ' || projection || ', position ' || position || ' (' || topic || '): ' || error
  FROM {s}.projection_poison WHERE right(projection, 5) <> '@next'
"""

_TWICE = """
SELECT 'stream ' || stream || ': ' || count(*) || ' facts of report ' || key
  FROM pg_temp.reports WHERE topic = 'signal_recorded' AND key <> ''
 GROUP BY stream, message, key HAVING count(*) > 1
UNION ALL
SELECT 'message ' || message || ': ' || word || ' for the first time, ' || times || ' times'
  FROM (SELECT message, word,
               count(*) FILTER (WHERE (topic = 'signal_recorded' AND first)
                                   OR (recounted AND NOT machine)) AS times,
               count(*) FILTER (WHERE recounted AND machine) AS taken_back
          FROM pg_temp.reports WHERE message IS NOT NULL
         GROUP BY message, word) AS told
 WHERE times > 1 + taken_back
"""

_SILENT = """
SELECT 'report ' || inbox_id || ' (' || kind || ') is ' || state
       || CASE state WHEN 'new' THEN ' since ' || to_char(received_at, 'YYYY-MM-DD HH24:MI:SS')
                     WHEN 'claimed' THEN ' and its lease is over'
                     WHEN 'orphan' THEN ' and is not tried again'
                     WHEN 'parked' THEN ' without a reason' ELSE ' at no time' END
  FROM {s}.webhook_inbox
 WHERE (state = 'new' AND received_at < now() - %(inbox)s)
    OR (state = 'claimed' AND (lease_until IS NULL OR lease_until < now() - %(lease)s))
    OR (state = 'orphan' AND coalesce(reason, '') <> 'given_up'
        AND (next_try_at = 'infinity' OR next_try_at < now() - %(inbox)s))
    OR (state = 'parked' AND coalesce(reason, '') = '')
    OR (state IN ('recorded', 'no_news', 'duplicate') AND settled_at IS NULL)
"""

_TOO_LONG = """
SELECT 'stream ' || stream || ': ' || facts || ' events, ' || nodes || ' nodes, ' || sent
       || ' messages sent'
  FROM pg_temp.courses
 WHERE facts > %(events_max)s OR nodes > %(nodes_max)s OR sent > %(sends_max)s
"""

_STREAMS = "SELECT count(*) FROM pg_temp.courses"

QUERIES = (
    Query(
        "I20",
        "Streams have no gap and stand in the directory; in that of an account, circuits and "
        "limits take turns",
        _STREAMS,
        _HOLES,
    ),
    Query(
        "I22",
        "Rows and position of a projection move together: nothing ahead, nothing skipped",
        "SELECT coalesce(sum(facts), 0) FROM pg_temp.courses",
        _OUT_OF_STEP,
    ),
    Query(
        "I24",
        "No projection has set a fact aside",
        "SELECT count(*) FROM {s}.tracking WHERE right(application_name, 5) <> '@next'",
        _SET_ASIDE,
    ),
    Query(
        "I25",
        "Each report is one fact",
        "SELECT count(*) FROM pg_temp.reports WHERE topic = 'signal_recorded'",
        _TWICE,
    ),
    Query(
        "I27",
        "Each report that was kept has an end, or waits within its time",
        "SELECT count(*) FROM {s}.webhook_inbox",
        _SILENT,
    ),
    Query("I29", "Streams, walks and sends keep to their bounds", _STREAMS, _TOO_LONG),
)
