"""What every fact is, and the timers that several of them carry."""

from datetime import datetime

import msgspec

from domain.taxonomy import Synthetic


class Fact(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="fact"
):
    """Base of all facts: frozen; fields unknown to this release are ignored."""


class TimerSet(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One armed timer: the transition it belongs to, its word and the instant it is dated."""

    index: int
    kind: Synthetic
    due_at: datetime
