"""How far the work of a tenant is behind, what was set aside, and what should be gone by now."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.ids import TenantId, schema_of
from infra.doctor.finding import Bounds, Finding, judged
from infra.readiness import behind
from infra.retention import Partition, Periods, overdue, partitions
from infra.retention.partitions import WEEK, weeks_missing
from infra.statements import Statements, transaction
from infra.tenancy import Database

LATE = Bounds(warn=60, bad=900)
DROPPED_WITHIN = WEEK + timedelta(days=1)
"""A partition is a week; the ticker looks every hour."""
COUNTED_MAX = 1000
"""More is not counted: it is enough to know."""
STARTED = "is the ticker up? antiphon ticker; see its log"


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant, and by what its rows are judged."""

    database: Database
    tenant: TenantId
    periods: Periods
    now: datetime
    """By the clock of the plans."""
    clock_factor: float


def looks(connection: Connection[TupleRow], of: Examined) -> Iterator[Finding]:
    """Everything about the work of one tenant."""
    yield _lag(of)
    yield from _due(of)
    yield from _set_aside(of)
    yield from _partitions(of, partitions(connection, schema_of(of.tenant)), _now(connection))
    yield _beyond(of)


def _lag(of: Examined) -> Finding:
    return judged(
        "projections",
        behind(of.database, of.tenant),
        Bounds(warn=1_000, bad=50_000),
        unit="facts behind",
        mend="is the projector up? antiphon projector; see its log and antiphon check",
        tenant=of.tenant,
    )


def _due(of: Examined) -> Iterator[Finding]:
    """Real seconds that the oldest due work of each kind has been waiting."""
    for kind, age_s, by_plans in zip(_KINDS, _row(of, _DUE), _BY_PLANS, strict=True):
        factor = of.clock_factor if by_plans else 1.0
        yield judged(
            f"due {kind}",
            max(0.0, float(age_s or 0)) / factor,
            LATE,
            unit="s waiting",
            mend="are ticker, worker and Redis up? antiphon worker; is all sending stopped?",
            tenant=of.tenant,
        )


def _set_aside(of: Examined) -> Iterator[Finding]:
    letters, poisoned = _row(of, _ASIDE)
    yield judged(
        "dead letters",
        letters,
        Bounds(warn=1, bad=COUNTED_MAX),
        unit="reports older than a day",
        mend=f"antiphon inbox list {of.tenant}: mend the cause, have them tried again",
        tenant=of.tenant,
    )
    yield judged(
        "poisoned facts",
        poisoned,
        Bounds(warn=1, bad=1),
        unit="facts set aside",
        mend=f"antiphon check {of.tenant} names them; mend the cause, then antiphon rebuild",
        tenant=of.tenant,
    )


def _partitions(of: Examined, found: list[Partition], now: datetime) -> Iterator[Finding]:
    missing = len(weeks_missing(found, now, 2))
    yield judged(
        "partitions ahead",
        missing,
        Bounds(warn=1, bad=3),
        unit="weeks missing",
        seen="deliveries without one are kept in the rest",
        mend=STARTED,
        tenant=of.tenant,
    )
    yield judged(
        "partition of the rest",
        _row(of, _REST)[0],
        Bounds(warn=1, bad=COUNTED_MAX),
        unit="deliveries",
        mend=f"no partition was there in time: {STARTED}; they go when their time is over",
        tenant=of.tenant,
    )
    old = [
        one.name
        for one in found
        if one.ends is not None and one.ends < now - of.periods.raw - DROPPED_WITHIN
    ]
    yield judged(
        "partitions overdue",
        len(old),
        Bounds(warn=1, bad=2),
        unit="partitions",
        seen=", ".join(old),
        mend=STARTED,
        tenant=of.tenant,
    )


def _beyond(of: Examined) -> Finding:
    late = overdue(of.database, of.tenant, of.periods, of.now)
    return judged(
        "retention",
        len(late),
        Bounds(warn=1, bad=4),
        unit="tables with rows beyond it",
        seen=", ".join(late),
        mend=STARTED,
        tenant=of.tenant,
    )


def _row(of: Examined, text: str) -> TupleRow:
    params = {"now": of.now, "most": COUNTED_MAX}
    with of.database.tenant_tx(of.tenant) as curs:
        return Statements(schema_of(of.tenant)).rows(transaction(curs), text, params)[0]


def _now(connection: Connection[TupleRow]) -> datetime:
    row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


_KINDS = ("reports", "messages", "timers", "errands")
_BY_PLANS = (False, True, True, True)
_DUE = """
SELECT extract(epoch FROM now() - least(
          (SELECT received_at FROM {s}.webhook_inbox WHERE state = 'new' ORDER BY inbox_id LIMIT 1),
          (SELECT min(next_try_at) FROM {s}.webhook_inbox WHERE state = 'orphan'))),
       extract(epoch FROM %(now)s - (SELECT min(not_before) FROM {s}.send_queue
                                      WHERE state = 'QUEUED')),
       extract(epoch FROM %(now)s - (SELECT min(due_at) FROM {s}.timers WHERE state = 'due')),
       extract(epoch FROM %(now)s - (SELECT min(greatest(not_before, requested_at))
                                       FROM {s}.errands WHERE state = 'due'))
"""
_ASIDE = """
SELECT (SELECT count(*) FROM (SELECT FROM {s}.webhook_inbox
                               WHERE state IN ('orphan', 'parked')
                                 AND received_at < now() - interval '1 day' LIMIT %(most)s) w),
       (SELECT count(*) FROM {s}.projection_poison)
"""
_REST = """
SELECT count(*) FROM (SELECT FROM {s}.webhook_deliveries_rest LIMIT %(most)s) AS kept
"""
