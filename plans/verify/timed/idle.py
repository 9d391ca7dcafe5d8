"""Nodes that can wait for ever and transitions that can never be taken, as issues (11.3)."""

from collections.abc import Iterator

from domain.plan import Stop
from plans.pointer import pointer
from plans.verify.report import Issue, issue
from plans.verify.timed.explore import Explored
from plans.verify.timed.liveness import ALL_SILENCED, CAUSES, Stuck
from plans.verify.timed.outline import Spot
from plans.verify.timed.words import iso

_PATCH_AFTER = "P7D"
_TRANSITIONS_MAX = 12
_WHY_DEAD = {
    "fact": "the event that it waits to be missing has always happened by then",
    "late": "the node is always left before it",
    "shadowed": "an earlier transition takes the same events",
}


def stuck(explored: Explored) -> Iterator[Issue]:
    """E_STUCK for each node that can wait for ever, as it was first found."""
    told: set[int] = set()
    for (number, _, _), seen in explored.views.items():
        if seen.stuck and number not in told:
            told.add(number)
            yield _stuck(explored, explored.outline.spots[number], seen.stuck)


def _stuck(explored: Explored, spot: Spot, found: Stuck) -> Issue:
    path = pointer("nodes", spot.number)
    return issue(
        "E_STUCK",
        path,
        f'"{spot.id}" can wait for ever: {found.reason}',
        node=spot.id,
        suggestion=_suggestion(found),
        patch=_patch(explored, spot, path),
        witness={
            "reason": found.reason,
            "events": [
                {
                    "event": escape.event,
                    "atSeconds": escape.at_s,
                    "at": iso(escape.at_s),
                    "avoids": escape.avoids,
                }
                for escape in found.escapes
            ],
        },
    )


def _suggestion(found: Stuck) -> str:
    timeout = f'add {{"on":"timeout","after":"{_PATCH_AFTER}","to":"..."}} as the last transition'
    if found.reason == ALL_SILENCED and len(found.escapes) > 1:
        return f"{timeout}; or let each of these events match a transition"
    return timeout


def _patch(explored: Explored, spot: Spot, path: str) -> tuple[dict[str, object], ...] | None:
    stops = [each.id for each in explored.outline.spots if isinstance(each.node, Stop)]
    if not stops or len(spot.ways) >= _TRANSITIONS_MAX:
        return None
    timeout = {"on": "timeout", "after": _PATCH_AFTER, "to": stops[0]}
    return ({"op": "add", "path": f"{path}/transitions/-", "value": timeout},)


def dead(explored: Explored) -> Iterator[Issue]:
    """E_DEAD_TRANSITION for what is dead in every state in which its node was explored."""
    causes: dict[tuple[int, int], list[str]] = {}
    for (number, _, _), seen in explored.views.items():
        for index, cause in enumerate(seen.dead):
            causes.setdefault((number, index), []).append(cause)
    for (number, index), found in sorted(causes.items()):
        if all(found):
            cause = next(each for each in CAUSES if each in found)
            yield _dead(explored.outline.spots[number], index, cause)


def _dead(spot: Spot, index: int, cause: str) -> Issue:
    path = pointer("nodes", spot.number, "transitions", index)
    way = spot.ways[index]
    return issue(
        "E_DEAD_TRANSITION",
        path,
        f'"{spot.id}" can never leave by {way.on.replace("_", " ")}: {_WHY_DEAD[cause]}',
        node=spot.id,
        suggestion="remove the transition, or give it times at which it can be taken",
        patch=({"op": "remove", "path": path},),
        witness={"reason": cause},
    )
