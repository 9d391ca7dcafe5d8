"""The gates as people read them: each with its inputs and its verdict."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from domain.events import (
    Event,
    MessageCancelled,
    MessageDeferred,
    MessageReopened,
    SendAttemptStarted,
)
from domain.gates import GATES, RULES_VERSION, Cap, Gate, Hold, Judged, Never, Seen, judged
from handlers.explain.shapes import HELD, NEVER, NOT_REACHED, PASSED, GateTold

PASSING = frozenset(
    {
        *("expiry", "hours", "weekend", "region_hours", "spacing", "touch_gap"),
        *("mail", "recipient", "caps", "pace", "smoothing"),
    }
)
"""Gates whose word says nothing yet about a message whose time is still to come."""


def gates_at(seen: Seen, at: datetime) -> list[GateTold]:
    """Every gate on what was seen at that instant."""
    return [_told(one, seen) for one in judged(seen, at)]


def gates_unasked() -> list[GateTold]:
    """Every gate of a message that ended before any was asked."""
    return [
        GateTold(
            name=gate.name,
            asks=gate.asks,
            inputs=dict.fromkeys(gate.reads),
            verdict=NOT_REACHED,
        )
        for gate in GATES
    ]


def objection(gates: Iterable[GateTold]) -> GateTold | None:
    """The gate that says no, if one does."""
    return next((one for one in gates if one.verdict in (HELD, NEVER)), None)


def lasting_objection(seen: Seen, at: datetime) -> GateTold | None:
    """The first gate that says no and would do so at another hour, too, reached or not."""
    said = (one for one in judged(seen, at) if one.verdict and one.gate.name not in PASSING)
    first = next(said, None)
    return None if first is None else _told(msgspec.structs.replace(first, reached=True), seen)


def seen_in(fact: Event) -> Seen | None:
    """What the gates saw that led to this fact, where they were asked."""
    if isinstance(fact, MessageDeferred | MessageReopened | MessageCancelled | SendAttemptStarted):
        return fact.seen
    return None


def difference(fact: Event, seen: Seen, gates: Sequence[GateTold]) -> str:
    """Where the gates of this release do not come to what was recorded; empty where they do."""
    no = objection(gates)
    recorded = getattr(fact, "reason", None)
    now_says = None if no is None else no.reason
    told = []
    if seen.rules != RULES_VERSION:
        told.append(f"judged by version {seen.rules} of the gates, shown by {RULES_VERSION}")
    if now_says != recorded:
        told.append(f"recorded was {recorded or 'passed'}, shown is {now_says or 'passed'}")
    return "; ".join(told)


def _told(one: Judged, seen: Seen) -> GateTold:
    gate, verdict = one.gate, one.verdict
    told = partial(GateTold, name=gate.name, asks=gate.asks, inputs=_inputs(gate, seen))
    if not one.reached:
        return told(verdict=NOT_REACHED)
    match verdict:
        case Never(reason):
            return told(verdict=NEVER, reason=reason.value)
        case Hold(reason, until):
            return told(verdict=HELD, reason=reason.value, until=until)
        case None:
            return told(verdict=PASSED)


def _inputs(gate: Gate, seen: Seen) -> dict[str, Any]:
    return {name: _plain(getattr(seen, name)) for name in gate.reads}


def _plain(value: Any) -> Any:  # noqa: ANN401  # any input of a gate
    """As JSON has it; of a limit with the names of its numbers."""
    if isinstance(value, tuple) and value and isinstance(value[0], Cap):
        return [msgspec.structs.asdict(cap) | {"name": cap.name.value} for cap in value]
    return msgspec.to_builtins(value, builtin_types=(datetime,))
