"""What is read for each metric of a tenant: its words, its labels, its statement.

The last column of a statement is the value, those before it are the labels. Times are seconds.
"""

from collections.abc import Mapping
from typing import LiteralString

BOUND = 100_000
"""No count goes further: a longer queue is as bad, and to count it would be felt."""
BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)

STORED: Mapping[str, tuple[str, list[str], LiteralString]] = {
    "antiphon_messages_waiting": (
        "Messages that are not settled, by state, as many as 100,000",
        ["state"],
        """
SELECT s.state, (SELECT count(*) FROM (SELECT FROM {s}.send_queue q WHERE q.state = s.state
                                        LIMIT %(most)s) AS few)
  FROM unnest(ARRAY['PLANNED', 'QUEUED', 'SENDING', 'UNKNOWN']) AS s (state)""",
    ),
    "antiphon_messages_settled": (
        "Messages that came to an end since the beginning, by how",
        ["outcome"],
        """
SELECT o.outcome, o.number
  FROM (SELECT coalesce(sum(accepted), 0) AS accepted, coalesce(sum(failed), 0) AS failed,
               coalesce(sum(cancelled), 0) AS cancelled,
               coalesce(sum(presumed_lost), 0) AS presumed_lost FROM {s}.metrics_daily) AS d
 CROSS JOIN LATERAL (VALUES ('accepted', d.accepted), ('failed', d.failed),
       ('cancelled', d.cancelled), ('presumed_lost', d.presumed_lost)) AS o (outcome, number)""",
    ),
    "antiphon_send_success_ratio": (
        "Accepted among all that was tried to an end, today and yesterday; 1 where nothing was",
        [],
        """
SELECT coalesce(sum(accepted) / nullif(sum(accepted) + sum(failed) + sum(presumed_lost), 0), 1)
  FROM {s}.metrics_daily WHERE bucket >= date_trunc('day', %(now)s) - interval '24 hours'""",
    ),
    "antiphon_messages_due": (
        "Messages that may leave now and have not, as many as 100,000",
        [],
        """
SELECT count(*) FROM (SELECT FROM {s}.send_queue
                       WHERE state = 'QUEUED' AND not_before <= %(now)s LIMIT %(most)s) AS few""",
    ),
    "antiphon_messages_due_age_seconds": (
        "How long the oldest message that may leave has been waiting, by the clock of the plans",
        [],
        """
SELECT greatest(0, coalesce(extract(epoch FROM %(now)s - min(not_before)), 0))
  FROM {s}.send_queue WHERE state = 'QUEUED' AND not_before <= %(now)s""",
    ),
    "antiphon_messages_held": (
        "Messages that a gate holds, by its reason; full limits go by their names",
        ["reason"],
        """
SELECT hold_reason, count(*) FROM (
       SELECT hold_reason FROM {s}.send_queue
        WHERE state IN ('PLANNED', 'QUEUED') AND hold_reason IS NOT NULL LIMIT %(most)s) AS few
 GROUP BY hold_reason""",
    ),
    "antiphon_inbox_waiting": (
        "Reports of providers that are not settled, by state, as many as 100,000",
        ["state"],
        """
SELECT 'new', count(*) FROM (SELECT FROM {s}.webhook_inbox WHERE state = 'new'
                              LIMIT %(most)s) AS few
UNION ALL
SELECT 'orphan', count(*) FROM (SELECT FROM {s}.webhook_inbox
        WHERE state = 'orphan' AND next_try_at < 'infinity' LIMIT %(most)s) AS few""",
    ),
    "antiphon_inbox_age_seconds": (
        "How long the oldest report that nobody took has been waiting",
        [],
        """
SELECT coalesce(extract(epoch FROM now() - (SELECT received_at FROM {s}.webhook_inbox
        WHERE state = 'new' ORDER BY inbox_id LIMIT 1)), 0)""",
    ),
    "antiphon_dead_letters": (
        "Reports that came to nothing and wait for a person, as many as 100,000",
        [],
        """
SELECT count(*) FROM (SELECT FROM {s}.webhook_inbox WHERE state = 'parked' LIMIT %(most)s) AS s""",
    ),
    "antiphon_poisoned_facts": (
        "Facts that a read model could not take",
        [],
        "SELECT count(*) FROM {s}.projection_poison",
    ),
    "antiphon_timers_due": (
        "Timers whose time has come, as many as 100,000",
        [],
        """
SELECT count(*) FROM (SELECT FROM {s}.timers
                       WHERE state = 'due' AND due_at <= %(now)s LIMIT %(most)s) AS few""",
    ),
    "antiphon_errands_due": (
        "Changes, notices and calls of endpoints whose time has come, as many as 100,000",
        [],
        """
SELECT count(*) FROM (SELECT FROM {s}.errands
                       WHERE state = 'due' AND not_before <= %(now)s LIMIT %(most)s) AS few""",
    ),
    "antiphon_circuits_open": (
        "Sender accounts whose circuit is open",
        [],
        """
SELECT count(*) FROM {s}.sender_accounts WHERE circuit = 'open' AND NOT deleted""",
    ),
    "antiphon_senders_paused": (
        "Sender accounts that are paused, by why",
        ["reason"],
        """
SELECT paused, count(*) FROM {s}.sender_accounts
 WHERE paused IS NOT NULL AND NOT deleted GROUP BY paused""",
    ),
    "antiphon_sending_paused": (
        "1 while all sending of the tenant is paused",
        [],
        "SELECT CASE WHEN paused IS NULL THEN 0 ELSE 1 END FROM {s}.sending_rules",
    ),
}

LATENCY: LiteralString = """
WITH settled AS (
    SELECT extract(epoch FROM settled_at - received_at)::float8 AS seconds
      FROM {s}.webhook_inbox
     WHERE state NOT IN ('new', 'claimed') AND received_at > now() - interval '5 minutes'
       AND state = 'recorded' AND settled_at IS NOT NULL)
SELECT coalesce((SELECT sum(seconds) FROM settled), 0),
       ARRAY(SELECT (SELECT count(*) FROM settled WHERE seconds <= b.bound)
               FROM unnest(%(bounds)s::float8[] || 'infinity'::float8) WITH ORDINALITY
                 AS b (bound, place) ORDER BY b.place)
"""

BEATS: LiteralString = """
SELECT role, extract(epoch FROM now() - max(beat_at))::float8 FROM control.heartbeats GROUP BY role
"""
