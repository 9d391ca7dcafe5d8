"""Nodes that can wait for ever and transitions that can never be taken, as issues (11.3)."""

from collections.abc import Iterator

from domain.plan import Send, Stop
from plans.pointer import pointer
from plans.verify.report import Issue, issue
from plans.verify.timed.explore import Explored
from plans.verify.timed.liveness import ALL_SILENCED, CAUSES, Escape, Stuck, View
from plans.verify.timed.outline import OWN_WORDS, Spot, Way
from plans.verify.timed.words import iso

_PATCH_AFTER = "P7D"
_TRANSITIONS_MAX = 12
_WHY_DEAD = {
    "fact": "the event that it waits to be missing has always happened by then",
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
            "events": [_told(escape) for escape in found.escapes],
        },
    )


def _told(escape: Escape) -> dict[str, object]:
    told: dict[str, object] = {
        "event": escape.event,
        "atSeconds": escape.at_s,
        "at": iso(escape.at_s),
    }
    return told | ({"avoids": escape.avoids} if escape.avoids else {})


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
    views: dict[int, list[View]] = {}
    for (number, _, _), seen in explored.views.items():
        views.setdefault(number, []).append(seen)
    for number, found in sorted(views.items()):
        left_s = max(seen.horizon_s for seen in found)
        for index, causes in enumerate(zip(*(seen.dead for seen in found), strict=True)):
            if all(causes):
                cause = next(each for each in CAUSES if each in causes)
                yield _dead(explored.outline.spots[number], index, cause, left_s)


def _dead(spot: Spot, index: int, cause: str, left_s: int) -> Issue:
    path = pointer("nodes", spot.number, "transitions", index)
    way = spot.ways[index]
    why = _WHY_DEAD[cause] if cause in _WHY_DEAD else _why_late(spot, way, left_s)
    return issue(
        "E_DEAD_TRANSITION",
        path,
        f'"{spot.id}" can never leave by {way.on}: {why}',
        node=spot.id,
        suggestion="remove the transition, or give it times at which it can be taken",
        patch=({"op": "remove", "path": path},),
        witness={"reason": cause},
    )


def _why_late(spot: Spot, way: Way, left_s: int) -> str:
    if isinstance(spot.node, Send) and way.on in OWN_WORDS:
        return "it happens at once, so nothing is left to wait for"
    if not left_s:
        return "the node is left before it, as soon as its message is sent"
    return f"the node is left before it, after {iso(left_s)} at the latest"
