"""What a gate says."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from domain.gates.seen import Seen
from domain.taxonomy import CancelReason, HoldReason


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Not now, and why; `until` is when to look again, where the gate knows it.

    `placed` says that the message gets a due time of its plan anew, from `until` on; `anew` that
    its mail is to be rendered anew first.
    """

    reason: HoldReason
    until: datetime | None = None
    placed: bool = False
    anew: bool = False


class Never(msgspec.Struct, frozen=True, gc=False):
    """Not at all, and why."""

    reason: CancelReason


Verdict = Hold | Never | None
"""None lets the message through."""


class Gate(msgspec.Struct, frozen=True):
    """One gate: its name, what it asks in words, the inputs it reads, and its judgement."""

    name: str
    asks: str
    reads: tuple[str, ...]
    judge: Callable[[Seen, datetime], Verdict]
