"""Raising the volume of a new sender day by day, as far as its mails arrive well."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from fractions import Fraction

from domain.accounts.account import Account, Warmup, in_service
from domain.accounts.errors import WarmupRefused, WarmupUnderWay
from domain.accounts.facts import (
    Counts,
    SenderEvent,
    WarmupEnded,
    WarmupHeld,
    WarmupStarted,
    WarmupStepped,
)
from domain.accounts.words import WarmupHold

DEFAULT_SCHEDULE = (50, 100, 250, 500, 1_000, 2_000, 4_000, 7_000, 10_000)
"""Caps of the first days of a new bulk sender; doubling and a little less is common practice."""
STEPS_MAX = 60
BOUNCES_MOST = Fraction(3, 100)
BOUNCED_FROM = 50
COMPLAINTS_LEAST = Fraction(1, 1_000)
COMPLAINED_FROM = 500
USED_LEAST = Fraction(1, 2)
"""The share of a day's cap that must have been used: unused volume proves nothing."""


def schedule_of(table: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The caps of a table of (day, cap); raises WarmupRefused with the place of what is wrong."""
    if not 1 <= len(table) <= STEPS_MAX:
        raise WarmupRefused("warmup", f"{len(table)} days are not between 1 and {STEPS_MAX}")
    for place, (day, cap) in enumerate(table):
        where = f"warmup[{place}]"
        if day != place + 1:
            raise WarmupRefused(where, f"day {day}: here comes day {place + 1}, without a hole")
        if cap <= 0:
            raise WarmupRefused(
                where, f"day {day}: a cap of {cap} lets nothing out; 1 is the least"
            )
        if place and cap < table[place - 1][1]:
            before = table[place - 1][1]
            raise WarmupRefused(where, f"day {day}: {cap} is less than {before} the day before")
    return tuple(cap for _, cap in table)


def begin_warmup(
    state: Account, *, caps: Iterable[int], on: date, at: datetime, restart: bool = False
) -> list[SenderEvent]:
    """Begin with the first step; a warm-up of the same caps that is under way goes on.

    One that is under way begins anew, or is replaced by other caps, only by `restart`: it would
    lose the days that it has behind it. Raises WarmupUnderWay.
    """
    in_service(state)
    checked = schedule_of(list(enumerate(caps, 1)))
    if state.warmup is not None and _goes_on(state.warmup, checked, on, restart=restart):
        return []
    return [WarmupStarted(caps=checked, on=on, at=at)]


def _goes_on(warmup: Warmup, caps: tuple[int, ...], on: date, *, restart: bool) -> bool:
    """Whether what is under way is what was asked for."""
    if restart:
        return (warmup.caps, warmup.step, warmup.decided_on) == (caps, 1, on)
    if warmup.caps == caps:
        return True
    raise WarmupUnderWay(
        f"a warm-up is under way: day {warmup.step} of {len(warmup.caps)}, up to {warmup.cap}; "
        "it goes on as it is. Order a restart to begin anew at day 1, or end it first"
    )


def end_warmup(state: Account, *, at: datetime) -> list[SenderEvent]:
    """End it by order: only the account's own caps count."""
    in_service(state)
    return [WarmupEnded(at=at)] if state.warmup is not None else []


def step_warmup(
    state: Account, *, yesterday: Counts, on: date, health_min: int, at: datetime
) -> list[SenderEvent]:
    """Decide once a day: the next step if yesterday went well, else the same once more."""
    warmup = state.warmup
    if not state.stands or warmup is None or on <= warmup.decided_on:
        return []
    hold = _objection(state, warmup, yesterday, health_min)
    if hold is not None:
        return [WarmupHeld(reason=hold, on=on, at=at)]
    if warmup.step == len(warmup.caps):
        return [WarmupEnded(at=at)]
    step = warmup.step + 1
    return [WarmupStepped(step=step, cap=warmup.caps[step - 1], on=on, at=at)]


def _objection(
    state: Account, warmup: Warmup, yesterday: Counts, health_min: int
) -> WarmupHold | None:
    if state.pauses or state.health < health_min:
        return WarmupHold.HELD_BACK
    bounced = Fraction(yesterday.hard_bounces, max(yesterday.accepted, BOUNCED_FROM))
    if bounced > BOUNCES_MOST:
        return WarmupHold.BOUNCES
    complained = Fraction(yesterday.complaints, max(yesterday.delivered, COMPLAINED_FROM))
    if complained >= COMPLAINTS_LEAST:
        return WarmupHold.COMPLAINTS
    return WarmupHold.UNUSED if yesterday.accepted < USED_LEAST * warmup.cap else None
