"""The counters are what the facts say, by hour and by day (I3, I5, I6)."""

from infra.invariants.snapshot import Query

_FOLDED = """
WITH told (campaign, node, counter, amount) AS (
    SELECT campaign, '', v.counter, v.amount
      FROM (SELECT campaign, sum(enrolled) AS enrolled, sum(started) AS started,
                   sum(completed) AS completed, sum(exited) AS exited
              FROM pg_temp.courses GROUP BY campaign) AS c
     CROSS JOIN LATERAL (VALUES ('enrolled', c.enrolled), ('started', c.started),
                                ('completed', c.completed), ('exited', c.exited)
           ) AS v (counter, amount)
     WHERE v.amount > 0
    UNION ALL
    SELECT campaign, node, CASE topic WHEN 'node_entered' THEN 'planned'
                                      ELSE substr(topic, length('message_') + 1) END, count(*)
      FROM pg_temp.facts WHERE counted AND message IS NOT NULL
       AND topic IN ('node_entered', 'message_accepted', 'message_cancelled', 'message_failed',
                     'message_presumed_lost')
     GROUP BY campaign, node, topic
    UNION ALL
    SELECT campaign, coalesce(node, ''), counter, 1
      FROM pg_temp.reports CROSS JOIN LATERAL (VALUES
           (word = 'opened' AND machine AND NOT derived, 'machine_opens'),
           (word = 'clicked' AND machine AND NOT derived, 'machine_clicks'),
           (word = 'opened' AND NOT machine AND NOT derived, 'opens'),
           (word = 'clicked' AND NOT machine AND NOT derived, 'clicks'),
           (word = 'opened' AND NOT machine AND first, 'unique_opens'),
           (word = 'clicked' AND NOT machine AND first, 'unique_clicks'),
           (word = 'opened' AND reader = 'unknown' AND NOT machine AND NOT derived,
            'unknown_opens'),
           (word = 'clicked' AND reader = 'unknown' AND NOT machine AND NOT derived,
            'unknown_clicks'),
           (word = 'deferred', 'deferrals'),
           (word = 'delivered' AND (first OR message IS NULL), 'delivered'),
           (word = 'replied' AND (first OR message IS NULL), 'replies'),
           (word = 'auto_replied' AND (first OR message IS NULL), 'auto_replies'),
           (word = 'bounced' AND (first OR message IS NULL), 'bounces'),
           (word = 'spam_reported' AND (first OR message IS NULL), 'complaints'),
           (word = 'unsubscribed' AND (first OR message IS NULL), 'unsubscribes')
           ) AS v (counts, counter)
     WHERE counted AND topic = 'signal_recorded' AND counts
    UNION ALL
    SELECT f.campaign, coalesce(f.node, ''), v.counter || s.suffix, v.amount
      FROM pg_temp.reports f CROSS JOIN LATERAL (
           SELECT CASE f.word WHEN 'opened' THEN 'opens' ELSE 'clicks' END AS suffix,
                  f.was_machine AS before, f.was_reader AS reader) s
      CROSS JOIN LATERAL (VALUES
           ('', CASE WHEN f.derived THEN 0 ELSE s.before::integer - f.machine::integer END),
           ('machine_', CASE WHEN f.derived THEN 0
                             ELSE f.machine::integer - s.before::integer END),
           ('unknown_', CASE WHEN f.derived THEN 0
                             ELSE (NOT f.machine AND f.reader = 'unknown')::integer
                                - (NOT s.before AND s.reader = 'unknown')::integer END),
           ('unique_', CASE WHEN NOT f.recounted THEN 0
                            WHEN f.machine THEN -1 ELSE 1 END)
           ) AS v (counter, amount)
     WHERE f.counted AND f.topic = 'signal_judged' AND v.amount <> 0
), expected AS (
    SELECT place, campaign, node, counter, amount
      FROM (SELECT campaign, node, counter, sum(amount) AS amount FROM told GROUP BY 1, 2, 3) AS f
     CROSS JOIN (VALUES ('hourly'), ('daily')) AS t (place)
), shown AS (
    SELECT place, campaign, node, counter, sum(amount) AS amount
      FROM pg_temp.counters GROUP BY 1, 2, 3, 4
)
SELECT 'campaign ' || campaign || coalesce(', node ' || nullif(node, ''), '') || ': ' || place
       || ' says ' || coalesce(k.amount, 0) || ' ' || counter || ', the log '
       || coalesce(e.amount, 0)
  FROM shown k FULL JOIN expected e USING (place, campaign, node, counter)
 WHERE coalesce(k.amount, 0) <> coalesce(e.amount, 0)
UNION ALL
SELECT 'campaign ' || campaign || coalesce(', node ' || nullif(node, ''), '') || ', '
       || to_char(day, 'YYYY-MM-DD') || ': the hours say '
       || coalesce(sum(amount) FILTER (WHERE place = 'hourly'), 0) || ' ' || counter
       || ', the day ' || coalesce(sum(amount) FILTER (WHERE place = 'daily'), 0)
  FROM pg_temp.counters GROUP BY campaign, day, node, variant, sender, domain, counter
HAVING coalesce(sum(amount) FILTER (WHERE place = 'hourly'), 0)
    <> coalesce(sum(amount) FILTER (WHERE place = 'daily'), 0)
"""

_NEGATIVE = """
SELECT place || ', campaign ' || campaign || coalesce(', node ' || nullif(node, ''), '')
       || coalesce(', variant ' || nullif(variant, ''), '') || ', ' || to_char(day, 'YYYY-MM-DD')
       || ': ' || amount || ' ' || counter
  FROM pg_temp.counters WHERE amount < 0
"""

# An open may come before its delivery, and a delivery may still be in the inbox: as many as wait
# there may be missing.
_RELATIONS = """
WITH nodes AS (
    SELECT campaign_id, node, sum(accepted) AS accepted, sum(delivered) AS delivered,
           sum(unique_opens) AS unique_opens, sum(unique_clicks) AS unique_clicks,
           sum(replies) AS replies
      FROM {s}.metrics_daily WHERE node <> '' GROUP BY campaign_id, node
), waiting AS (
    SELECT count(*) AS number FROM {s}.webhook_inbox
     WHERE state IN ('new', 'claimed', 'orphan')
), of_facts AS (
    SELECT f.campaign, f.node, q.variant, count(*) AS accepted
      FROM pg_temp.facts f JOIN {s}.send_queue q ON q.message_id = f.message
     WHERE f.counted AND f.topic = 'message_accepted' GROUP BY 1, 2, 3
), of_metrics AS (
    SELECT campaign_id AS campaign, node, variant, sum(accepted) AS accepted
      FROM {s}.metrics_daily GROUP BY 1, 2, 3 HAVING sum(accepted) <> 0
)
SELECT 'campaign ' || campaign_id || ', node ' || node || ': ' || less || ' ' || name
       || ', but ' || most || ' ' || of_what
  FROM nodes CROSS JOIN waiting CROSS JOIN LATERAL (VALUES
       (unique_opens, 'unique_opens', delivered, 'delivered', number),
       (delivered, 'delivered', accepted, 'accepted', 0),
       (unique_clicks, 'unique_clicks', accepted, 'accepted', 0),
       (replies, 'replies', accepted, 'accepted', 0)
       ) AS v (less, name, most, of_what, missing)
 WHERE less > most + missing
UNION ALL
SELECT 'campaign ' || campaign || ', node ' || node || ', variant ' || variant || ': '
       || coalesce(m.accepted, 0) || ' counted as accepted, the messages are '
       || coalesce(f.accepted, 0)
  FROM of_facts f FULL JOIN of_metrics m USING (campaign, node, variant)
 WHERE coalesce(m.accepted, 0) <> coalesce(f.accepted, 0)
"""

_ROWS = (
    "SELECT (SELECT count(*) FROM {s}.metrics_hourly) + (SELECT count(*) FROM {s}.metrics_daily)"
)

QUERIES = (
    Query("I3", "Counters are the fold of the log, by node, hour and day", _ROWS, _FOLDED),
    Query("I5", "No counter is below nought", _ROWS, _NEGATIVE),
    Query(
        "I6",
        "Opens <= delivered <= accepted; clicks and replies <= accepted; variants make the whole",
        "SELECT count(*) FROM {s}.metrics_daily",
        _RELATIONS,
    ),
)
