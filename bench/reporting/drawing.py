"""Pieces of a picture in SVG: a ground for light and for dark, texts, marks, scales, a legend."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, floor, log10
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

FONT = 12
CHARACTER = 6.6
"""About the width of a character of that font."""
LEGEND_LINE = 20.0
DECADES_OF_STEPS = 3
"""On more of them lines at 2 and 5 would be too many."""
COLOURS = (
    ("#0969da", "#58a6ff"),
    ("#57606a", "#a0a8b1"),
    ("#bc4c00", "#ffa657"),
    ("#116329", "#56d364"),
    ("#8250df", "#d2a8ff"),
    ("#0b7285", "#39c5cf"),
    ("#bf3989", "#ff9bce"),
    ("#7d4e00", "#e3b341"),
)
"""Of each series, on light and on dark; the first is ours, the second the floor."""
DASHES = ("", "6 4", "2 3", "9 3 2 3", "", "6 4", "2 3", "9 3 2 3")
"""Series differ in more than their colour."""


class Text(NamedTuple):
    """A text and where it is."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    kind: str = "ink"

    def svg(self) -> str:
        """The element."""
        place = f'x="{self.x:.1f}" y="{self.y:.1f}" text-anchor="{self.anchor}"'
        return f'<text {place} class="{self.kind}">{escape(self.text)}</text>'


def line(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    """A straight line."""
    (x1, y1), (x2, y2) = start, end
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def marker(series: int, x: float, y: float) -> str:
    """The mark of a point: a circle, a square, a diamond, a triangle, and again."""
    shape = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"',
        f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"',
        f'<path d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z"',
        f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z"',
    )[series % 4]
    return f'{shape} class="f{series}"/>'


def picture(title: str, told: str, size: tuple[float, float], parts: Iterable[str]) -> str:
    """The whole document; what it tells is there for those who cannot see it."""
    width, height = size
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(title)}'
        f' viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
        f' font-family="system-ui, sans-serif" font-size="{FONT}">\n'
        f"<title>{escape(title)}</title>\n<desc>{escape(told)}</desc>\n"
        f"<style>\n{_style()}\n</style>\n"
        f'<rect width="{width:g}" height="{height:g}" rx="6" class="ground"/>\n'
        f"{Text(16, 26, title, kind='ink head').svg()}\n{body}\n</svg>\n"
    )


def _style() -> str:
    shapes = [
        ".head{font-size:15px;font-weight:600}",
        ".grid,.axis,.goal,.range{fill:none;stroke-width:1}",
        ".goal{stroke-width:2;stroke-dasharray:5 3}",
        ".goal-text{font-weight:600}",
        ".goal-text,.over{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}",
        *(
            f".s{nth}{{fill:none;stroke-width:2;stroke-dasharray:{dash or 'none'}}}"
            for nth, dash in enumerate(DASHES)
        ),
    ]
    dark = "\n".join(_colours(1))
    return "\n".join((*shapes, *_colours(0), f"@media (prefers-color-scheme:dark){{\n{dark}\n}}"))


_PLAIN: Mapping[str, tuple[str, str]] = {
    ".ground{{fill:{}}}": ("#ffffff", "#0d1117"),
    ".goal-text,.over{{stroke:{}}}": ("#ffffff", "#0d1117"),
    ".ink{{fill:{}}}": ("#1f2328", "#e6edf3"),
    ".soft{{fill:{}}}": ("#57606a", "#a0a8b1"),
    ".ink-line{{stroke:{}}}": ("#1f2328", "#e6edf3"),
    ".grid{{stroke:{}}}": ("#e4e7eb", "#262c36"),
    ".axis{{stroke:{}}}": ("#8c959f", "#6e7681"),
    ".goal{{stroke:{}}}": ("#cf222e", "#ff7b72"),
    ".goal-text{{fill:{}}}": ("#cf222e", "#ff7b72"),
}


def _colours(scheme: int) -> Iterator[str]:
    for rule, both in _PLAIN.items():
        yield rule.format(both[scheme])
    for nth, both in enumerate(COLOURS):
        yield f".s{nth},.r{nth}{{stroke:{both[scheme]}}}.f{nth}{{fill:{both[scheme]}}}"


# --- scales ---------------------------------------------------------------------------------------


class Scale(NamedTuple):
    """From values to places on the picture, even or by powers of ten."""

    low: float
    high: float
    start: float
    end: float
    powers: bool = False

    def at(self, value: float) -> float:
        """The place of a value; what is below the scale is at its start."""
        if self.powers:
            share = log10(max(value, self.low) / self.low) / log10(self.high / self.low)
        else:
            share = (max(value, self.low) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values to draw lines at."""
        if not self.powers:
            step = step_of(self.high - self.low)
            return [nth * step for nth in range(round(self.high / step) + 1)]
        first, last = round(log10(self.low)), round(log10(self.high))
        steps = (1.0, 2.0, 5.0) if last - first <= DECADES_OF_STEPS else (1.0,)
        found = (10.0**power * step for power in range(first, last + 1) for step in steps)
        return [each for each in found if each <= self.high * 1.001]


def step_of(span: float) -> float:
    """A round step that cuts a span into three to six."""
    rough = span / 5
    power: float = 10.0 ** floor(log10(rough))
    return next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough * 0.999)


def scale_of(values: Sequence[float], start: float, end: float, *, powers: bool) -> Scale:
    """A scale that all values are on: from nothing, or from the power of ten below the least."""
    high = max(values, default=0.0) or 1.0
    if not powers:
        step = step_of(high * 1.05)
        return Scale(0.0, ceil(high * 1.05 / step) * step, start, end)
    least = min((each for each in values if each > 0), default=1.0)
    first, last = floor(log10(least)), ceil(log10(high * 1.02))
    return Scale(10.0**first, 10.0 ** max(last, first + 1), start, end, powers=True)


def tick_text(value: float) -> str:
    """A value of an axis in few characters."""
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


# --- the legend -----------------------------------------------------------------------------------


class Key(NamedTuple):
    """An entry of the legend: a series by its number, drawn as a line or a bar, or the goal."""

    name: str
    series: int | None
    as_bar: bool = False

    def svg(self, x: float, y: float) -> Iterator[str]:
        """Its sign and its name, on a line of text."""
        if self.series is None:
            yield line((x, y - 4), (x + 26, y - 4), "goal")
        elif self.as_bar:
            place = f'x="{x:.1f}" y="{y - 10:.1f}" width="26" height="12"'
            yield f'<rect {place} class="f{self.series}"/>'
        else:
            yield line((x, y - 4), (x + 26, y - 4), f"s{self.series}")
            yield marker(self.series, x + 13, y - 4)
        yield Text(x + 34, y, self.name).svg()


def legend(keys: Sequence[Key], left: float, top: float, width: float) -> tuple[list[str], float]:
    """The keys in as many rows as they need, and where the rows end."""
    drawn: list[str] = []
    x, y = left, top
    for key in keys:
        wide = 34 + CHARACTER * len(key.name) + 18
        if x > left and x + wide > left + width:
            x, y = left, y + LEGEND_LINE
        drawn += key.svg(x, y)
        x += wide
    return drawn, y


def keys_of(names: Iterable[str], *, goal: bool, as_bars: bool = False) -> list[Key]:
    """Keys of series in their order, and that of goals where there are any."""
    keys = [Key(name, nth, as_bars) for nth, name in enumerate(names)]
    return [*keys, Key("goal", None)] if goal else keys
