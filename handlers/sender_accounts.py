"""Sender accounts as people see them: set-up, caps and their use, health and how it came about."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec.structs import asdict

from domain.accounts import (
    Account,
    AccountRecorded,
    AccountSettings,
    AccountStream,
    AccountUnknown,
    Caps,
    PauseReason,
    Rules,
    caps_of,
    sender_stream,
    sending_stream,
)
from domain.events import topic_of
from domain.limits import counter
from domain.taxonomy import CapName, CauseKind
from handlers.dispatch.limits import of_day
from handlers.noted import NOTES_MAX
from handlers.ports import Sender, TenantPorts

ORDERS_MAX = 10


class HealthShown(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate looks at, and how it came about: the numbers of seven days, a person's word."""

    score: int
    least: int
    reckoned: int
    scored_on: date | None
    accepted: int
    delivered: int
    hard_bounces: int
    complaints: int
    set_to: int | None
    set_until: datetime | None


class PauseShown(msgspec.Struct, frozen=True):
    """One reason why nothing leaves, the gravest first."""

    reason: str
    since: datetime


class WarmupShown(msgspec.Struct, frozen=True, kw_only=True):
    """A warm-up under way: its day, the cap of that day, and the whole table."""

    day: int
    cap: int
    caps: tuple[int, ...]
    decided_on: date


class CircuitShown(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the provider is left alone; half open, one message may try it."""

    open: bool
    half_open: bool
    until: datetime | None
    opens: int
    needs_operator: bool


class UsageShown(msgspec.Struct, frozen=True):
    """How much of a limit is used in its window now."""

    limit_name: str
    used: int
    limit: int


class ReachedShown(msgspec.Struct, frozen=True):
    """A limit that was used up, and when it has room again; `key` says of which thing."""

    limit_name: str
    key: str
    until: datetime


class AccountShown(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its facts make it; `own` has the caps that are not the tenant's."""

    own: AccountSettings
    minute_max: int
    hour_max: int
    day_max: int | None
    verified: bool
    connected: bool
    deleted: bool
    away: bool
    away_until: datetime | None
    pauses: list[PauseShown]
    health: HealthShown
    warmup: WarmupShown | None
    circuit: CircuitShown
    usage: list[UsageShown]
    reached: list[ReachedShown]


class SenderShown(msgspec.Struct, frozen=True, kw_only=True):
    """An identity that messages leave from, and its account; without one nothing leaves yet."""

    sender: str
    from_email: str
    from_name: str
    first_name: str
    calendar_url: str
    reply_domain: str
    postal_address: str
    verified: bool
    paused: bool
    account: AccountShown | None


class AccountFact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an account, what caused it, and who: a key or a process.

    `reason` is what the person said who ordered it, from the vault.
    """

    version: int
    at: datetime
    kind: str
    cause: str
    actor: str
    data: dict[str, Any]
    reason: str = ""


class SenderTold(SenderShown, frozen=True, kw_only=True):
    """The same, with the latest orders of people to it, oldest first: who, what and why."""

    orders: list[AccountFact]


class SendingShown(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of the tenant's sending, what is used of its own limit, what is used up."""

    rules: Rules
    usage: list[UsageShown]
    reached: list[ReachedShown]


def all_senders(ports: TenantPorts, now: datetime) -> list[SenderShown]:
    """Every identity by name, also of accounts that were deleted."""
    found = ports.vault.senders()
    return [_shown(ports, found[name], now) for name in sorted(found)]


def one_sender(ports: TenantPorts, name: str, now: datetime) -> SenderShown:
    """One identity with its account; raises AccountUnknown."""
    found = ports.vault.senders().get(name)
    if found is None:
        raise AccountUnknown(f"there is no sender {name}: add it first")
    return _shown(ports, found, now)


def sender_told(ports: TenantPorts, name: str, now: datetime) -> SenderTold:
    """One identity with its account and the latest orders to it; raises AccountUnknown."""
    shown = one_sender(ports, name, now)
    fields = {field: getattr(shown, field) for field in SenderShown.__struct_fields__}
    return SenderTold(**fields, orders=_ordered(events(ports, name)))


def sending_orders(ports: TenantPorts) -> list[AccountFact]:
    """The latest orders of people to the tenant's sending as a whole, oldest first."""
    return _ordered(_facts(ports, sending_stream(ports.tenant), ports.accounts.history(None)))


def sending(ports: TenantPorts, now: datetime) -> SendingShown:
    """The tenant's sending as a whole."""
    state = ports.accounts.sending()
    rules = ports.accounts.rules()
    limits = [(CapName.TENANT_HOUR, "", rules.tenant_hour_max, "UTC")]
    return SendingShown(rules=rules, usage=_usage(ports, limits, now), reached=_reached(state.caps))


def events(ports: TenantPorts, name: str) -> list[AccountFact]:
    """All that happened to an account, oldest first; raises AccountUnknown where nothing did."""
    recorded = ports.accounts.history(name)
    if not recorded and name not in ports.vault.senders():
        raise AccountUnknown(f"there is no sender {name}: add it first")
    return _facts(ports, sender_stream(ports.tenant, name), recorded)


def _facts(
    ports: TenantPorts, stream: AccountStream, recorded: Sequence[AccountRecorded]
) -> list[AccountFact]:
    """With the reasons, by the instant and the kind of the facts that they were given for."""
    noted = ports.vault.noted([stream], NOTES_MAX)
    said = {(note.at, note.kind): note.text for note in noted}
    return [_fact(one, said.get((one.at, topic_of(one.fact)), "")) for one in recorded]


def _ordered(facts: Sequence[AccountFact]) -> list[AccountFact]:
    return [one for one in facts if one.cause.startswith(CauseKind.OPERATOR)][-ORDERS_MAX:]


def _shown(ports: TenantPorts, identity: Sender, now: datetime) -> SenderShown:
    account = ports.accounts.account(identity.sender)
    shown = _account(ports, account, now) if account.sender else None
    return SenderShown(**asdict(identity), account=shown)


def _account(ports: TenantPorts, account: Account, now: datetime) -> AccountShown:
    rules = ports.accounts.rules()
    caps = caps_of(account.settings, rules)
    circuit = account.circuit
    return AccountShown(
        own=account.settings,
        minute_max=caps.minute,
        hour_max=caps.hour,
        day_max=caps.day,
        verified=account.verified,
        connected=account.connected,
        deleted=account.deleted,
        away=account.away,
        away_until=account.away_until,
        pauses=[
            PauseShown(why.value, account.pauses[why])
            for why in PauseReason
            if why in account.pauses
        ],
        health=_health(account, rules),
        warmup=_warmup(account),
        circuit=CircuitShown(
            open=circuit.is_open,
            half_open=circuit.is_half_open(now),
            until=circuit.until,
            opens=circuit.opens,
            needs_operator=circuit.needs_operator,
        ),
        usage=_usage(ports, list(_limits(account, caps, rules, now)), now),
        reached=_reached(account.caps),
    )


def _health(account: Account, rules: Rules) -> HealthShown:
    counts, said = account.counts, account.override
    return HealthShown(
        score=account.health,
        least=rules.health_min,
        reckoned=account.score,
        scored_on=account.scored_on,
        **asdict(counts),
        set_to=None if said is None else said.score,
        set_until=None if said is None else said.until,
    )


def _warmup(account: Account) -> WarmupShown | None:
    warmup = account.warmup
    if warmup is None:
        return None
    return WarmupShown(
        day=warmup.step, cap=warmup.cap, caps=warmup.caps, decided_on=warmup.decided_on
    )


_Limit = tuple[CapName, str, int, str]


def _limits(account: Account, caps: Caps, rules: Rules, now: datetime) -> Iterator[_Limit]:
    """The sender's own limits, each with the zone that its day is reckoned in."""
    name, zone = account.sender, account.settings.zone or rules.zone
    yield CapName.SENDER_MINUTE, name, caps.minute, "UTC"
    yield CapName.SENDER_HOUR, name, caps.hour, "UTC"
    if caps.day is not None:
        yield CapName.SENDER_DAY, name, of_day(caps.day, rules, now), zone
    if account.warmup is not None:
        yield CapName.WARMUP_DAY, name, of_day(account.warmup.cap, rules, now), zone


def _usage(ports: TenantPorts, limits: Sequence[_Limit], now: datetime) -> list[UsageShown]:
    counters = [counter(name, key, now, zone) for name, key, _, zone in limits]
    with ports.transactions.begin() as tx:
        used = ports.limits.used(tx, counters)
    return [
        UsageShown(name.value, one.used, most)
        for (name, _, most, _), one in zip(limits, used, strict=True)
    ]


def _reached(caps: Mapping[tuple[CapName, str], datetime]) -> list[ReachedShown]:
    return [ReachedShown(cap.value, key, until) for (cap, key), until in sorted(caps.items())]


def _fact(one: AccountRecorded, reason: str) -> AccountFact:
    data = msgspec.to_builtins(one.fact)
    return AccountFact(
        version=one.version,
        at=one.fact.at,
        kind=topic_of(one.fact),
        cause=f"{one.cause.kind}:{one.cause.id}",
        actor=one.actor,
        data={name: value for name, value in data.items() if name not in ("fact", "at")},
        reason=reason,
    )
