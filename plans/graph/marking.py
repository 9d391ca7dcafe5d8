"""Where marks go in a drawing: tags in boxes, signs and numbers on edges, and what they mean."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from domain.ids import NodeId
from plans.graph.faces import cut
from plans.graph.marks import Marks, Taken, Worst
from plans.graph.routes import Way, route
from plans.schema.models import Plan, Send

Kind = Literal["error", "counterexample", "worst", "count"]
SIGNS: Mapping[Kind, str] = {"error": "✖", "counterexample": "▲", "worst": "◆", "count": ""}
COLOURS: Mapping[Kind, str] = {
    "error": "#d1242f",
    "counterexample": "#d1242f",
    "worst": "#c2338f",
    "count": "#6d7781",
}
"""Each carries white text, and stands out from white and from black pages (WCAG AA)."""
_WORST: Mapping[Worst, str] = {
    "sends": "the way with the most sends",
    "duration": "the longest way",
}
_WORDS: Mapping[Kind, str] = {"counterexample": "step", "worst": "worst"}
_NODE = re.compile(r"/nodes/([0-9]{1,4})(?:/|$)")
_TAG_MAX = 30
_PLACELESS_MAX = 5


class Tag(msgspec.Struct, frozen=True):
    """A few words with the sign of their kind."""

    kind: Kind
    text: str


class Trace(msgspec.Struct, frozen=True):
    """How an edge is marked: its kind, what stands around its label, its share of the most used."""

    kind: Kind | None = None
    before: str = ""
    behind: str = ""
    share: float = 0.0


class Marking(msgspec.Struct, frozen=True):
    """The tags of each node, the trace of each edge, and a legend for what occurs."""

    tags: list[tuple[Tag, ...]]
    traces: list[Trace]
    legend: list[Tag]


class _Found(msgspec.Struct, frozen=True):
    """Marks by index; a path is the nodes in order and the edges it may take."""

    paths: Mapping[Kind, tuple[list[int], frozenset[int]]]
    node_codes: Mapping[int, list[str]]
    edge_codes: Mapping[int, list[str]]
    placeless: list[str]


def marking(plan: Plan, ways: Sequence[Way], marks: Marks) -> Marking:
    """The marks as they are drawn on this plan."""
    found = _found(plan, ways, marks)
    return Marking(
        [tuple(_tags(index, node.id, found, marks)) for index, node in enumerate(plan.nodes)],
        [_trace(index, _count(plan, way, marks), found, marks) for index, way in enumerate(ways)],
        list(_legend(found, marks)),
    )


def _found(plan: Plan, ways: Sequence[Way], marks: Marks) -> _Found:
    node_codes: dict[int, list[str]] = {}
    edge_codes: dict[int, list[str]] = {}
    placeless = []
    for path, codes in marks.faulty.items():
        edge, node = _edge_at(ways, path), _node_at(plan, path)
        if edge is not None:
            edge_codes.setdefault(edge, []).append(codes)
        elif node is not None:
            node_codes.setdefault(node, []).append(codes)
        else:
            placeless.append(f"{codes} at {path or '/'}")
    paths: dict[Kind, tuple[list[int], frozenset[int]]] = {
        "counterexample": _path(plan, ways, marks.counterexample, edge_codes),
        "worst": _path(plan, ways, _from_start(plan, marks.worst), ()),
    }
    return _Found(paths, node_codes, edge_codes, placeless)


def _from_start(plan: Plan, path: tuple[NodeId, ...]) -> tuple[NodeId, ...]:
    """The path from where the plan begins; no path stays none."""
    listed = {node.id for node in plan.nodes}
    known = tuple(each for each in path if each in listed)
    return known if known[:1] in ((), (plan.start_node_id,)) else (plan.start_node_id, *known)


def _node_at(plan: Plan, path: str) -> int | None:
    found = _NODE.match(path)
    index = int(found[1]) if found else len(plan.nodes)
    return index if index < len(plan.nodes) else None


def _edge_at(ways: Sequence[Way], path: str) -> int | None:
    """The edge that the pointer is about: a transition, a case, an arm or one of the others."""
    for index, way in enumerate(ways):
        place = f"/nodes/{way.source}{way.edge.path.removesuffix('/to')}"
        if path == place or path.startswith(f"{place}/"):
            return index
    return None


def _path(
    plan: Plan, ways: Sequence[Way], ids: Sequence[NodeId], preferred: Collection[int]
) -> tuple[list[int], frozenset[int]]:
    """The nodes on the path, and every edge that it may take from one to the next."""
    listed = [node.id for node in plan.nodes]
    stations = [listed.index(each) for each in ids if each in listed]
    sends = {index for index, node in enumerate(plan.nodes) if isinstance(node, Send)}
    nodes = route(ways, stations, sends)
    taken: set[int] = set()
    for step in pairwise(nodes):
        fitting = {at for at, way in enumerate(ways) if (way.source, way.target) == step}
        taken |= (fitting & set(preferred)) or fitting
    return nodes, frozenset(taken)


def _tags(index: int, node: NodeId, found: _Found, marks: Marks) -> Iterator[Tag]:
    for codes in found.node_codes.get(index, ()):
        yield _tag("error", codes)
    for kind, (nodes, _) in found.paths.items():
        visits = [str(at + 1) for at, passed in enumerate(nodes) if passed == index]
        if visits:
            yield _tag(kind, f"{_WORDS[kind]} {', '.join(visits)}")
    if marks.node_counts:
        yield _tag("count", f"{marks.node_counts.get(node, 0):,} came")


def _tag(kind: Kind, text: str) -> Tag:
    return Tag(kind, cut(f"{SIGNS[kind]} {text}".strip(), _TAG_MAX))


def _count(plan: Plan, way: Way, marks: Marks) -> int | None:
    """How many went this way; None when nothing was counted at all."""
    if not marks.edge_counts:
        return None
    node, path = plan.nodes[way.source].id, way.edge.path
    keys: list[Taken] = [(node, path)]
    if way.edge.transition is not None:
        keys.append((node, int(path.split("/")[2])))
    return sum(marks.edge_counts.get(key, 0) for key in keys)


def _trace(index: int, count: int | None, found: _Found, marks: Marks) -> Trace:
    codes = cut(", ".join(found.edge_codes.get(index, ())), _TAG_MAX)
    signs: dict[Kind, str] = {"error": f"{SIGNS['error']} {codes}:"} if codes else {}
    signs |= {kind: SIGNS[kind] for kind, (_, taken) in found.paths.items() if index in taken}
    most = max(marks.edge_counts.values(), default=0)
    return Trace(
        next(iter(signs), None),
        "".join(f"{sign} " for sign in signs.values()),
        "" if count is None else f" · {count:,}",
        min(1.0, (count or 0) / most) if most > 0 else 0.0,
    )


def _legend(found: _Found, marks: Marks) -> Iterator[Tag]:
    if found.node_codes or found.edge_codes:
        yield Tag("error", "the place of an error, with its code")
    for each in found.placeless[:_PLACELESS_MAX]:
        yield Tag("error", each)
    if found.paths["counterexample"][0]:
        yield Tag("counterexample", f"step by step: a counterexample, {marks.refuted}")
    if found.paths["worst"][0]:
        yield Tag("worst", f"{_WORST[marks.worst_by]}, in order")
    if marks.node_counts or marks.edge_counts:
        yield Tag("count", "in a box: how many came; on an arrow: how many went that way")
