"""What the marks of a drawing mean, below it."""

from collections.abc import Iterator, Sequence

from plans.graph.boxes import SMALL_LETTER
from plans.graph.faces import columns, cut, printable
from plans.graph.marking import SIGNS, Tag
from plans.graph.pen import PILL_HEIGHT, Point, pill, text

_ROW = 20.0
_SAMPLE = 30.0
_GAP = 8.0
_TEXT_MAX = 70


def legend_size(legend: Sequence[Tag]) -> tuple[float, float]:
    """Width and height of the legend; nothing for none."""
    if not legend:
        return 0.0, 0.0
    widest = max(columns(_told(tag)) for tag in legend)
    return _SAMPLE + _GAP + widest * SMALL_LETTER, _ROW * (len(legend) + 1)


def drawn_legend(legend: Sequence[Tag], place: Point) -> Iterator[str]:
    """A line for each kind of mark, its sign first; the place is the upper left corner."""
    if not legend:
        return
    yield '<g class="legend">'
    for row, tag in enumerate(legend, start=1):
        middle = place[1] + row * _ROW + PILL_HEIGHT / 2
        yield from pill(place[0], middle, _SAMPLE, tag.kind, SIGNS[tag.kind] or "12")
        style = 'font-size="11" text-anchor="start"'
        yield text((place[0] + _SAMPLE + _GAP, middle + 4), _told(tag), style)
    yield "</g>"


def _told(tag: Tag) -> str:
    return cut(printable(tag.text), _TEXT_MAX)
