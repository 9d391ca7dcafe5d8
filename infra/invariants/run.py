"""All invariants of one tenant, judged on one snapshot."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec.structs import replace

from domain.ids import TenantId
from domain.taxonomy import CancelReason
from infra.draft import LENGTH_MAX
from infra.invariants import caps, counters, log_rows, orphans, sending
from infra.invariants.accounts import AccountsKept, merged
from infra.invariants.attempts import OpenHours, Rendered
from infra.invariants.elsewhere import elsewhere
from infra.invariants.finding import Finding, number_of
from infra.invariants.gates_seen import GatesSeen
from infra.invariants.moves import moves
from infra.invariants.plans_kept import OwnNodes, WholePlans
from infra.invariants.readable import Impersonal, Readable
from infra.invariants.rebuilt import Rebuilt
from infra.invariants.snapshot import SKEW, Snapshot, all_of, snapshot
from infra.invariants.streams import Look, batches, choose
from infra.invariants.unpacked import unpack
from infra.tenancy import Database
from projections.registry import READ

STREAMS_MAX = 5_000
"""Streams that are folded; of more than these a part is looked at, another one each hour."""

SENDS_MAX = 30
NODES_MAX = 1_000

OVERDUE = timedelta(minutes=5)
SWEPT = timedelta(seconds=60 + 10 + 20)
"""The age at which an attempt becomes a doubt, one sweep, and some patience."""
LEASE_LATE = timedelta(seconds=60)
INBOX_LATE = timedelta(minutes=5)
RESIDUE = timedelta(seconds=30 + 10)
"""How long before a pause a call that follows it may have been claimed: its guard and one call."""
DOUBTS_END = timedelta(days=7)

_QUERIES = (*orphans.QUERIES, *counters.QUERIES, *sending.QUERIES, *caps.QUERIES, *log_rows.QUERIES)


def check(
    database: Database,
    tenant: TenantId,
    *,
    clock_now: datetime,
    accepts: Mapping[str, int] | None = None,
    clock_factor: float = 1.0,
    streams_max: int = STREAMS_MAX,
) -> list[Finding]:
    """One finding for each invariant, in the order of trust.md 2; changes nothing.

    Some streams are folded in a second session while statements judge the whole in the first, both
    on the rows of one instant.

    `accepts` is the provider's own count of accepted requests by message. On a clock that runs
    `clock_factor` times as fast, work has as many times its minutes before it counts as stuck.
    """
    late, skew, residue = (time * clock_factor for time in (OVERDUE, SKEW, RESIDUE))
    walk = partial(_walked, streams_max=streams_max, now=clock_now, late=late)
    with snapshot(database, tenant) as taken, ThreadPoolExecutor(1) as beside:
        walked = beside.submit(_at_the_instant, database, tenant, taken.instant(), walk)
        unpack(taken.curs, taken.schema, caps.CALLS_MAX)
        taken.seal()
        kept = AccountsKept(taken)
        kept.tell_times(skew)
        found = all_of(
            taken,
            _QUERIES,
            _params(clock_now, late) | {"residue": residue, "skew": skew},
        )
        found.append(sending.accepted_once(taken, accepts))
        found += kept.findings(clock_now, late)
        found += walked.result()
        notes = {"I13": sending.residue_note(taken, residue), "I15": caps.newest_note(taken)}
    whole = [replace(one, title=one.title + notes.get(one.id, "")) for one in merged(found)]
    return sorted([*whole, *elsewhere()], key=number_of)


def _params(now: datetime, late: timedelta) -> dict[str, Any]:
    return {
        "now": now,
        "overdue": late,
        "sending": SWEPT,
        "lease": LEASE_LATE,
        "inbox": INBOX_LATE,
        "unknown": DOUBTS_END,
        "cancel_reasons": [str(reason) for reason in CancelReason],
        "projections": [projection.name for projection in READ],
        "events_max": LENGTH_MAX,
        "nodes_max": NODES_MAX,
        "sends_max": SENDS_MAX,
        **moves(),
    }


def _at_the_instant(
    database: Database, tenant: TenantId, instant: str, walk: Callable[[Snapshot], list[Finding]]
) -> list[Finding]:
    with snapshot(database, tenant, instant=instant) as taken:
        return walk(taken)


def _walked(taken: Snapshot, streams_max: int, now: datetime, late: timedelta) -> list[Finding]:
    chosen, total = choose(taken, streams_max, now)
    Rebuilt.make_tables(taken)
    taken.seal()
    looks: tuple[Look, ...] = (
        WholePlans(),
        OwnNodes(),
        OpenHours(),
        GatesSeen(),
        Rendered(),
        Readable(),
        Impersonal(),
        Rebuilt(taken, whole=chosen == total, timers_due_after=now + late),
    )
    for batch in batches(taken):
        for look in looks:
            look.take(taken, batch)
    note = "" if chosen == total else f"; {chosen} of {total} streams"
    return [finding for look in looks for finding in look.findings(taken, note)]
