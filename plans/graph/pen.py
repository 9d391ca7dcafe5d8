"""The elements that a drawing is made of, with the same numbers on every machine.

Only presentation attributes: pages that forbid inline styles can show the drawing as well.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

import msgspec

from plans.graph.marking import COLOURS, Kind

Point = tuple[float, float]

_THIN = 1.4
_MARKED = 3.2
_COUNTED_MAX = 6.0
_WIDE = 2.4
_STRAIGHT = 0.5
"""Less than this aside is not worth a bend."""


class Stroke(msgspec.Struct, frozen=True):
    """How a line is drawn: dashed for a timer, coloured by its kind, wide by its share."""

    timer: bool = False
    kind: Kind | None = None
    share: float = 0.0

    @property
    def width(self) -> float:
        """Wider for a marked line; for counts the area grows with the number."""
        least = _MARKED if self.kind else _THIN
        return max(least, _THIN + (_COUNTED_MAX - _THIN) * math.sqrt(self.share))

    @property
    def tip(self) -> float:
        """The length of the arrow head."""
        return 14.0 if self.width > _WIDE else 9.0


def line(points: Sequence[Point], stroke: Stroke, *, tip: bool) -> str:
    """A path that leaves and meets its points upright."""
    *passed, (end_x, end_y) = points
    if tip:  # the head takes the rest of the way
        end_y -= stroke.tip if end_y > passed[-1][1] else -stroke.tip
    path = [f"M{n(points[0][0])} {n(points[0][1])}"]
    for (x, y), (to_x, to_y) in pairwise([*passed, (end_x, end_y)]):
        middle = n((y + to_y) / 2)
        if abs(x - to_x) < _STRAIGHT:
            path.append(f"L{n(to_x)} {n(to_y)}")
        else:
            path.append(f"C{n(x)} {middle} {n(to_x)} {middle} {n(to_x)} {n(to_y)}")
    return f'<path d="{" ".join(path)}"{painted(stroke, tip=tip)}/>'


def painted(stroke: Stroke, *, tip: bool) -> str:
    """The attributes of a line."""
    colour = f'"{COLOURS[stroke.kind]}"' if stroke.kind else '"currentColor" stroke-opacity="0.55"'
    dash, space = n(2 * stroke.width + 2.2), n(stroke.width + 2.6)
    dashes = f' stroke-dasharray="{dash} {space}"' if stroke.timer else ""
    end = f' marker-end="url(#{_tip_name(stroke)})"' if tip else ""
    return f' fill="none" stroke={colour} stroke-width="{n(stroke.width)}"{dashes}{end}'


def tips(strokes: Sequence[Stroke]) -> str:
    """The arrow heads of these lines, to be referred to."""
    heads = {_tip_name(stroke): _tip(stroke) for stroke in strokes}
    return f"<defs>{''.join(heads[name] for name in sorted(heads))}</defs>"


def _tip_name(stroke: Stroke) -> str:
    size = "-wide" if stroke.width > _WIDE else ""
    return f"plan-tip{size}{'-' + stroke.kind if stroke.kind else ''}"


def _tip(stroke: Stroke) -> str:
    fill = COLOURS[stroke.kind] if stroke.kind else "currentColor"
    return (
        f'<marker id="{_tip_name(stroke)}" viewBox="0 0 8 8" refX="0.3" refY="4"'
        f' markerUnits="userSpaceOnUse" markerWidth="{n(stroke.tip)}"'
        f' markerHeight="{n(stroke.tip)}" orient="auto">'
        f'<path d="M0 0.6 8 4 0 7.4z" fill="{fill}"/></marker>'
    )


def text(place: Point, written: str, style: str) -> str:
    """A text, in the middle of its place unless the style anchors it."""
    anchor = "" if "text-anchor" in style else ' text-anchor="middle"'
    return f'<text x="{n(place[0])}" y="{n(place[1])}"{anchor} {style}>{escape(written)}</text>'


def pill(left: float, middle: float, width: float, kind: Kind, written: str) -> Iterator[str]:
    """White words on the colour of their kind."""
    yield (
        f'<rect x="{n(left)}" y="{n(middle - PILL_HEIGHT / 2)}" width="{n(width)}"'
        f' height="{n(PILL_HEIGHT)}" rx="{n(PILL_HEIGHT / 2)}" fill="{COLOURS[kind]}"/>'
    )
    style = 'font-size="10" font-weight="600" fill="#ffffff"'
    yield text((left + width / 2, middle + 3.5), written, style)


PILL_HEIGHT = 15.0


def n(number: float) -> str:
    """A number with one decimal at most."""
    return f"{number:.1f}".removesuffix(".0")
