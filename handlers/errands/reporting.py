"""Signals that programs and people report themselves: meetings booked, a tenant's own events."""

from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from domain import campaign
from domain.campaign import Reported
from domain.ids import StreamId
from domain.recorded import Cause
from handlers.campaigns import order
from handlers.ports import TenantPorts

DATA = "signal_data"
"""The kind of the note that has what was told beside the signal."""
KEY_DIGITS = 24


class Told(msgspec.Struct, frozen=True):
    """What was reported, when it happened, and what was told beside it."""

    kind: str
    at: datetime
    data: dict[str, Any] | None = None


def report(
    ports: TenantPorts, stream: StreamId, told: Told, *, cause: Cause, correlation: UUID
) -> None:
    """Record a signal and follow the plan; the same kind at the same instant is no news."""
    reported = Reported(signal=told.kind, at=told.at, key=_key(told.kind, told.at))
    before = ports.campaigns.load(stream)
    decide = partial(campaign.record, reported=reported, now=ports.clock.now())
    order(ports, stream, decide, cause=cause, correlation=correlation)
    if told.data and reported.key not in before.keys:
        text = msgspec.json.encode(told.data).decode()
        ports.vault.keep_note(stream, before.contact_id, DATA, text)


def _key(kind: str, at: datetime) -> str:
    """What makes two reports the same one."""
    return sha256(f"reported:{kind}:{at.timestamp():.6f}".encode()).hexdigest()[:KEY_DIGITS]
