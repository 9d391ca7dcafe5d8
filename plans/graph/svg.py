"""A plan as SVG that reads on light and dark pages: text and lines take the page's colour."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise

from plans.edges import Edge, edges
from plans.graph.faces import Face, columns, cut, face, printable
from plans.graph.layout import NODE_HEIGHT, Arc, Chain, Layout, laid_out, row_height
from plans.schema.models import Node, Plan
from plans.schema.scalars import SYNTHETIC

Point = tuple[float, float]

_COLOURS: Mapping[str, str] = {
    "send": "#2f7fd6",
    "wait": "#b9801a",
    "branch": "#8a63d2",
    "split": "#8a63d2",
    "task": "#cf5f35",
    "stop": "#3a9560",
}
_OTHER_COLOUR = "#4f8a8b"
_MARGIN = 18.0
_START_ROOM = 24.0
_LETTER = 7.2
_SMALL_LETTER = 6.2
_TITLE_MAX = 30
_DETAIL_MAX = 36
_LABEL_MAX = 34
_BOX_WIDTH_MIN = 132.0
_PORT_GAP = 22.0
_LOOP_WIDTH = 26.0
_LOOP_BEND = 8.0
_LOOP_HALF = 13.0
_LOOP_STEP = 1.5
_STRAIGHT = 0.5
"""Less than this aside is not worth a bend."""
_TIP = (
    '<defs><marker id="plan-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
    ' markerHeight="7" orient="auto"><path d="M0 0.6 8 4 0 7.4z" fill="currentColor"'
    ' fill-opacity="0.7"/></marker></defs>'
)


def svg(plan: Plan) -> str:
    """The drawing as one SVG element; nodes carry `data-node`, so that a page can mark one."""
    ids = [node.id for node in plan.nodes]
    faces = [face(node) for node in plan.nodes]
    ways = [
        (index, edge)
        for index, node in enumerate(plan.nodes)
        for edge in edges(node)
        if edge.to in ids
    ]
    arcs = [Arc(index, ids.index(edge.to), _label_width(edge)) for index, edge in ways]
    start = ids.index(plan.start_node_id) if plan.start_node_id in ids else 0
    boxes = [_box_width(each) for each in faces]
    room = [box + 2 * _loop_room(index, arcs) for index, box in enumerate(boxes)]
    layout = _shifted(laid_out(room, arcs, start))
    drawn = [*_start_mark(layout.places[start])]
    drawn += _chains(layout, boxes, [edge for _, edge in ways])
    for index, box in enumerate(boxes):
        own = [ways[arc][1] for arc in layout.loops if arcs[arc].source == index]
        drawn += _loops(layout.places[index], box, own)
    for index, node in enumerate(plan.nodes):
        drawn += _node(node, faces[index], layout.places[index], boxes[index])
    return _document(layout, drawn)


def _document(layout: Layout, drawn: Sequence[str]) -> str:
    width = _n(layout.width + 2 * _MARGIN)
    height = _n(layout.height + 2 * _MARGIN + _START_ROOM)
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" class="plan-graph" role="img" aria-label="Plan"'
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="system-ui, sans-serif" font-size="13" fill="currentColor">'
    )
    return "\n".join([head, _TIP, *drawn, "</svg>", ""])


def _shifted(layout: Layout) -> Layout:
    places = [(x + _MARGIN, y + _MARGIN + _START_ROOM) for x, y in layout.places]
    return Layout(layout.items, places, layout.chains, layout.loops, layout.width, layout.height)


def _label(edge: Edge) -> str:
    return cut(printable(edge.label), _LABEL_MAX)


def _label_width(edge: Edge) -> float:
    return columns(_label(edge)) * _SMALL_LETTER + 8


def _box_width(lines: Face) -> float:
    widest = max(
        columns(cut(lines.title, _TITLE_MAX)) * _LETTER,
        columns(cut(lines.detail, _DETAIL_MAX)) * _SMALL_LETTER,
        columns(lines.caption) * _SMALL_LETTER,
    )
    return max(_BOX_WIDTH_MIN, widest + 32)


def _loop_room(node: int, arcs: Sequence[Arc]) -> float:
    return sum(arc.label_width + _LOOP_WIDTH for arc in arcs if arc.source == arc.target == node)


def _start_mark(place: Point) -> Iterator[str]:
    x, top = place[0], place[1] - NODE_HEIGHT / 2
    yield f'<circle class="start" cx="{_n(x)}" cy="{_n(top - _START_ROOM)}" r="5"/>'
    yield _line([(x, top - _START_ROOM + 5), (x, top)], timer=False, tip=True)


def _chains(layout: Layout, boxes: Sequence[float], ways: Sequence[Edge]) -> Iterator[str]:
    ports = _ports(layout, boxes)
    for position, chain in enumerate(layout.chains):
        edge = ways[chain.arc]
        x, y = layout.places[chain.label]
        yield f'<g class="edge {escape(edge.path.split("/")[1])}">'
        for points, tip in _strokes(layout, chain, (ports[position, 0], ports[position, 1])):
            yield _line(points, timer=_is_timer(edge), tip=tip)
        yield _text((x, y + 4), _label(edge), 'font-size="11" fill-opacity="0.85"')
        yield f"<title>{escape(printable(edge.label))}</title></g>"


def _ports(layout: Layout, boxes: Sequence[float]) -> dict[tuple[int, int], float]:
    """Where each chain leaves its upper node (0) and meets its lower one (1): spread, in order."""
    ports: dict[tuple[int, int], float] = {}
    for end in (0, 1):
        for node, box in enumerate(boxes):
            meeting = [
                (layout.places[chain.items[1 if end == 0 else -2]][0], position)
                for position, chain in enumerate(layout.chains)
                if chain.items[0 if end == 0 else -1] == node
            ]
            gap = min(_PORT_GAP, 0.7 * box / max(1, len(meeting)))
            for rank, (_, position) in enumerate(sorted(meeting)):
                ports[position, end] = layout.places[node][0] + gap * (
                    rank - (len(meeting) - 1) / 2
                )
    return ports


def _strokes(
    layout: Layout, chain: Chain, ports: tuple[float, float]
) -> Iterator[tuple[list[Point], bool]]:
    """The lines of a chain from its source: up to its label, and on to its target."""
    lines: list[list[Point]] = [[(ports[0], layout.places[chain.items[0]][1] + NODE_HEIGHT / 2)]]
    for item in chain.items[1:-1]:
        x, y = layout.places[item]
        half = row_height(layout.items[item].row) / 2
        lines[-1].append((x, y - half))
        if item == chain.label:
            lines.append([])
        lines[-1].append((x, y + half))
    lines[-1].append((ports[1], layout.places[chain.items[-1]][1] - NODE_HEIGHT / 2))
    if chain.upward:
        lines = [line[::-1] for line in reversed(lines)]
    yield from ((line, line is lines[-1]) for line in lines)


def _loops(place: Point, box: float, own: Sequence[Edge]) -> Iterator[str]:
    """The edges of a node to itself, at its right side, each around the one before."""
    right, y = place[0] + box / 2, place[1]
    far = right
    for rank, edge in enumerate(own):
        half = _LOOP_HALF + rank * _LOOP_STEP
        far += _LOOP_WIDTH - _LOOP_BEND
        turn = _n(far - _LOOP_BEND)
        bow = (
            f"M{_n(right)} {_n(y + half)} H{turn} Q{_n(far)} {_n(y + half)} {_n(far)} {_n(y)}"
            f" Q{_n(far)} {_n(y - half)} {turn} {_n(y - half)} H{_n(right)}"
        )
        yield f'<g class="edge loop"><path d="{bow}"{_stroke(timer=_is_timer(edge), tip=True)}/>'
        style = 'font-size="11" fill-opacity="0.85" text-anchor="start"'
        yield _text((far + _LOOP_BEND / 2, y + 4), _label(edge), style) + "</g>"
        far += _label_width(edge)


def _is_timer(edge: Edge) -> bool:
    return edge.transition is not None and edge.transition.on in SYNTHETIC


def _line(points: Sequence[Point], *, timer: bool, tip: bool) -> str:
    """A path that leaves and meets its points upright."""
    path = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = _n((y + to_y) / 2)
        if abs(x - to_x) < _STRAIGHT:
            path.append(f"L{_n(to_x)} {_n(to_y)}")
        else:
            path.append(f"C{_n(x)} {middle} {_n(to_x)} {middle} {_n(to_x)} {_n(to_y)}")
    return f'<path d="{" ".join(path)}"{_stroke(timer=timer, tip=tip)}/>'


def _stroke(*, timer: bool, tip: bool) -> str:
    dashes = ' stroke-dasharray="5 4"' if timer else ""
    end = ' marker-end="url(#plan-tip)"' if tip else ""
    return (
        f' fill="none" stroke="currentColor" stroke-opacity="0.5" stroke-width="1.4"{dashes}{end}'
    )


def _node(node: Node, lines: Face, place: Point, width: float) -> Iterator[str]:
    x, y = place
    colour = _COLOURS.get(node.type, _OTHER_COLOUR)
    yield f'<g class="node {node.type}" data-node="{escape(node.id)}">'
    yield f"<title>{escape(f'{lines.title}: {lines.detail}')}</title>"
    paint = f'fill="{colour}" fill-opacity="0.13" stroke="{colour}" stroke-width="1.6"'
    yield f"{_outline(node.type, place, width)} {paint}/>"
    yield _text(
        (x, y - 15), lines.caption.upper(), f'font-size="9.5" letter-spacing="0.6" fill="{colour}"'
    )
    yield _text((x, y + 3), cut(lines.title, _TITLE_MAX), 'font-weight="600"')
    yield _text((x, y + 20), cut(lines.detail, _DETAIL_MAX), 'font-size="11" fill-opacity="0.75"')
    yield "</g>"


def _outline(kind: str, place: Point, width: float) -> str:
    x, y, half = place[0] - width / 2, place[1] - NODE_HEIGHT / 2, NODE_HEIGHT / 2
    if kind in ("branch", "split"):
        corners = [(x, y + half), (x + 14, y), (x + width - 14, y), (x + width, y + half)]
        corners += [(x + width - 14, y + NODE_HEIGHT), (x + 14, y + NODE_HEIGHT)]
        return f'<polygon points="{" ".join(f"{_n(a)},{_n(b)}" for a, b in corners)}"'
    radius = {"stop": half, "wait": 18.0, "send": 7.0}.get(kind, 2.0)
    return (
        f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(NODE_HEIGHT)}"'
        f' rx="{_n(radius)}"'
    )


def _text(place: Point, text: str, style: str) -> str:
    anchor = "" if "text-anchor" in style else ' text-anchor="middle"'
    return f'<text x="{_n(place[0])}" y="{_n(place[1])}"{anchor} {style}>{escape(text)}</text>'


def _n(number: float) -> str:
    """A number with one decimal at most, the same on every machine."""
    return f"{number:.1f}".removesuffix(".0")
