"""The answer of a simulation (plan-dsl.md 15), and what is asked of it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from domain.plan import Plan, Policy, Send
from plans.context import Family, TenantPolicy
from plans.simulate.figures import DIGITS, quantile, wilson
from plans.simulate.history import Drawn
from plans.simulate.tally import DAY, Tally

PATHS_SHOWN = 12
_BOUNDS = ("minSends", "maxSends", "minDuration", "maxDuration", "maxCost")


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan is tried with.

    `values` are the contact's data as guards read them, `costs` the price of a message by channel
    family, `contacts` how many start together, `caps` what a sender may send in a day, `bounds`
    the facts of the plan's check.
    """

    start: datetime
    runs: int = 1000
    seed: int = 1
    drawn: Drawn = Drawn()
    policy: Policy = Policy()
    values: Mapping[str, object] = {}
    costs: Mapping[Family, float] = msgspec.field(default_factory=lambda: TenantPolicy().costs)
    contacts: int = 1
    caps: Mapping[str, int] = {}
    bounds: Mapping[str, Any] | None = None


class PathShare(msgspec.Struct, frozen=True):
    """A way through the plan; `exit` is the reason of an end outside it."""

    path: tuple[str, ...]
    exit: str | None
    share: float


class Days(msgspec.Struct, frozen=True):
    """How long contacts are in the plan, in days."""

    p10: float
    p50: float
    p90: float
    max: float


class Sendings(msgspec.Struct, frozen=True, rename="camel"):
    """Who gets the message of a node, and how many days after the start."""

    share: float
    day_p10: float
    day_p50: float
    day_p90: float


class Load(msgspec.Struct, frozen=True, rename="camel"):
    """What a sender would send on each local day if `contacts` started together.

    Expected messages of a day: the mean is over the days from the first to the last with any. Caps
    are compared, not kept: where a day is over its cap, the rest would wait for the next one.
    """

    sender: str
    mean_per_day: float
    peak_per_day: float
    peak_day: date
    cap: int | None
    days_over_cap: int


class Simulation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of all runs; the same arguments give the same bytes.

    `outcome_intervals` has the 95 % interval of each share by Wilson: how far other seeds would
    differ, not how far the rates are right. `send_calendar` counts messages by local weekday, from
    Monday, and hour.
    """

    plan_hash: str
    runs: int
    seed: int
    start: datetime
    timezone: str
    rates_source: str
    sample_size: Mapping[str, int]
    outcomes: Mapping[str, float]
    outcome_intervals: Mapping[str, tuple[float, float]]
    paths: Sequence[PathShare]
    distinct_paths: int
    sends_per_contact: float
    cost_per_contact: float
    duration_days: Days
    calendar: Mapping[str, Sendings]
    send_calendar: Sequence[Sequence[int]]
    never_taken: Sequence[str]
    contacts: int
    load: Sequence[Load]
    bounds: Mapping[str, Any] | None


def result(plan: Plan, trial: Trial, tally: Tally) -> Simulation:
    """The answer that these counts make."""
    runs = tally.runs
    outcomes = sorted(tally.outcomes.items(), key=lambda item: (-item[1], item[0]))
    return Simulation(
        plan_hash=plan.hash,
        runs=runs,
        seed=trial.seed,
        start=trial.start,
        timezone=plan.zone,
        rates_source=trial.drawn.source,
        sample_size=trial.drawn.sample_size,
        outcomes={word: round(count / runs, DIGITS) for word, count in outcomes},
        outcome_intervals={word: wilson(count, runs) for word, count in outcomes},
        paths=_paths(tally),
        distinct_paths=len(tally.paths),
        sends_per_contact=round(tally.sends.total() / runs, DIGITS),
        cost_per_contact=round(tally.cost(trial.costs) / runs, 6),
        duration_days=_durations(tally),
        calendar=_calendar(plan, tally),
        send_calendar=[[tally.hours[day, hour] for hour in range(24)] for day in range(7)],
        never_taken=tally.never_taken(),
        contacts=trial.contacts,
        load=_load(trial, tally),
        bounds=_bounds(trial),
    )


def _paths(tally: Tally) -> list[PathShare]:
    def turn(item: tuple[tuple[tuple[str, ...], str | None], int]) -> tuple[int, Any, str]:
        (path, reason), count = item
        return -count, path, reason or ""

    ordered = sorted(tally.paths.items(), key=turn)[:PATHS_SHOWN]
    return [
        PathShare(path, reason, round(count / tally.runs, DIGITS))
        for (path, reason), count in ordered
    ]


def _durations(tally: Tally) -> Days:
    ordered = sorted(tally.durations)
    return Days(*(_in_days(quantile(ordered, share)) for share in (0.1, 0.5, 0.9, 1.0)))


def _calendar(plan: Plan, tally: Tally) -> dict[str, Sendings]:
    shown = {}
    for name, node in plan.nodes.items():
        if isinstance(node, Send) and name in tally.sent_after:
            after = sorted(tally.sent_after[name])
            days = (_in_days(quantile(after, share)) for share in (0.1, 0.5, 0.9))
            shown[str(name)] = Sendings(round(tally.reached[name] / tally.runs, DIGITS), *days)
    return shown


def _load(trial: Trial, tally: Tally) -> list[Load]:
    by_sender: dict[str, dict[date, int]] = {}
    for (sender, day), count in sorted(tally.days.items()):
        by_sender.setdefault(sender, {})[day] = count
    scale = trial.contacts / tally.runs
    return [
        _load_of(sender, days, scale, trial.caps.get(sender)) for sender, days in by_sender.items()
    ]


def _load_of(sender: str, days: Mapping[date, int], scale: float, cap: int | None) -> Load:
    peak_day = min(days, key=lambda day: (-days[day], day))
    span = (max(days) - min(days)).days + 1
    return Load(
        sender=sender,
        mean_per_day=round(sum(days.values()) * scale / span, 2),
        peak_per_day=round(days[peak_day] * scale, 2),
        peak_day=peak_day,
        cap=cap,
        days_over_cap=0 if cap is None else sum(n * scale > cap for n in days.values()),
    )


def _bounds(trial: Trial) -> dict[str, Any] | None:
    if trial.bounds is None:
        return None
    return {name: trial.bounds[name] for name in _BOUNDS if name in trial.bounds}


def _in_days(length: timedelta) -> float:
    return round(length / DAY, 2)
