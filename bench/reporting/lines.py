"""A chart of lines over even places: values with their spread, goals as dashed red lines."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.reporting.drawing import (
    Scale,
    Text,
    keys_of,
    legend,
    line,
    marker,
    picture,
    scale_of,
    tick_text,
)

WIDTH = 760.0
LEFT, RIGHT = 64.0, 24.0
PLOT = 270.0
LABELS_MAX = 12


class Point(NamedTuple):
    """A value at a place, with the lowest and the highest of its rounds."""

    place: int
    value: float
    lowest: float
    highest: float


class Series(NamedTuple):
    """Points of one kind, in the order of their places."""

    name: str
    points: Sequence[Point]


class Aim(NamedTuple):
    """A goal at one place: to be at least the value, or at most."""

    value: float
    text: str
    place: int
    at_least: bool


class LineChart(NamedTuple):
    """What is drawn."""

    title: str
    across: str
    """What the places are."""
    up: str
    """What the values are, with their unit."""
    places: Sequence[str]
    series: Sequence[Series]
    aims: Sequence[Aim] = ()
    powers: bool = False
    """Values by powers of ten."""

    def svg(self) -> str:
        """The picture."""
        keys = keys_of((each.name for each in self.series), goal=bool(self.aims))
        shown, bottom = legend(keys, 16, 50, WIDTH - 32)
        top = bottom + 38
        x = Scale(-0.5, len(self.places) - 0.5, LEFT, WIDTH - RIGHT)
        y = scale_of(self._values(), top + PLOT, top, powers=self.powers)
        parts = [*shown, *self._axes(x, y, top)]
        for aim in self.aims:
            parts += _aimed(aim, x, y, last=aim.place == len(self.places) - 1)
        for nth, series in enumerate(self.series):
            parts += _drawn(nth, series.points, x, y, self._every())
        return picture(self.title, self._told(), (WIDTH, top + PLOT + 52), parts)

    def _every(self) -> int:
        """So many places have one label and one mark, where not each can have its own."""
        return -(-len(self.places) // LABELS_MAX)

    def _values(self) -> list[float]:
        points = [point for each in self.series for point in each.points]
        spread = [value for point in points for value in (point.lowest, point.highest)]
        return [*spread, *(point.value for point in points), *(aim.value for aim in self.aims)]

    def _axes(self, x: Scale, y: Scale, top: float) -> Iterator[str]:
        yield Text(
            16, top - 14, f"{self.up}{', by powers of ten' * self.powers}", kind="soft"
        ).svg()
        for tick in y.ticks():
            yield line((LEFT, y.at(tick)), (WIDTH - RIGHT, y.at(tick)), "grid")
            yield Text(LEFT - 8, y.at(tick) + 4, tick_text(tick), "end", "soft").svg()
        yield line((LEFT, y.start), (WIDTH - RIGHT, y.start), "axis")
        for nth, name in list(enumerate(self.places))[:: self._every()]:
            yield Text(x.at(nth), y.start + 18, name, "middle", "soft").svg()
        yield Text((LEFT + WIDTH - RIGHT) / 2, y.start + 38, self.across, "middle", "soft").svg()

    def _told(self) -> str:
        return "; ".join(
            f"{each.name}: "
            + ", ".join(f"{self.places[one.place]} {one.value:.6g}" for one in each.points)
            for each in self.series
        )


def _drawn(nth: int, points: Sequence[Point], x: Scale, y: Scale, every: int) -> Iterator[str]:
    path = " L".join(f"{x.at(one.place):.1f} {y.at(one.value):.1f}" for one in points)
    yield f'<path d="M{path}" class="s{nth}"/>'
    for one in points:
        if one.lowest < one.highest:
            across = x.at(one.place)
            yield line((across, y.at(one.lowest)), (across, y.at(one.highest)), f"range r{nth}")
        if one.place % every == 0:
            yield marker(nth, x.at(one.place), y.at(one.value))


def _aimed(aim: Aim, x: Scale, y: Scale, *, last: bool) -> Iterator[str]:
    """Under what is measured; its text is where curves that rise leave room."""
    start, end, level = x.at(aim.place - 0.42), x.at(aim.place + 0.42), y.at(aim.value)
    yield line((start, level), (end, level), "goal")
    if aim.at_least:
        yield Text(end, level + 15, aim.text, "end", "goal-text").svg()
    elif last:
        yield Text(end, level - 6, aim.text, "end", "goal-text").svg()
    else:
        yield Text(start, level - 6, aim.text, "start", "goal-text").svg()
