"""A plan as SVG that reads on light and dark pages: text and lines take the page's colour."""

from collections.abc import Sequence

import msgspec

from plans.graph.arrows import Arrow, chains, loop_room, loops
from plans.graph.boxes import BOX_HEIGHT, TAGS_HEIGHT, box, box_width
from plans.graph.faces import face
from plans.graph.layout import Arc, Layout, laid_out
from plans.graph.legend import drawn_legend, legend_size
from plans.graph.marking import Tag, marking
from plans.graph.marks import NOTHING, Marks
from plans.graph.pen import Point, Stroke, line, n, tips
from plans.graph.routes import ways_of
from plans.schema.models import Plan

_MARGIN = 18.0
_START_ROOM = 24.0
_START = Stroke()


def svg(plan: Plan, marks: Marks = NOTHING) -> str:
    """The drawing as one SVG element; nodes carry `data-node`, so that a page can mark one."""
    ways = ways_of(plan)
    marked = marking(plan, ways, marks)
    arrows = [Arrow(way, trace) for way, trace in zip(ways, marked.traces, strict=True)]
    faces = [face(node) for node in plan.nodes]
    widths = [box_width(*each) for each in zip(faces, marked.tags, strict=True)]
    arcs = [Arc(each.way.source, each.way.target, each.label_width) for each in arrows]
    room = [width + 2 * loop_room(index, arcs) for index, width in enumerate(widths)]
    height = BOX_HEIGHT + (TAGS_HEIGHT if any(marked.tags) else 0)
    start = _start(plan)
    layout = _shifted(laid_out(room, arcs, start, height))
    drawn = [tips([_START, *(arrow.stroke for arrow in arrows)])]
    drawn += _start_mark(layout.places[start], height)
    drawn += chains(layout, widths, arrows)
    for index, node in enumerate(plan.nodes):
        own = [arrows[arc] for arc in layout.loops if arcs[arc].source == index]
        drawn += loops(layout.places[index], widths[index], own)
        size = (widths[index], height)
        drawn += box(node, faces[index], marked.tags[index], layout.places[index], size)
    return _document(layout, drawn, marked.legend)


def _start(plan: Plan) -> int:
    ids = [node.id for node in plan.nodes]
    return ids.index(plan.start_node_id) if plan.start_node_id in ids else 0


def _document(layout: Layout, drawn: Sequence[str], legend: Sequence[Tag]) -> str:
    legend_width, legend_height = legend_size(legend)
    bottom = layout.height + _MARGIN + _START_ROOM
    width = n(max(layout.width, legend_width) + 2 * _MARGIN)
    height = n(bottom + legend_height + _MARGIN)
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" class="plan-graph" role="img" aria-label="Plan"'
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="system-ui, sans-serif" font-size="13" fill="currentColor">'
    )
    return "\n".join([head, *drawn, *drawn_legend(legend, (_MARGIN, bottom)), "</svg>", ""])


def _shifted(layout: Layout) -> Layout:
    shifted = [(x + _MARGIN, y + _MARGIN + _START_ROOM) for x, y in layout.places]
    return msgspec.structs.replace(layout, places=shifted)


def _start_mark(place: Point, height: float) -> list[str]:
    x, top = place[0], place[1] - height / 2
    return [
        f'<circle class="start" cx="{n(x)}" cy="{n(top - _START_ROOM)}" r="5"/>',
        line([(x, top - _START_ROOM + 5), (x, top)], _START, tip=True),
    ]
