"""Answers of providers that say nothing left, or nothing for sure, counted by sender and second."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from domain.accounts import AnswerCounts, Failures
from domain.accounts.circuit import WINDOW
from domain.ids import TenantId, schema_of
from handlers.ports import Transaction
from infra.statements import Statements


class AnswerBook:
    """The table `circuit_answers` of one tenant; all in the caller's transaction."""

    def __init__(self, tenant: TenantId) -> None:
        self._sql = Statements(schema_of(tenant))

    def concerned(
        self, tx: Transaction, counts: Mapping[str, AnswerCounts], now: datetime
    ) -> dict[str, AnswerCounts]:
        """Those of the answers that may open or close a circuit; as a rule there are none."""
        half_open = {
            name
            for (name,) in self._sql.rows(tx, _HALF_OPEN, {"senders": sorted(counts), "now": now})
        }
        return {
            sender: heard
            for sender, heard in sorted(counts.items())
            if heard.failed or (heard.settled and sender in half_open)
        }

    def count(
        self, tx: Transaction, counts: Mapping[str, AnswerCounts], now: datetime
    ) -> Mapping[str, Failures]:
        """Add these answers and tell how many there were in the last 60 seconds.

        Seconds after `now` count as well: a clock that was set back forgets no failure.
        """
        params = {
            "senders": list(counts),
            "second": now.replace(microsecond=0),
            "ambiguous": [heard.ambiguous for heard in counts.values()],
            "not_sent": [heard.not_sent for heard in counts.values()],
            "since": now - WINDOW - timedelta(seconds=1),
        }
        self._sql.run(tx, _DROP_OLD, params)
        self._sql.run(tx, _ADD, params)
        sums = {row[0]: Failures(row[1], row[2]) for row in self._sql.rows(tx, _SUMS, params)}
        return {sender: sums.get(sender, Failures()) for sender in counts}

    def forget(self, tx: Transaction, senders: Sequence[str]) -> None:
        """Begin to count anew, for a circuit was opened or closed."""
        if senders:
            self._sql.run(tx, _FORGET, {"senders": list(senders)})


_HALF_OPEN = """
SELECT sender FROM {s}.sender_accounts
 WHERE sender = ANY(%(senders)s) AND circuit_until <= %(now)s AND NOT circuit_needs_operator
"""

_DROP_OLD = """
DELETE FROM {s}.circuit_answers WHERE sender = ANY(%(senders)s) AND second <= %(since)s
"""

_ADD = """
INSERT INTO {s}.circuit_answers AS c (sender, second, ambiguous, not_sent)
SELECT sender, %(second)s, ambiguous, not_sent
  FROM unnest(%(senders)b::text[], %(ambiguous)b::integer[], %(not_sent)b::integer[])
       AS u (sender, ambiguous, not_sent)
 ORDER BY sender
ON CONFLICT (sender, second) DO UPDATE
   SET ambiguous = c.ambiguous + excluded.ambiguous, not_sent = c.not_sent + excluded.not_sent
"""

_SUMS = """
SELECT sender, sum(ambiguous)::integer, sum(not_sent)::integer FROM {s}.circuit_answers
 WHERE sender = ANY(%(senders)s) GROUP BY sender
"""

_FORGET = "DELETE FROM {s}.circuit_answers WHERE sender = ANY(%(senders)s)"
"""What was counted led to a turn of the circuit and counts no more."""
