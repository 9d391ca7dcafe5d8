"""Messages that time has to settle, a page at a time: without outcome, too late, silent."""

STALE = """
SELECT message_id, stream_id, attempt FROM {s}.send_queue
 WHERE state = 'SENDING' AND since < now() - make_interval(secs => %(sweep)s)
   AND message_id > %(after)s
 ORDER BY message_id LIMIT %(limit)s
"""

# While somebody keeps it back nothing expires; it has its time anew when it is let go.
EXPIRED = """
SELECT message_id, stream_id, attempt FROM {s}.send_queue q
 WHERE state IN ('PLANNED', 'QUEUED') AND expires_at <= %(now)s AND not_before < '9999-01-01'
   AND message_id > %(after)s AND coalesce(hold_reason <> ALL(%(pauses)s::text[]), true)
   AND NOT EXISTS (SELECT FROM {s}.sending_rules r WHERE r.paused IS NOT NULL)
   AND NOT EXISTS (SELECT FROM {s}.campaigns g
                    WHERE g.campaign_id = q.campaign_id AND g.status = 'paused')
   AND NOT EXISTS (SELECT FROM {s}.sender_accounts a
                    WHERE a.sender = q.sender AND a.paused IS NOT NULL)
 ORDER BY message_id LIMIT %(limit)s
"""

# Webhooks were alive when on each of the three days at least 20 messages were accepted, 99 in 100
# of those older than an hour have an event, and the newest event is younger than an hour. A hole in
# any of the days, or too few messages, counts as no: silence then says nothing.
SILENT = """
WITH days AS (
    SELECT d, count(q.message_id) AS sent, count(q.message_id) FILTER (WHERE EXISTS (
               SELECT FROM {s}.webhook_inbox w WHERE w.about = q.message_id)) AS told
      FROM generate_series(0, 2) AS d
      LEFT JOIN {s}.send_queue q ON q.state = 'ACCEPTED'
       AND q.accepted_at > %(now)s - (d + 1) * interval '24 hours'
       AND q.accepted_at <= %(now)s - greatest(d * interval '24 hours', interval '1 hour')
     GROUP BY d
), alive AS (
    SELECT bool_and(sent >= 20 AND told >= 0.99 * sent)
       AND EXISTS (SELECT FROM {s}.webhook_inbox
                    WHERE occurred_at BETWEEN %(now)s - interval '1 hour' AND %(now)s) AS yes
      FROM days
)
SELECT message_id, stream_id, attempt FROM {s}.send_queue
 WHERE state = 'UNKNOWN' AND not_before < %(since)s AND (SELECT yes FROM alive)
   AND message_id > %(after)s
 ORDER BY message_id LIMIT %(limit)s
"""

# Every look at a due message sends it or says when to look again; so an old one was not looked at.
IDLE = """
SELECT min(not_before) FROM {s}.send_queue WHERE state = 'QUEUED' AND not_before < %(before)s
"""
