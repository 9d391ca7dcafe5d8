"""A fact about accounts as it stands in its log, and the streams it stands in."""

from datetime import datetime
from typing import NewType
from uuid import UUID, uuid5

import msgspec

from domain.accounts.facts import AccountEvent
from domain.ids import TenantId, schema_of
from domain.recorded import Cause

AccountStream = NewType("AccountStream", UUID)
"""One sender account, or the sending of the tenant as a whole."""

_STREAMS = UUID("0b7f2a52-96f1-5d3c-8a51-5a4e0d9a7c02")


def sender_stream(tenant: TenantId, sender: str) -> AccountStream:
    """The stream of a sender account; the same name always has the same."""
    return AccountStream(uuid5(_STREAMS, f"{schema_of(tenant)}:sender:{sender}"))


def sending_stream(tenant: TenantId) -> AccountStream:
    """The one stream of a tenant's sending as a whole."""
    return AccountStream(uuid5(_STREAMS, f"{schema_of(tenant)}:sending"))


class AccountEnvelope(
    msgspec.Struct,
    frozen=True,
    gc=False,
    omit_defaults=True,
    rename={"fact": "f", "at": "t", "append": "a", "cause": "c", "actor": "w"},
):
    """The stored body; `actor` is the id of a key or the name of a process, never of a person."""

    fact: AccountEvent
    at: datetime
    append: str
    cause: Cause
    actor: str


class AccountRecorded(msgspec.Struct, frozen=True, gc=False):
    """A fact about accounts as readers get it."""

    stream: AccountStream
    version: int
    position: int
    fact: AccountEvent
    at: datetime
    cause: Cause
    actor: str
