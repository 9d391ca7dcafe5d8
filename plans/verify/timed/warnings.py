"""What is allowed and yet often a mistake: opens as a measure (plan-dsl.md 11.2)."""

from collections.abc import Iterator

from domain.plan import Send, Stop
from domain.taxonomy import Outcome, Signal, Synthetic
from plans.pointer import pointer
from plans.verify.report import Issue, issue
from plans.verify.timed.outline import Outline

_WEAK = (Signal.OPENED, Signal.DELIVERED)
_SUCCESS = (Outcome.COMPLETED, Outcome.CONVERTED)


def warnings(plan: Outline) -> Iterator[Issue]:
    """W_OPEN_UNRELIABLE once, and W_STOP_ON_OPEN for each such way."""
    ways = [(spot, way) for spot in plan.spots for way in spot.ways]
    if any(way.synthetic == Synthetic.NO_OPEN for _, way in ways):
        yield issue(
            "W_OPEN_UNRELIABLE",
            "/nodes",
            "opens are unreliable (mail privacy proxies, blocked images); "
            "prefer clicked / replied for branching",
        )
    for spot, way in ways:
        target = plan.spots[way.to].node
        success = isinstance(target, Stop) and target.outcome in _SUCCESS
        if isinstance(spot.node, Send) and way.on in _WEAK and success:
            yield issue(
                "W_STOP_ON_OPEN",
                pointer("nodes", spot.number, "transitions", way.index),
                f'"{spot.id}" ends the plan as a success when the message is {way.on}',
                node=spot.id,
                suggestion="go on until a reply or a click, or choose another outcome",
            )
