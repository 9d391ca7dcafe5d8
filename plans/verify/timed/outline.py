"""The compiled plan as the exploration walks it: nodes by number, ways out, facts as bits."""

from collections.abc import Mapping, Sequence

import msgspec

from domain.ids import NodeId
from domain.plan import (
    WATCHING,
    Branch,
    Guard,
    Node,
    Notify,
    Plan,
    Send,
    Split,
    Transition,
    Update,
    Wait,
    Webhook,
)
from domain.taxonomy import FAMILY_OF, SILENCED_BY, Family, Signal, Synthetic
from domain.timing import Duration
from plans.verify.timed.spans import HOUR_S, Span, send_span

OPENED, CLICKED, REPLIED, ACCEPTED = 1, 2, 4, 8
FACT_BITS: Mapping[str, int] = {
    Signal.OPENED: OPENED,
    Signal.CLICKED: CLICKED,
    Signal.REPLIED: REPLIED,
    Signal.INVITE_ACCEPTED: ACCEPTED,
}
"""The facts that silence a timer."""
LEARNED: Mapping[str, int] = {
    Signal.OPENED: OPENED,
    Signal.CLICKED: CLICKED | OPENED,
    Signal.REPLIED: REPLIED | OPENED,
    Signal.INVITE_ACCEPTED: ACCEPTED,
}
"""What is known once such an event was taken: a click or a reply implies an open (A3)."""
OWN_WORDS = (Signal.SENT, Signal.SEND_FAILED, Signal.SEND_SKIPPED)
"""What became of the node's own message; such a way is taken at once or never."""
UNSENT = (Signal.SEND_FAILED, Signal.SEND_SKIPPED)

_TIMEOUT_ASSUMED = Duration(days=3)


class Way(msgspec.Struct, frozen=True):
    """A transition: `silencer` is the bit of the fact that keeps its timer from firing."""

    index: int
    on: str
    to: int
    after: Duration
    within: Duration | None
    about: str
    when: Guard | None
    plain: bool
    synthetic: Synthetic | None
    silencer: int


class Spot(msgspec.Struct, frozen=True):
    """A node by number. `passes` are the ways that it takes at once: to where, and how late.

    Of what is known only the facts `heeded` make a difference to what can happen at it.
    """

    number: int
    node: Node
    beyond: int
    ways: tuple[Way, ...]
    watches: bool
    heeded: int
    passes: tuple[tuple[int, int], ...]
    span: Span | None
    family: Family | None

    @property
    def id(self) -> NodeId:
        """The node's name."""
        return self.node.id


class Outline(msgspec.Struct, frozen=True):
    """The whole plan by number. `kept` are the sends that some wait names as its subject."""

    plan: Plan
    spots: tuple[Spot, ...]
    numbers: Mapping[NodeId, int]
    kept: tuple[int, ...]

    @property
    def families(self) -> list[Family]:
        """The channel families in use, in document order."""
        return list(dict.fromkeys(spot.family for spot in self.spots if spot.family is not None))


def outline(plan: Plan, grace_s: int) -> Outline:
    """The outline of a plan whose references hold; timers may come as late as their grace."""
    numbers = {node: number for number, node in enumerate(plan.nodes)}
    spots = tuple(_spot(node, numbers, grace_s) for node in plan.nodes.values())
    named = [node.about for node in plan.nodes.values() if isinstance(node, Wait) and node.about]
    kept = tuple(numbers[node] for node in dict.fromkeys(named))
    return Outline(plan, spots, numbers, kept)


def _spot(node: Node, numbers: Mapping[NodeId, int], grace_s: int) -> Spot:
    bounded = node.max_visits is not None and node.on_max_visits is not None
    watches = isinstance(node, WATCHING)
    ways = _ways(node, numbers) if isinstance(node, WATCHING) else ()
    return Spot(
        number=numbers[node.id],
        node=node,
        beyond=numbers[node.on_max_visits] if bounded and node.on_max_visits else -1,
        ways=ways,
        watches=watches,
        heeded=_heeded(ways),
        passes=tuple([(numbers[to], late) for to, late in _passes(node)]),
        span=send_span(node, grace_s) if isinstance(node, Send) else None,
        family=FAMILY_OF[node.channel] if isinstance(node, Send) else None,
    )


def _ways(node: WATCHING, numbers: Mapping[NodeId, int]) -> tuple[Way, ...]:
    return tuple([_way(index, way, numbers) for index, way in enumerate(node.transitions)])


def _heeded(ways: Sequence[Way]) -> int:
    """The facts that silence its timers; before a click it matters whether an open was seen."""
    found = 0
    for way in ways:
        found |= way.silencer | (OPENED if way.silencer == CLICKED else 0)
    return found


def _way(index: int, way: Transition, numbers: Mapping[NodeId, int]) -> Way:
    silencer = SILENCED_BY.get(way.synthetic) if way.synthetic else None
    assumed = _TIMEOUT_ASSUMED if way.synthetic else Duration()
    return Way(
        index=index,
        on=way.on,
        to=numbers[way.to],
        after=assumed if way.after is None else way.after,
        within=way.within,
        about=way.about,
        when=way.when,
        plain=way.when is None and way.url_tag is None,
        synthetic=way.synthetic,
        silencer=FACT_BITS[silencer] if silencer else 0,
    )


def _passes(node: Node) -> list[tuple[NodeId, int]]:
    """Where a node that waits for nobody leads, and after how many seconds at the latest."""
    match node:
        case Branch():
            return [(to, 0) for _, to in node.cases] + [(node.otherwise, 0)]
        case Split():
            return [(to, 0) for to in node.ways]
        case Webhook(on_error=to) if to is not None:
            return [(node.next, HOUR_S), (to, HOUR_S)]
        case Update() | Notify() | Webhook():
            return [(node.next, 0)]
        case _:
            return []
