"""The facts of a check result: what was proven about the plan (plan-dsl.md 12)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from domain.plan import Send
from domain.timing import Hours, open_minutes
from plans.schema import models
from plans.schema.parts import Message
from plans.schema.scalars import NUMBER_MAX
from plans.templates import TemplateFailed, variables
from plans.verify.timed.bounds import Bounds
from plans.verify.timed.explore import Explored
from plans.verify.timed.spacing import Gap
from plans.verify.timed.spans import longest_s
from plans.verify.timed.words import iso


def facts(
    plan: models.Plan, explored: Explored, proven: Bounds, gap: Gap | None
) -> Mapping[str, Any]:
    """The facts by name; durations as text, paths as node ids."""
    channels = [node.channel for node in plan.nodes if isinstance(node, models.Send)]
    sends = [spot.node for spot in explored.outline.spots if isinstance(spot.node, Send)]
    engine_s = longest_s(explored.outline.plan.limits.max_duration) if proven.dated else 0
    return {
        "nodes": len(plan.nodes),
        "states": len(explored.states),
        "paths": min(proven.paths, NUMBER_MAX),
        "minSends": proven.fewest_sends,
        "maxSends": proven.most_sends.value,
        "maxSendsPath": send_nodes(explored, proven.most_sends.states),
        "minDuration": iso(proven.shortest_s),
        "maxDuration": iso(max(proven.longest_s.value, engine_s)),
        "maxDurationPath": names(explored, proven.longest_s.states),
        "minSpacing": iso(gap.seconds) if gap else None,
        "minSpacingPath": names(explored, gap.states) if gap else [],
        "maxCost": proven.cost,
        "channels": list(dict.fromkeys(map(str, channels))),
        "openMinutesPerWeek": min((_open_minutes(send.hours) for send in sends), default=None),
        "loops": {node.id: node.max_visits for node in plan.nodes if node.max_visits is not None},
        "variables": sorted(
            {name for text, html in _texts(plan) for name in _variables(text, html=html)}
        ),
    }


def names(explored: Explored, states: Sequence[int]) -> list[str]:
    """The nodes of these states."""
    return [explored.spots[state].id for state in states]


def send_nodes(explored: Explored, states: Sequence[int]) -> list[str]:
    """The send nodes among the nodes of these states."""
    spots = [explored.spots[state] for state in states]
    return [spot.id for spot in spots if isinstance(spot.node, Send)]


@lru_cache(maxsize=256)
def _open_minutes(hours: Hours) -> int:
    return sum(high - low for day in range(7) for low, high in open_minutes(day, hours))


def _texts(plan: models.Plan) -> Iterator[tuple[str, bool]]:
    """The templates of a plan, and whether they are HTML."""
    for node in plan.nodes:
        if isinstance(node, models.Send):
            yield from _fields(node.message)
            for variant in node.variants:
                yield from _fields(variant.message)


def _fields(message: Message | None) -> Iterator[tuple[str, bool]]:
    if message is not None:
        texts = (message.subject, message.preheader, message.text)
        yield from ((text, False) for text in texts if text and "{" in text)
        if message.html and "{" in message.html:
            yield message.html, True


@lru_cache(maxsize=1024)
def _variables(source: str, *, html: bool) -> tuple[str, ...]:
    try:
        return tuple(variables(source, html=html))  # parsed as stage 4 does, so only once
    except TemplateFailed:
        return ()  # stage 4 says so
