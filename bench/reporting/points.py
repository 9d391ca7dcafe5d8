"""From the rows of a run to what is drawn: points, bars, goals where they are."""

import re
from collections.abc import Iterable, Sequence

from bench.reporting import numbers
from bench.reporting.bars import Bar
from bench.reporting.goals import GOALS, RATIO, VALUE, Goal
from bench.reporting.lines import Aim, Point, Series
from bench.reporting.results import Figure, Run

OURS, FLOOR = "antiphon", "floor"


def pair(figure: Figure) -> list[Bar]:
    """Ours, and the floor where there is one."""
    value = figure.ours
    found = [Bar(0, value, numbers.ours(figure, value), figure.lowest, figure.highest)]
    if figure.floor is not None:
        floor = figure.floor
        found.append(Bar(1, floor, numbers.theirs(figure, floor), floor, floor))
    return found


def sizes_of(run: Run | None, pattern: str) -> list[int]:
    """The numbers in the names of measures, in order."""
    found = (re.fullmatch(pattern, row.measure) for row in (run.rows if run else ()))
    return sorted(int(each[1]) for each in found if each)


def ours(run: Run | None, names: Sequence[str], text: str = OURS) -> Series:
    """The medians of these measures."""
    return Series(text, points_of([run.figure(name) if run else None for name in names]))


def floor(run: Run | None, names: Sequence[str], text: str) -> Series:
    """Their floors."""
    floors = [figure.floor if run and (figure := run.figure(name)) else None for name in names]
    return Series(
        text,
        [Point(nth, one, one, one) for nth, one in enumerate(floors) if one is not None],
    )


def points_of(figures: Iterable[Figure | None]) -> list[Point]:
    """A point for each that is there, in its place."""
    return [
        Point(nth, one.ours, one.lowest, one.highest)
        for nth, one in enumerate(figures)
        if one is not None
    ]


def aims_of(run: Run | None, names: Sequence[str]) -> list[Aim]:
    """The goals of these measures, each where it is."""
    found = []
    for place, name in enumerate(names):
        figure = run.figure(name) if run else None
        level = aim_of(figure) if figure else None
        if level is not None:
            (goal,) = _goals_of(name)
            told = f"{goal.sign} {goal.limit:,g}{' of the floor' * (goal.of == RATIO)}"
            found.append(Aim(level, told, place, goal.at_least))
    return found


def aim_of(figure: Figure) -> float | None:
    """The goal of a measure as a value of the same kind."""
    for goal in _goals_of(figure.measure):
        if goal.of == VALUE:
            return goal.limit
        if figure.floor is not None:
            return goal.limit * figure.floor
    return None


def _goals_of(measure: str) -> list[Goal]:
    return [goal for goal in GOALS if goal.measure == measure and goal.of in {VALUE, RATIO}]
