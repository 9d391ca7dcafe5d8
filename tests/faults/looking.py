"""What a test sees of a running tenant: its rows, its clock, and what is still under way."""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import LiteralString

import psycopg

from domain.ids import TenantId, schema_of
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database
from tests.faults.book import Book
from tests.faults.processes import until

TENANT = TenantId("faults")


class Looking:
    """Reads one tenant; patient with a server that is away."""

    database: Database
    book: Book
    origin_real: datetime
    began: datetime
    """What the clock of the processes showed at `origin_real`, and how fast it runs since."""
    factor: float

    def now(self) -> datetime:
        """What the clock of the processes shows."""
        passed = self.rows("SELECT clock_timestamp()")[0][0] - self.origin_real
        now: datetime = self.began + passed * self.factor
        return now

    def rows(self, text: LiteralString, **params: object) -> list[Row]:
        """What a statement on the tenant's tables returns; patient with a server that is away."""
        query = partial(self._rows, text, params)
        for _ in range(100):
            with suppress(psycopg.OperationalError):
                return query()
            time.sleep(0.1)
        return query()

    def _rows(self, text: LiteralString, params: Mapping[str, object]) -> list[Row]:
        with self.database.tenant_tx(TENANT) as curs:
            return Statements(schema_of(TENANT)).rows(transaction(curs), text, params)

    def number(self, text: LiteralString, **params: object) -> int:
        """The one number that a statement returns."""
        return int(self.rows(text, **params)[0][0])

    def states(self) -> Counter[str]:
        """Messages by state."""
        found = self.rows("SELECT state, count(*) FROM {s}.send_queue GROUP BY 1")
        return Counter({str(state): int(number) for state, number in found})

    def held(self) -> dict[str, int]:
        """Messages that have not left, by state and by what holds them."""
        found = self.rows(_HELD)
        return {f"{state} {reason or ''}".strip(): int(number) for state, reason, number in found}

    def waiting(self) -> int:
        """Messages that could leave now."""
        return self.number(_WAITING, now=self.now())

    def unsettled(self) -> dict[str, int]:
        """What is still under way, by kind; a doubt only where the provider did accept."""
        row = self.rows(_UNSETTLED, now=self.now())[0]
        names = ("messages", "attempts", "reports", "timers", "errands")
        left = dict(zip(names, map(int, row), strict=True))
        accepts = self.book.accepts()
        doubts = self.rows("SELECT message_id FROM {s}.send_queue WHERE state = 'UNKNOWN'")
        left["doubts"] = sum(str(message) in accepts for (message,) in doubts)
        left["reports to come"] = self.book.to_come(self.now() - timedelta(minutes=2))
        return {name: number for name, number in left.items() if number}

    def settle(self, seconds: float) -> float:
        """Wait until nothing is under way; how long that took."""
        return until(
            lambda: not self.unsettled(), seconds, lambda: f"still under way: {self.unsettled()}"
        )


_HELD = """
SELECT state, hold_reason, count(*) FROM {s}.send_queue WHERE state <> 'ACCEPTED' GROUP BY 1, 2
"""
_WAITING = """
SELECT count(*) FROM {s}.send_queue
 WHERE state = 'QUEUED' AND not_before <= %(now)s OR state = 'PLANNED' AND due_at <= %(now)s
"""
_UNSETTLED = """
SELECT (SELECT count(*) FROM {s}.send_queue
         WHERE state = 'QUEUED' AND not_before <= %(now)s
            OR state = 'PLANNED' AND due_at <= %(now)s),
       (SELECT count(*) FROM {s}.send_queue WHERE state = 'SENDING'),
       (SELECT count(*) FROM {s}.webhook_inbox WHERE state IN ('new', 'claimed')),
       (SELECT count(*) FROM {s}.timers WHERE state = 'claimed' OR due_at <= %(now)s),
       (SELECT count(*) FROM {s}.errands WHERE state = 'claimed' OR not_before <= %(now)s)
"""
