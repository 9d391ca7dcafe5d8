"""Messages that time has to settle, a page at a time: without outcome, too late, silent."""

STALE = """
SELECT message_id, stream_id, attempt FROM {s}.send_queue
 WHERE state = 'SENDING' AND since < now() - make_interval(secs => %(sweep)s)
   AND message_id > %(after)s
 ORDER BY message_id LIMIT %(limit)s
"""

EXPIRED = """
SELECT message_id, stream_id, attempt FROM {s}.send_queue
 WHERE state IN ('PLANNED', 'QUEUED') AND expires_at <= %(now)s AND not_before < '9999-01-01'
   AND message_id > %(after)s
 ORDER BY message_id LIMIT %(limit)s
"""

# Webhooks are alive when, of at least 20 messages accepted in the last day and older than an hour,
# 99 in 100 have a fact, and the newest fact is younger than an hour. Too few messages count as no.
SILENT = """
WITH recent AS (
    SELECT q.message_id, EXISTS (SELECT 1 FROM {s}.webhook_inbox w
                                  WHERE w.message_id = q.message_id) AS told
      FROM {s}.send_queue q WHERE q.state = 'ACCEPTED'
       AND q.accepted_at BETWEEN %(now)s - interval '24 hours' AND %(now)s - interval '1 hour'
), alive AS (
    SELECT count(*) >= 20 AND count(*) FILTER (WHERE told) >= 0.99 * count(*)
       AND (SELECT max(occurred_at) FROM {s}.webhook_inbox) > %(now)s - interval '1 hour' AS yes
      FROM recent
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
