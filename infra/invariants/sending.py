"""Each message is tried once at a time, in time, with a reason, and never after a stop."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from infra.invariants.finding import Finding, Tally
from infra.invariants.snapshot import Query, Snapshot

_OUTCOMES = """
SELECT 'message ' || c.message || ', attempt ' || c.attempt || ': '
       || CASE WHEN c.next IS NOT NULL
               THEN 'then ' || c.next || coalesce(' of attempt ' || c.next_attempt, '')
               ELSE 'no outcome, and its row is ' || coalesce(q.state, 'missing') END
  FROM pg_temp.chain c LEFT JOIN {s}.send_queue q ON q.message_id = c.message
 WHERE NOT c.answered OR (c.topic = 'send_attempt_started' AND c.next IS NULL
   AND NOT coalesce(q.state = 'SENDING' AND q.attempt = c.attempt, false))
UNION ALL
SELECT 'message ' || m.message || ' is ACCEPTED: ' || coalesce(w.accepted, 0)
       || ' facts say so'
  FROM pg_temp.messages m LEFT JOIN pg_temp.words w USING (word)
 WHERE m.state = 'ACCEPTED' AND w.accepted IS DISTINCT FROM 1
UNION ALL
SELECT 'provider id ' || provider_id || ': ' || count(*) || ' messages'
  FROM {s}.send_queue WHERE provider_id IS NOT NULL GROUP BY provider_id HAVING count(*) > 1
"""
_ATTEMPTS = "SELECT count(*) FROM pg_temp.attempts"

_GRAPH = """
SELECT 'message ' || c.message || ', version ' || c.version || ': ' || c.topic || ' '
       || coalesce('when ' || nullif(c.before, ''), 'of nothing planned')
  FROM pg_temp.chain c WHERE NOT c.lawful
UNION ALL
SELECT 'message ' || message || ', version ' || version || ': ' || topic || ' of attempt '
       || attempt || ', not ' || attempts
  FROM pg_temp.chain WHERE attempt <> attempts
UNION ALL
SELECT 'message ' || q.message_id || ': its row is ' || q.state || ' at attempt ' || q.attempt
       || ', its facts say ' || c.after || ' at ' || c.attempts
  FROM pg_temp.chain c JOIN {s}.send_queue q ON q.message_id = c.message
 WHERE c.next IS NULL AND (q.state, q.attempt) IS DISTINCT FROM (c.after, c.attempts)
"""

_AFTER_A_STOP = """
WITH told AS (
    SELECT e.originator_id AS stream, e.originator_version AS version, e.topic,
           NULL::uuid AS message, NULL::integer AS attempt, '' AS word
      FROM pg_temp.suspects s JOIN {s}.events e ON e.originator_id = s.stream
     WHERE e.topic IN ('plan_accepted', 'campaign_started', 'paused', 'resumed', 'completed',
                       'exited')
    UNION ALL
    SELECT stream, version, 'send_attempt_started', message, attempt, ''
      FROM pg_temp.suspects JOIN pg_temp.attempts USING (stream)
    UNION ALL
    SELECT stream, version, topic, message, NULL, word
      FROM pg_temp.suspects JOIN pg_temp.reports USING (stream)
     WHERE topic = 'signal_recorded' AND NOT machine
       AND word IN ('replied', 'unsubscribed', 'spam_reported')
), attempts AS (
    SELECT f.stream, f.version, f.topic, f.message, f.attempt,
           coalesce(substr(max(to_char(f.version, 'FM0000000000') || t.stage) OVER w, 11),
                    'not enrolled') AS stage,
           max(f.version) FILTER (WHERE f.topic = 'signal_recorded') OVER w AS told_at
      FROM told f
      LEFT JOIN (VALUES ('plan_accepted', 'enrolled only'), ('campaign_started', 'active'),
                        ('paused', 'paused'), ('resumed', 'active'),
                        ('completed', 'ended'), ('exited', 'ended')) AS t (topic, stage)
        ON t.topic = f.topic
    WINDOW w AS (PARTITION BY f.stream ORDER BY f.version)
)
SELECT 'message ' || a.message || ', attempt ' || a.attempt || ': started '
       || CASE WHEN a.stage <> 'active' THEN 'while its stream was ' || a.stage
               ELSE 'after ' || told.word || ' of version ' || a.told_at END
  FROM attempts a
  LEFT JOIN pg_temp.facts planned ON planned.message = a.message
   AND planned.topic = 'node_entered' AND planned.stream = a.stream
  LEFT JOIN told ON told.stream = a.stream AND told.version = a.told_at
 WHERE a.topic = 'send_attempt_started'
   AND (a.stage <> 'active' OR a.told_at > planned.version)
UNION ALL
SELECT 'message ' || message || ', attempt ' || attempt || ': started while ' || why
  FROM pg_temp.while_closed WHERE at > since + %(residue)s
"""

_RESIDUE = """
SELECT count(DISTINCT position) FROM pg_temp.while_closed WHERE at <= since + %(residue)s
"""

_STUCK = """
SELECT 'message ' || message_id || ' is SENDING since '
       || coalesce(to_char(since, 'YYYY-MM-DD HH24:MI:SS'), 'nobody knows when')
  FROM {s}.send_queue
 WHERE state = 'SENDING' AND (since IS NULL OR since < now() - %(sending)s)
UNION ALL
SELECT 'message ' || message_id || ' is ' || state || ' and was due '
       || to_char(not_before, 'YYYY-MM-DD HH24:MI:SS')
  FROM {s}.send_queue
 WHERE state IN ('PLANNED', 'QUEUED') AND not_before < %(now)s - %(overdue)s
UNION ALL
SELECT 'message ' || q.message_id || ' is UNKNOWN and was due '
       || to_char(q.due_at, 'YYYY-MM-DD HH24:MI:SS')
  FROM {s}.send_queue q
 WHERE q.state = 'UNKNOWN' AND q.due_at < %(now)s - %(unknown)s
   AND (SELECT max(occurred_at) FROM {s}.webhook_inbox) > %(now)s - interval '1 hour'
UNION ALL
SELECT 'timer ' || timer_id || ' of stream ' || stream_id || ' is claimed and its lease is over'
  FROM {s}.timers
 WHERE state = 'claimed' AND (lease_until IS NULL OR lease_until < now() - %(lease)s)
UNION ALL
SELECT 'errand ' || errand_id || ' of stream ' || stream_id
       || CASE state WHEN 'due' THEN ' is due since ' || to_char(greatest(not_before, requested_at),
                                                                 'YYYY-MM-DD HH24:MI:SS')
                     ELSE ' is claimed and its lease is over' END
  FROM {s}.errands
 WHERE (state = 'due' AND greatest(not_before, requested_at) < %(now)s - %(overdue)s)
    OR (state = 'claimed' AND (lease_until IS NULL OR lease_until < now() - %(lease)s))
"""
_UNDER_WAY = """
SELECT (SELECT count(*) FROM {s}.send_queue
         WHERE state IN ('PLANNED', 'QUEUED', 'SENDING', 'UNKNOWN'))
     + (SELECT count(*) FROM {s}.timers) + (SELECT count(*) FROM {s}.errands)
"""

_WITHOUT_REASON = """
SELECT 'message ' || message_id || ' is ' || state || ', reason: '
       || coalesce(quote_literal(reason), 'none')
  FROM {s}.send_queue
 WHERE state IN ('CANCELLED', 'FAILED', 'UNKNOWN', 'PRESUMED_LOST')
   AND (reason IS NULL OR reason !~ '^[A-Za-z0-9][A-Za-z0-9_:.-]*$'
        OR (state = 'CANCELLED' AND NOT reason = ANY(%(cancel_reasons)s::text[])))
UNION ALL
SELECT 'message ' || message_id || ' is ' || state || ' and kept back, reason: '
       || coalesce(quote_literal(hold_reason), 'none')
  FROM {s}.send_queue
 WHERE state IN ('PLANNED', 'QUEUED') AND not_before > due_at
   AND coalesce(hold_reason, '') !~ '^[A-Za-z0-9][A-Za-z0-9_:.-]*$'
"""

QUERIES = (
    Query(
        "I10", "Each attempt has one outcome, each accepted message one fact", _ATTEMPTS, _OUTCOMES
    ),
    Query(
        "I12",
        "A message goes by the table of states; its row is where its facts left it",
        "SELECT count(*) FROM pg_temp.messages WHERE word IS NOT NULL",
        _GRAPH,
    ),
    Query(
        "I13",
        "No attempt after a reply, an opt-out, a pause or the end",
        _ATTEMPTS,
        _AFTER_A_STOP,
    ),
    Query(
        "I18",
        "Nothing is stuck: attempts, due messages, doubts, timers, errands",
        _UNDER_WAY,
        _STUCK,
    ),
    Query(
        "I19",
        "What was not sent has a reason",
        "SELECT count(*) FROM {s}.send_queue WHERE state <> 'ACCEPTED'",
        _WITHOUT_REASON,
    ),
)

_BY_US = """
SELECT 'message ' || m.message || ': ' || w.attempts - w.returned || ' attempts may have left'
  FROM pg_temp.words w JOIN pg_temp.messages m USING (word)
 WHERE w.attempts - w.returned > 1 + w.ordered AND NOT m.message = ANY(%(told)s::uuid[])
"""
_MESSAGES = """
SELECT count(*) FROM pg_temp.messages JOIN pg_temp.words USING (word) WHERE attempts > 0
"""
_BY_PROVIDER = """
SELECT m.id, m.times, (SELECT count(*) FROM pg_temp.facts f
                        WHERE f.message = m.id AND f.topic = 'resend_ordered')
  FROM unnest(%(ids)s::uuid[], %(times)s::integer[]) AS m (id, times) WHERE m.times > 1
 ORDER BY 1
"""


def accepted_once(taken: Snapshot, accepts: Mapping[str, int] | None) -> Finding:
    """I9: by the provider's own count where it is given, and by the attempts of the log.

    Who orders a message once more knows that it may arrive twice: an order is worth one attempt.
    """
    tally = Tally("I9", "A provider accepts a message at most once")
    told = _told_by_provider(taken, tally, accepts or {})
    by_us = Query("I9", "", _MESSAGES, _BY_US)
    found = taken.ask(by_us, {"told": told})
    tally.examined += found.examined
    tally.add_many(found.broken, list(found.examples))
    return tally.finding("" if accepts is not None else "; by our log, without its own count")


def _told_by_provider(taken: Snapshot, tally: Tally, accepts: Mapping[str, int]) -> list[UUID]:
    given = Counter({message or "": times for message, times in accepts.items()})
    if nameless := given.pop("", 0):
        tally.examined += 1
        tally.add(f"a message without our id: accepted {nameless} times by the provider")
    params = {"ids": [UUID(message) for message in given], "times": list(given.values())}
    told = []
    for message, times, ordered in taken.rows(_BY_PROVIDER, params):
        if times > 1 + ordered:
            told.append(message)
            tally.add(f"message {message}: accepted {times} times by the provider")
    return told


def residue_note(taken: Snapshot, residue: timedelta) -> str:
    """For I13: how many calls were claimed while a pause was being written."""
    number = taken.number(_RESIDUE, {"residue": residue})
    return f"; {number} claimed while a pause was written" if number else ""
