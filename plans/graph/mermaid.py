"""A plan as mermaid flowchart text."""

from collections.abc import Iterable, Iterator, Mapping

from plans.edges import Edge
from plans.graph.faces import cut, face, printable
from plans.graph.marking import COLOURS, SIGNS, Marking, Tag, Trace, marking
from plans.graph.marks import NOTHING, Marks
from plans.graph.pen import Stroke, n
from plans.graph.routes import ways_of
from plans.schema.models import Node, Plan
from plans.schema.scalars import SYNTHETIC

_SHAPES: Mapping[str, tuple[str, str]] = {
    "send": ("[", "]"),
    "wait": ("(", ")"),
    "branch": ("{{", "}}"),
    "split": ("{{", "}}"),
    "task": ("[/", "/]"),
    "stop": ("([", "])"),
}
_LABEL_MAX = 48


def mermaid(plan: Plan, marks: Marks = NOTHING) -> str:
    """The plan as a flowchart; dotted arrows are timers, nodes are numbered: no id is a keyword."""
    ways = ways_of(plan)
    marked = marking(plan, ways, marks)
    lines = ["flowchart TD"]
    lines += [
        f"  {_box(f'n{index}', node, marked.tags[index])}" for index, node in enumerate(plan.nodes)
    ]
    lines += [
        f"  n{way.source} {_arrow(way.edge, trace)} n{way.target}"
        for way, trace in zip(ways, marked.traces, strict=True)
    ]
    lines += _legend(marked)
    lines += _styles(marked)
    return "\n".join(lines) + "\n"


def _box(name: str, node: Node, tags: Iterable[Tag]) -> str:
    lines = face(node)
    left, right = _SHAPES.get(node.type, ("[[", "]]"))
    written = [lines.caption, lines.title, lines.detail, *(tag.text for tag in tags)]
    told = [_escaped(cut(each, _LABEL_MAX)) for each in written]
    return f'{name}{left}"{"<br/>".join(each for each in told if each)}"{right}:::{node.type}'


def _arrow(edge: Edge, trace: Trace) -> str:
    label = trace.before + cut(printable(edge.label), _LABEL_MAX) + trace.behind
    shaft = "-.->" if edge.transition is not None and edge.transition.on in SYNTHETIC else "-->"
    return f'{shaft}|"{_escaped(label)}"|'


def _legend(marked: Marking) -> Iterator[str]:
    told = [_escaped(f"{SIGNS[tag.kind]} {printable(tag.text)}".strip()) for tag in marked.legend]
    if told:
        yield f'  legend["{"<br/>".join(told)}"]'


def _styles(marked: Marking) -> Iterator[str]:
    """Lines of their own colour and width; what a mark means is told in words as well."""
    for index, tags in enumerate(marked.tags):
        mark = next((tag.kind for tag in tags if tag.kind != "count"), None)
        if mark:
            dashes = ",stroke-dasharray:7 3" if mark == "error" else ""
            yield f"  style n{index} stroke:{COLOURS[mark]},stroke-width:3px{dashes}"
    for index, trace in enumerate(marked.traces):
        stroke = Stroke(kind=trace.kind, share=trace.share)
        colour = f"stroke:{COLOURS[trace.kind]}," if trace.kind else ""
        if trace.kind or trace.share:
            yield f"  linkStyle {index} {colour}stroke-width:{n(stroke.width)}px"


def _escaped(text: str) -> str:
    """The text with every sign that mermaid or HTML could read written as its number."""
    return "".join(
        sign if sign.isalnum() or sign in " ·…_-.,:'/" else f"#{ord(sign)};" for sign in text
    )
