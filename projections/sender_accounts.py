"""The rows that gates read of accounts and rules: each is what its stream's facts come to.

A row is a function of the state, not of one fact: what pauses a sender is the gravest of several
reasons, and its health a person's word before the reckoned score.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum

from msgspec.structs import asdict

from domain.accounts import Account, AccountStream, Sending
from domain.accounts.rules import SETTABLE
from projections.projection import Change, Put, Table

ACCOUNTS = Table(
    "sender_accounts",
    key=("stream_id",),
    columns={
        "stream_id": "uuid",
        "sender": "text",
        "profile": "text",
        "zone": "text",
        "rotation_set": "text",
        "verified": "bool",
        "paused": "text",
        "health": "integer",
        "day_max": "integer",
        "minute_max": "integer",
        "hour_max": "integer",
        "warmup_max": "integer",
        "circuit": "text",
        "circuit_until": "timestamptz",
        "circuit_opens": "integer",
        "circuit_needs_operator": "bool",
        "away_until": "timestamptz",
        "connected": "bool",
        "deleted": "bool",
    },
)
RULES = Table(
    "sending_rules",
    key=("only_row",),
    columns={"only_row": "bool", "paused": "text"}
    | {
        name: {int: "integer", bool: "bool"}.get(type(value), "text")
        for name, value in asdict(Sending().rules).items()
        if name in SETTABLE
    },
)
FOR_UNKNOWN_TIME = datetime(9999, 12, 31, tzinfo=UTC)


def account_changes(stream: AccountStream, account: Account) -> Iterator[Change]:
    """The row of an account as it stands now; none before it was registered."""
    if not account.sender:
        return
    settings, circuit = account.settings, account.circuit
    row = {
        "stream_id": stream,
        "sender": account.sender,
        "profile": settings.profile,
        "zone": settings.zone,
        "rotation_set": settings.rotation_set,
        "verified": account.verified,
        "paused": account.paused,
        "health": account.health,
        "day_max": settings.day_max,
        "minute_max": settings.minute_max,
        "hour_max": settings.hour_max,
        "warmup_max": account.warmup.cap if account.warmup else None,
        "circuit": "open" if circuit.is_open else "closed",
        "circuit_until": circuit.until,
        "circuit_opens": circuit.opens,
        "circuit_needs_operator": circuit.needs_operator,
        "away_until": (account.away_until or FOR_UNKNOWN_TIME) if account.away else None,
        "connected": account.connected,
        "deleted": account.deleted,
    }
    yield Put(ACCOUNTS, row)


def rule_changes(sending: Sending) -> Iterator[Change]:
    """The one row of the tenant's rules as they stand now."""
    values = asdict(sending.rules)
    plain = {
        name: value.value if isinstance(value, Enum) else value for name, value in values.items()
    }
    yield Put(RULES, plain | {"only_row": True, "paused": sending.rules.paused or None})
