"""The boxes of nodes: an outline that tells the kind, three lines of text, tags below them."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from plans.graph.faces import Face, columns, cut
from plans.graph.marking import COLOURS, Kind, Tag
from plans.graph.pen import Point, n, pill, text
from plans.schema.models import Node

BOX_HEIGHT = 66.0
TAGS_HEIGHT = 20.0
"""What a box is higher in a drawing with tags."""
LETTER = 7.2
SMALL_LETTER = 6.2
_KINDS: Mapping[str, str] = {
    "send": "#2f7fd6",
    "wait": "#b9801a",
    "branch": "#8a63d2",
    "split": "#8a63d2",
    "task": "#cf5f35",
    "stop": "#3a9560",
}
_OTHER_KIND = "#4f8a8b"
_TITLE_MAX = 30
_DETAIL_MAX = 36
_WIDTH_MIN = 132.0
_ASIDE = 32.0
_TAG_LETTER = 7.0
_TAG_ASIDE = 16.0
_TAG_GAP = 4.0
_SLANT = 14.0
_BAR = 6.0
_DASHES: Mapping[Kind, str] = {"error": ' stroke-dasharray="7 3"'}


def box_width(lines: Face, tags: Sequence[Tag]) -> float:
    """The width that holds all of the texts."""
    widest = max(
        columns(cut(lines.title, _TITLE_MAX)) * LETTER,
        columns(cut(lines.detail, _DETAIL_MAX)) * SMALL_LETTER,
        columns(cut(lines.caption, _DETAIL_MAX)) * LETTER,
        sum(map(_tag_width, tags)) + _TAG_GAP * len(tags),
    )
    return max(_WIDTH_MIN, widest + _ASIDE)


def box(
    node: Node, lines: Face, tags: Sequence[Tag], place: Point, size: tuple[float, float]
) -> Iterator[str]:
    """One node in the middle of its place."""
    x, y = place[0], place[1] - (TAGS_HEIGHT / 2 if tags else 0)
    yield f'<g class="node {node.type}" data-node="{escape(node.id)}">'
    said = "".join(f"; {tag.text}" for tag in tags)
    yield f"<title>{escape(f'{lines.title}: {lines.detail}{said}')}</title>"
    yield f"{_outline(node.type, place, size)}{_paint(node.type, tags)}/>"
    yield from _bars(node.type, place, size)
    caption = cut(lines.caption, _DETAIL_MAX).upper()
    yield text((x, y - 15), caption, 'font-size="9.5" letter-spacing="0.6" fill-opacity="0.8"')
    yield text((x, y + 3), cut(lines.title, _TITLE_MAX), 'font-weight="600"')
    yield text((x, y + 20), cut(lines.detail, _DETAIL_MAX), 'font-size="11" fill-opacity="0.8"')
    if tags:
        yield from _pills(tags, (x, place[1] + size[1] / 2 - TAGS_HEIGHT / 2 - 2))
    yield "</g>"


def _pills(tags: Sequence[Tag], place: Point) -> Iterator[str]:
    widths = [_tag_width(tag) for tag in tags]
    left = place[0] - (sum(widths) + _TAG_GAP * (len(tags) - 1)) / 2
    yield '<g class="tags">'
    for tag, width in zip(tags, widths, strict=True):
        yield from pill(left, place[1], width, tag.kind, tag.text)
        left += width + _TAG_GAP
    yield "</g>"


def _tag_width(tag: Tag) -> float:
    return columns(tag.text) * _TAG_LETTER + _TAG_ASIDE


def _paint(kind: str, tags: Sequence[Tag]) -> str:
    """The colour of the kind; the outline of a marked box is the mark's, and wide."""
    colour = _KINDS.get(kind, _OTHER_KIND)
    mark = next((tag.kind for tag in tags if tag.kind != "count"), None)
    line = f' stroke="{COLOURS[mark]}" stroke-width="3"' if mark else f' stroke="{colour}"'
    dashes = _DASHES.get(mark, "") if mark else ' stroke-width="1.6"'
    return f' fill="{colour}" fill-opacity="0.13"{line}{dashes}'


def _outline(kind: str, place: Point, size: tuple[float, float]) -> str:
    width, height = size
    x, y = place[0] - width / 2, place[1] - height / 2
    if kind in ("branch", "split"):
        middle, right = y + height / 2, x + width
        corners = [(x, middle), (x + _SLANT, y), (right - _SLANT, y), (right, middle)]
        corners += [(right - _SLANT, y + height), (x + _SLANT, y + height)]
        return f'<polygon points="{" ".join(f"{n(a)},{n(b)}" for a, b in corners)}"'
    radius = {"stop": height / 2, "wait": 18.0, "send": 7.0}.get(kind, 2.0)
    return f'<rect x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}" rx="{n(radius)}"'


def _bars(kind: str, place: Point, size: tuple[float, float]) -> Iterator[str]:
    """A second line at both sides of the boxes for what a machine does at once."""
    if kind in ("update", "notify", "webhook"):
        top, bottom = place[1] - size[1] / 2, place[1] + size[1] / 2
        for x in (place[0] - size[0] / 2 + _BAR, place[0] + size[0] / 2 - _BAR):
            yield f'<path d="M{n(x)} {n(top)}V{n(bottom)}" fill="none" stroke="{_OTHER_KIND}"/>'
