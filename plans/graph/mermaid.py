"""A plan as mermaid flowchart text."""

from collections.abc import Mapping

from plans.edges import Edge, edges
from plans.graph.faces import cut, face, printable
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


def mermaid(plan: Plan) -> str:
    """The plan as a flowchart; dotted arrows are timers, nodes are numbered: no id is a keyword."""
    name = {node.id: f"n{index}" for index, node in reversed(list(enumerate(plan.nodes)))}
    lines = ["flowchart TD"]
    for index, node in enumerate(plan.nodes):
        lines.append(f"  {_box(f'n{index}', node)}")
    for index, node in enumerate(plan.nodes):
        lines += [
            f"  n{index} {_arrow(edge)} {name[edge.to]}" for edge in edges(node) if edge.to in name
        ]
    return "\n".join(lines) + "\n"


def _box(name: str, node: Node) -> str:
    lines = face(node)
    left, right = _SHAPES.get(node.type, ("[[", "]]"))
    written = [
        _escaped(cut(each, _LABEL_MAX)) for each in (lines.caption, lines.title, lines.detail)
    ]
    return f'{name}{left}"{"<br/>".join(each for each in written if each)}"{right}:::{node.type}'


def _arrow(edge: Edge) -> str:
    label = _escaped(cut(printable(edge.label), _LABEL_MAX))
    shaft = "-.->" if edge.transition is not None and edge.transition.on in SYNTHETIC else "-->"
    return f'{shaft}|"{label}"|'


def _escaped(text: str) -> str:
    """The text with every sign that mermaid or HTML could read written as its number."""
    return "".join(
        sign if sign.isalnum() or sign in " ·…_-.,:'/" else f"#{ord(sign)};" for sign in text
    )
