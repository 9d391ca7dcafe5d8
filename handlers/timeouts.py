"""Due timers to decisions: synthetic events, scheduled starts, ends of the longest duration."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from domain import campaign
from domain.errors import DecisionFailed, GroundsMissing
from domain.ids import NodeId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.ports import Decide, DueTimer, Input, Result, TenantPorts, Transaction

BATCH = 500


class Timeouts:
    """Fires what is due for one tenant."""

    def __init__(self, ports: TenantPorts) -> None:
        self._ports = ports

    def fire_batch(self) -> int:
        """Settle one batch of due timers; a stale one stores nothing. The number taken."""
        ports = self._ports
        now = ports.clock.now()
        due = ports.timers.claim(now, grace_s=ports.policy.timer_grace_s, limit=BATCH)
        given = [
            Input(
                timer.stream,
                _decision(timer, now),
                Cause(CauseKind.TIMER, str(timer.timer_id)),
                timer.timer_id,
                ref=timer,
            )
            for timer in due
        ]
        ports.campaigns.transact_many(given, along=self._settle)
        return len(due)

    def _settle(self, tx: Transaction, results: Sequence[Result]) -> None:
        """A timer that could not be decided keeps its lease and comes again; the rest are over."""
        open_ = DecisionFailed | GroundsMissing
        over = [one.ref for one in results if not isinstance(one.refused, open_)]
        self._ports.timers.settle(tx, over)


def _decision(timer: DueTimer, now: datetime) -> Decide:
    return _OWN.get(timer.kind, _time_out)(timer, now)


def _start(timer: DueTimer, now: datetime) -> Decide:
    return partial(campaign.start, at=timer.due_at, now=now)


def _expire(timer: DueTimer, now: datetime) -> Decide:  # noqa: ARG001  # one shape for all kinds
    return partial(campaign.expire, due_at=timer.due_at)


def _time_out(timer: DueTimer, now: datetime) -> Decide:  # noqa: ARG001  # one shape for all kinds
    return partial(
        campaign.time_out,
        node=NodeId(timer.node),
        visit=timer.visit,
        index=timer.index,
        due_at=timer.due_at,
    )


_OWN: Mapping[str, Callable[[DueTimer, datetime], Decide]] = {"start": _start, "expiry": _expire}
"""Timers of the contact-campaign itself; every other kind is a synthetic event of a node."""
