"""Limits that are used up, and what time alone ends: windows, absences, a person's word."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.accounts.account import Account, CapKey
from domain.accounts.facts import (
    CapLifted,
    CapReached,
    OverrideLifted,
    SenderBack,
    SenderEvent,
    SendingEvent,
)
from domain.accounts.sending import Sending
from domain.taxonomy import CapName

OF_SENDER = frozenset({CapName.SENDER_HOUR, CapName.SENDER_DAY, CapName.WARMUP_DAY})
"""Limits of one sender; those of the tenant, its campaigns and domains stand in its own stream."""
UNTOLD = frozenset({CapName.SENDER_MINUTE})
"""A minute is pace, not a pause: two facts a minute would drown all others."""


class HasCaps(Protocol):
    """A state that knows which limits are used up."""

    @property
    def caps(self) -> Mapping[CapKey, datetime]:
        """Limits with the instant from when there is room again."""
        ...


def reach_cap(
    state: HasCaps,
    *,
    cap: CapName,
    key: str,
    until: datetime,
    amount: tuple[int, int],
    at: datetime,
) -> list[CapReached | CapLifted]:
    """Tell that a limit is used up; as long as that is known, or once it is over, it is no news.

    `amount` is how much was used and how much may be.
    """
    known = state.caps.get((cap, key))
    if until <= at or (known is not None and known > at):
        return []
    used, limit = amount
    reached = CapReached(cap=cap, key=key, used=used, limit=limit, until=until, at=at)
    return [reached] if known is None else [CapLifted(cap=cap, key=key, at=at), reached]


def expire(state: Account, *, at: datetime) -> list[SenderEvent]:
    """Tell what is over: windows of caps, an absence, a person's word about the health."""
    facts: list[SenderEvent] = [*_lifted(state, at)]
    if state.stands and state.away_until is not None and state.away_until <= at:
        facts.append(SenderBack(at=at))
    override = state.override
    if override is not None and override.until is not None and override.until <= at:
        facts.append(OverrideLifted(at=at))
    return facts


def expire_tenant_caps(state: Sending, *, at: datetime) -> list[SendingEvent]:
    """Tell which windows of the tenant's limits are over."""
    return [*_lifted(state, at)]


def _lifted(state: HasCaps, at: datetime) -> list[CapLifted]:
    return [
        CapLifted(cap=cap, key=key, at=at)
        for (cap, key), until in sorted(state.caps.items())
        if until <= at
    ]
