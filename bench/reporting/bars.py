"""A chart of bars from left to right: groups of values with their spread, a goal for each group."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.reporting.drawing import (
    CHARACTER,
    Scale,
    Text,
    keys_of,
    legend,
    line,
    picture,
    scale_of,
    tick_text,
)

WIDTH = 760.0
BAR, GAP = 16.0, 14.0


class Bar(NamedTuple):
    """A value of a series, how it is told, and the spread of its rounds."""

    series: int
    value: float
    text: str
    lowest: float
    highest: float


class Group(NamedTuple):
    """Bars of one name; the goal is of the first of them."""

    name: str
    bars: Sequence[Bar]
    aim: float | None = None


class BarChart(NamedTuple):
    """What is drawn."""

    title: str
    across: str
    """What the values are, with their unit."""
    series: Sequence[str]
    groups: Sequence[Group]

    def svg(self) -> str:
        """The picture."""
        names = self.series if len(self.series) > 1 else ()
        goal = any(group.aim is not None for group in self.groups)
        keys = keys_of(names, goal=goal, as_bars=True)
        shown, bottom = legend(keys, 16, 50, WIDTH - 32)
        top = bottom + (18 if keys else -2)
        left = 28 + CHARACTER * max(len(group.name) for group in self.groups)
        x = scale_of(self._values(), left, WIDTH - 84, powers=False)
        end = top + sum(_height(group) for group in self.groups)
        parts = [*shown, *self._axis(x, top, end)]
        for group in self.groups:
            parts += _drawn(group, x, top)
            top += _height(group)
        return picture(self.title, self._told(), (WIDTH, end + 50), parts)

    def _values(self) -> list[float]:
        bars = [max(bar.value, bar.highest) for group in self.groups for bar in group.bars]
        return [*bars, *(group.aim for group in self.groups if group.aim is not None)]

    def _axis(self, x: Scale, top: float, end: float) -> Iterator[str]:
        for tick in x.ticks():
            yield line((x.at(tick), top), (x.at(tick), end), "grid")
            yield Text(x.at(tick), end + 16, tick_text(tick), "middle", "soft").svg()
        yield line((x.start, top), (x.start, end), "axis")
        yield Text((x.start + x.end) / 2, end + 36, self.across, "middle", "soft").svg()

    def _told(self) -> str:
        return "; ".join(
            f"{group.name}: "
            + ", ".join(f"{self.series[bar.series]} {bar.text}" for bar in group.bars)
            for group in self.groups
        )


def _height(group: Group) -> float:
    return BAR * len(group.bars) + GAP


def _drawn(group: Group, x: Scale, top: float) -> Iterator[str]:
    """Bars, then the goal across the first, then what they are, so that it can be read."""
    yield Text(x.start - 10, top + _height(group) / 2 + 4, group.name, "end").svg()
    first = top + GAP / 2
    for nth, bar in enumerate(group.bars):
        yield from _bar(bar, x, first + nth * BAR)
    if group.aim is not None:
        level = x.at(group.aim)
        yield line((level, first - 3), (level, first + BAR + 3), "goal")
    for nth, bar in enumerate(group.bars):
        end = x.at(max(bar.value, bar.highest)) + 8
        yield Text(end, first + (nth + 0.5) * BAR + 4, bar.text, kind="ink over").svg()


def _bar(bar: Bar, x: Scale, y: float) -> Iterator[str]:
    wide = max(x.at(bar.value) - x.start, 1.0)
    yield (
        f'<rect x="{x.start:.1f}" y="{y + 1:.1f}" width="{wide:.1f}" height="{BAR - 2:g}"'
        f' class="f{bar.series}"/>'
    )
    if bar.lowest < bar.highest:
        level = y + BAR / 2
        yield line((x.at(bar.lowest), level), (x.at(bar.highest), level), "range ink-line")
