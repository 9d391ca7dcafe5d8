"""The hours of the week: when messages were sent that people answered, and when answers came."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from handlers.metrics.counted import Rate, rate
from handlers.metrics.reads import LocalHour
from handlers.metrics.statistics import ENOUGH, Arm, evidence, trials_needed
from handlers.metrics.variants import HITS_LEAST

LOOKED_AT = 5
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class HourShown(msgspec.Struct, frozen=True, kw_only=True):
    """An hour of the week on the clock of the zone; weekday 1 is Monday.

    `replied` of the messages that were accepted in this hour were answered, whenever that was;
    `arriving` answers came in this hour, to whatever was sent before.
    """

    weekday: int
    hour: int
    accepted: int
    replied: int
    reply_rate: Rate | None
    arriving: int


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """All 168 hours, with what can be said of them.

    `zone` says whose clock it is; contacts without a zone of their own (`without_zone` messages)
    are taken to be in `fallback_zone`.
    """

    zone: str
    fallback_zone: str
    without_zone: int
    verdict: Literal["better", "none_better", "too_few"]
    told: str
    best: Sequence[HourShown]
    hours: Sequence[HourShown]


def of_week(counted: Sequence[LocalHour], zone: str, fallback_zone: str) -> Hours:
    """The heat map of a week."""
    known = {(one.weekday, one.hour): one for one in counted}
    cells = [_shown(day, hour, known) for day in range(1, 8) for hour in range(24)]
    verdict, told, best = _judged(cells)
    return Hours(
        zone=zone,
        fallback_zone=fallback_zone,
        without_zone=sum(one.without_zone for one in counted),
        verdict=verdict,
        told=told,
        best=best,
        hours=cells,
    )


def _shown(day: int, hour: int, known: Mapping[tuple[int, int], LocalHour]) -> HourShown:
    one = known.get((day, hour)) or LocalHour(day, hour, 0, 0, 0, 0)
    return HourShown(
        weekday=day,
        hour=hour,
        accepted=one.accepted,
        replied=one.replied,
        reply_rate=rate({"accepted": one.accepted, "replied": one.replied}, "replied"),
        arriving=one.arriving,
    )


_Judged = tuple[Literal["better", "none_better", "too_few"], str, list[HourShown]]


def _judged(cells: Sequence[HourShown]) -> _Judged:
    """Each hour against all others; of so many one is ahead by chance, so each must be surer."""
    used = [cell for cell in cells if cell.reply_rate is not None]
    hits, trials = sum(cell.replied for cell in used), sum(cell.accepted for cell in used)
    ahead = sorted(used, key=lambda cell: cell.reply_rate.low if cell.reply_rate else 0.0)
    best = [
        cell
        for cell in reversed(ahead[-LOOKED_AT:])
        if hits >= HITS_LEAST and _better(cell, hits, trials) >= ENOUGH * len(used)
    ]
    if best:
        named = ", ".join(f"{DAYS[cell.weekday - 1]} {cell.hour:02}:00" for cell in best)
        return "better", f"More answers than in other hours: {named}.", best
    fullest = max((cell.accepted for cell in used), default=0)
    needed = trials_needed((hits + 1) / (trials + 2))
    if fullest < needed:
        told = f"Too few to say: the fullest hour has {fullest} of about {needed} messages needed."
        return "too_few", told, best
    return "none_better", f"None of {len(used)} hours is surely better than the others.", best


def _better(cell: HourShown, hits: int, trials: int) -> float:
    others = Arm(hits - cell.replied, trials - cell.accepted)
    return evidence(Arm(cell.replied, cell.accepted), others)
