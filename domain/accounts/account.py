"""A sender account: its state, and what each fact makes of it."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import reduce
from typing import assert_never

import msgspec
from msgspec.structs import replace

from domain.accounts.errors import AccountUnknown
from domain.accounts.facts import (
    AccountSettings,
    CapLifted,
    CapReached,
    CircuitClosed,
    CircuitOpened,
    Counts,
    HealthOverridden,
    HealthScored,
    OverrideLifted,
    SenderAway,
    SenderBack,
    SenderConfigured,
    SenderConnected,
    SenderDeleted,
    SenderDisconnected,
    SenderEvent,
    SenderPaused,
    SenderRegistered,
    SenderResumed,
    SenderUnverified,
    SenderVerified,
    WarmupEnded,
    WarmupHeld,
    WarmupStarted,
    WarmupStepped,
)
from domain.accounts.words import PauseReason, VerifiedBy
from domain.taxonomy import CapName

HEALTHY = 100
CapKey = tuple[CapName, str]


class Override(msgspec.Struct, frozen=True):
    """What a person said about the health, and until when it counts."""

    score: int
    until: datetime | None


class Warmup(msgspec.Struct, frozen=True):
    """A warm-up under way: its caps, the step in force, and the day that was last decided on."""

    caps: tuple[int, ...]
    step: int
    decided_on: date

    @property
    def cap(self) -> int:
        """How much may leave in a day of this step."""
        return self.caps[self.step - 1]


class Circuit(msgspec.Struct, frozen=True):
    """Whether the provider is called; `opens` counts since it was closed last."""

    until: datetime | None = None
    opens: int = 0
    needs_operator: bool = False

    @property
    def is_open(self) -> bool:
        """Open or half open."""
        return self.until is not None

    def is_half_open(self, now: datetime) -> bool:
        """Whether one message may try the provider: its time is over, and no person is needed."""
        return self.until is not None and self.until <= now and not self.needs_operator


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What the decisions about one sender need.

    `counts` are the newest known numbers of its mails. `excused` are those that an operator knew
    when the account was opened again: only more than these pause it once more.
    """

    sender: str = ""
    deleted: bool = False
    connected: bool = True
    verified_by: VerifiedBy | None = None
    settings: AccountSettings = AccountSettings()
    pauses: Mapping[PauseReason, datetime] = {}
    score: int = HEALTHY
    scored_on: date | None = None
    counts: Counts = Counts()
    excused: Counts = Counts()
    override: Override | None = None
    caps: Mapping[CapKey, datetime] = {}
    warmup: Warmup | None = None
    circuit: Circuit = Circuit()
    away: bool = False
    away_until: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether it was registered and not deleted since."""
        return bool(self.sender) and not self.deleted

    @property
    def verified(self) -> bool:
        """Whether somebody said that the address may be sent from."""
        return self.verified_by is not None

    @property
    def health(self) -> int:
        """What the gate looks at: a person's word before the reckoned score."""
        return self.score if self.override is None else self.override.score

    @property
    def paused(self) -> PauseReason | None:
        """The gravest reason why nothing leaves."""
        return next((reason for reason in PauseReason if reason in self.pauses), None)


INITIAL = Account()


def fold(events: Iterable[SenderEvent], state: Account = INITIAL) -> Account:
    """The state after these facts."""
    return reduce(evolve, events, state)


def evolve(state: Account, event: SenderEvent) -> Account:  # noqa: C901  # a total match over the facts
    """Apply one fact. Total: every fact has a case, and no case can fail."""
    match event:
        case SenderRegistered(sender=sender, settings=settings):
            return replace(state, sender=sender, settings=settings, deleted=False, connected=True)
        case SenderConfigured(settings=settings):
            return replace(state, settings=settings)
        case SenderVerified(by=by):
            return replace(state, verified_by=by)
        case SenderUnverified():
            return replace(state, verified_by=None)
        case SenderPaused(reason=reason, at=at, counts=counts):
            pauses = {**state.pauses, reason: at}
            return replace(state, pauses=pauses, counts=counts or state.counts)
        case SenderResumed(reasons=reasons, excused=excused):
            pauses = {why: at for why, at in state.pauses.items() if why not in reasons}
            return replace(state, pauses=pauses, excused=excused or state.excused)
        case HealthScored() as fact:
            return _scored(state, fact)
        case HealthOverridden(score=score, until=until):
            return replace(state, override=Override(score, until))
        case OverrideLifted():
            return replace(state, override=None)
        case CapReached() | CapLifted():
            return replace(state, caps=caps_after(state.caps, event))
        case WarmupStarted() | WarmupStepped() | WarmupHeld() | WarmupEnded():
            return replace(state, warmup=_warmed(state.warmup, event))
        case CircuitOpened(until=until, opens=opens, needs_operator=needs_operator):
            return replace(state, circuit=Circuit(until, opens, needs_operator))
        case CircuitClosed():
            return replace(state, circuit=Circuit())
        case SenderAway(until=until):
            return replace(state, away=True, away_until=until)
        case SenderBack():
            return replace(state, away=False, away_until=None)
        case SenderDisconnected():
            return replace(state, connected=False)
        case SenderConnected():
            return replace(state, connected=True)
        case SenderDeleted():
            return replace(state, deleted=True, warmup=None)
        case _:
            assert_never(event)


def caps_after(
    caps: Mapping[CapKey, datetime], event: CapReached | CapLifted
) -> Mapping[CapKey, datetime]:
    """The limits that are used up, each with the instant from when there is room again."""
    match event:
        case CapReached(cap=cap, key=key, until=until):
            return {**caps, (cap, key): until}
        case CapLifted(cap=cap, key=key):
            return {each: until for each, until in caps.items() if each != (cap, key)}


def in_service(state: Account) -> None:
    """Raise AccountUnknown unless there is something to give orders to."""
    if not state.stands:
        raise AccountUnknown("there is no such sender, or it was deleted: add it first")


def _scored(state: Account, fact: HealthScored) -> Account:
    """What an operator let pass shrinks with the numbers: what comes back then counts anew."""
    excused = Counts(*map(min, zip_counts(state.excused, fact.counts)))
    return replace(state, score=fact.score, scored_on=fact.on, counts=fact.counts, excused=excused)


def zip_counts(one: Counts, other: Counts) -> Iterable[tuple[int, int]]:
    """The numbers of both, pair by pair."""
    left, right = msgspec.structs.astuple(one), msgspec.structs.astuple(other)
    return zip(left, right, strict=True)


def _warmed(
    warmup: Warmup | None, event: WarmupStarted | WarmupStepped | WarmupHeld | WarmupEnded
) -> Warmup | None:
    match event:
        case WarmupStarted(caps=caps, on=on):
            return Warmup(caps, 1, on) if caps else None
        case WarmupStepped(step=step, on=on):
            return None if warmup is None else Warmup(warmup.caps, _within(warmup, step), on)
        case WarmupHeld(on=on):
            return None if warmup is None else replace(warmup, decided_on=on)
        case WarmupEnded():
            return None


def _within(warmup: Warmup, step: int) -> int:
    return max(1, min(step, len(warmup.caps)))
