"""How healthy a sender is, and when its rates of complaints and bounces stop it.

The score is 100 less two penalties, each in proportion to a rate of the last seven days:

    complaints / max(delivered, 500), 75 points at 0.3 %
    hard bounces / max(accepted, 100), 75 points at 10 %

so complaints at the rate of the hard stop alone bring it to 25, below the gate of 30. The minimum
in each denominator is where volume comes in: of few mails one bad one says little, and no mail at
all leaves a sender at 100.
"""

from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil

from domain.accounts.account import HEALTHY, Account, in_service
from domain.accounts.errors import SettingRefused
from domain.accounts.facts import (
    Counts,
    HealthOverridden,
    HealthScored,
    OverrideLifted,
    SenderEvent,
    SenderPaused,
    SenderResumed,
)
from domain.accounts.words import RECOVERS, PauseReason

DAYS = 7
"""Days that health and rates are reckoned over, today among them."""
RATED_FROM = 500
"""Delivered mails from which on complaints are a rate; below, their number counts."""
COMPLAINTS_FEW = 2
BOUNCED_FROM = 100
COMPLAINTS_PAUSE, COMPLAINTS_STOP = Fraction(1, 1_000), Fraction(3, 1_000)
BOUNCES_PAUSE = Fraction(5, 100)
PENALTY = 75
BOUNCES_WORST = Fraction(10, 100)
"""The rate of hard bounces that costs the whole penalty."""
NEWS = 5
"""Points by which a score must move to be told twice on one day."""
PAUSED_AT_LEAST = timedelta(days=1)
"""How long a pause for rates lasts before good rates end it: delivered mail alone heals none."""


def score_of(counts: Counts) -> int:
    """Health from 0 to 100; more complaints or bounces never raise it."""
    complained = Fraction(counts.complaints, max(counts.delivered, RATED_FROM)) / COMPLAINTS_STOP
    bounced = Fraction(counts.hard_bounces, max(counts.accepted, BOUNCED_FROM)) / BOUNCES_WORST
    return max(0, HEALTHY - ceil(PENALTY * (complained + bounced)))


def complaint_breach(counts: Counts) -> PauseReason | None:
    """The pause that complaints ask for."""
    if counts.delivered < RATED_FROM:
        return PauseReason.COMPLAINTS if counts.complaints >= COMPLAINTS_FEW else None
    rate = Fraction(counts.complaints, counts.delivered)
    if rate >= COMPLAINTS_STOP:
        return PauseReason.COMPLAINT_STOP
    return PauseReason.COMPLAINTS if rate >= COMPLAINTS_PAUSE else None


def bounce_breach(counts: Counts) -> PauseReason | None:
    """The pause that hard bounces ask for; below 100 mails it takes six of them."""
    rate = Fraction(counts.hard_bounces, max(counts.accepted, BOUNCED_FROM))
    return PauseReason.BOUNCES if rate > BOUNCES_PAUSE else None


def score(
    state: Account, *, counts: Counts, on: date, health_min: int, at: datetime
) -> list[SenderEvent]:
    """Take the numbers of seven days: the score of the day, and pauses that begin or are over."""
    if not state.stands:
        return []
    breaches = _breaches(state, counts)
    return [
        *_scored(state, counts, on, health_min, at),
        *(
            SenderPaused(reason=reason, at=at, counts=counts)
            for reason in breaches
            if reason not in state.pauses
        ),
        *_recovered(state, counts, at),
    ]


def override_health(
    state: Account, *, score: int, at: datetime, until: datetime | None = None
) -> list[SenderEvent]:
    """A person's word about the health, which counts before the reckoned one."""
    in_service(state)
    if not 0 <= score <= HEALTHY:
        raise SettingRefused("score", f"{score} is not between 0 and {HEALTHY}")
    if until is not None and until <= at:
        raise SettingRefused("until", "it would be over before it began")
    standing = state.override
    if standing is not None and (standing.score, standing.until) == (score, until):
        return []
    return [HealthOverridden(score=score, at=at, until=until)]


def lift_override(state: Account, *, at: datetime) -> list[SenderEvent]:
    """Let the reckoned score count again."""
    in_service(state)
    return [OverrideLifted(at=at)] if state.override is not None else []


def _scored(
    state: Account, counts: Counts, on: date, health_min: int, at: datetime
) -> list[SenderEvent]:
    """Once a day, and again when it moved far or to the other side of the gate."""
    new = score_of(counts)
    first = state.scored_on is None or on > state.scored_on
    moved = abs(new - state.score) >= NEWS
    crossed = (new < health_min) is not (state.score < health_min)
    if not (first or moved or crossed):
        return []
    day = on if first or state.scored_on is None else state.scored_on
    return [HealthScored(on=day, score=new, counts=counts, at=at)]


def _breaches(state: Account, counts: Counts) -> list[PauseReason]:
    """What an operator has seen and let pass pauses only when it grows."""
    found = []
    complained = complaint_breach(counts)
    if complained is not None and counts.complaints > state.excused.complaints:
        found.append(complained)
    bounced = bounce_breach(counts)
    if bounced is not None and counts.hard_bounces > state.excused.hard_bounces:
        found.append(bounced)
    return found


def _recovered(state: Account, counts: Counts, at: datetime) -> list[SenderEvent]:
    bad = {complaint_breach(counts), bounce_breach(counts)}
    over = tuple(
        reason
        for reason in RECOVERS
        if reason in state.pauses
        and not (reason in bad or (reason is RECOVERS[0] and PauseReason.COMPLAINT_STOP in bad))
        and at >= state.pauses[reason] + PAUSED_AT_LEAST
    )
    return [SenderResumed(reasons=over, at=at)] if over else []
