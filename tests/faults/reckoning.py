"""What a run came to: figures that are printed, and what must be nought in every one of them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from infra.invariants import check
from infra.leadership import Leadership
from infra.projector import Runner
from projections.registry import READ
from tests.faults.looking import TENANT
from tests.faults.poster import Poster
from tests.faults.processes import Processes
from tests.faults.world import World

FOREIGN_EVENT_ID = "sg_event_id"


def reckon(world: World, roles: Processes, poster: Poster | None = None) -> dict[str, Any]:
    """Read and check everything; nobody writes any more."""
    _catch_up(world)
    accepts = world.book.accepts()
    states = world.states()
    planned = world.number(_PLANNED)
    doubts = world.number("SELECT count(*) FROM {s}.events WHERE topic = 'message_unknown'")
    findings = check(
        world.database,
        TENANT,
        clock_now=world.now(),
        accepts=accepts,
        clock_factor=world.setup.factor,
    )
    kills = world.orders.kills()
    return {
        "messages": planned,
        "accepted by the provider": len(accepts),
        "duplicates": sum(times - 1 for times in accepts.values()),
        "lost": planned - sum(states.values()),
        "accepted without our knowing": _unknown_to_us(world, accepts),
        **_reports(world, poster),
        "reports kept twice": world.number(_TWICE),
        "states": dict(sorted(states.items())),
        "unknown": doubts,
        "unknown %": round(100 * doubts / max(planned, 1), 2),
        "unknown that had left": world.number(_DOUBTS_THAT_LEFT),
        "accepted by": {str(via): int(number) for via, number in world.rows(_BY_WAY)},
        "kills": sum(kills.values()),
        "kills by place": dict(sorted(kills.items())),
        "passes by place": dict(sorted(world.orders.passes().items())),
        "recovery s of workers": spread(roles.recoveries_s("worker")),
        "broken": {one.id: list(one.examples) for one in findings if one.broken},
        "examined": {one.id: one.examined for one in findings if one.skipped is None},
    }


def require(figures: Mapping[str, Any]) -> None:
    """Print the figures and hold those that must be nought to it."""
    print(json.dumps(figures, indent=1))  # noqa: T201  # the figures of a run are its product
    noughts = (
        "duplicates",
        "lost",
        "accepted without our knowing",
        "acknowledged but missing",
        "reports kept twice",
    )
    assert {name: figures[name] for name in noughts} == dict.fromkeys(noughts, 0)
    assert figures["broken"] == {}
    assert figures["messages"] > 0
    assert figures["acknowledged reports"] > 0


def spread(seconds: Iterable[float]) -> dict[str, float | int]:
    """Number, median and maximum."""
    found = sorted(seconds)
    if not found:
        return {"n": 0}
    return {"n": len(found), "median": round(median(found), 2), "max": round(found[-1], 2)}


def _catch_up(world: World) -> None:
    """Let the read models take what was recorded last."""
    leadership = Leadership(world.database)
    try:
        for projection in READ:
            runner = Runner(world.database, TENANT, projection, leadership=leadership)
            while runner.step():
                pass
    finally:
        leadership.close()


def _unknown_to_us(world: World, accepts: Counter[str]) -> int:
    """Messages that the provider took and whose row says otherwise."""
    found = world.rows("SELECT message_id FROM {s}.send_queue WHERE state = 'ACCEPTED'")
    return len(accepts.keys() - {str(message) for (message,) in found})


def _reports(world: World, poster: Poster | None) -> dict[str, Any]:
    """Reports that were answered with 2xx, and those of them that are not in the inbox."""
    raws = world.rows("SELECT raw FROM {s}.webhook_inbox")
    kept = {str(json.loads(bytes(raw)).get(FOREIGN_EVENT_ID)) for (raw,) in raws if _is_json(raw)}
    acknowledged = world.book.acknowledged() | (poster.acknowledged if poster else set())
    found: dict[str, Any] = {
        "acknowledged reports": len(acknowledged),
        "acknowledged but missing": len(acknowledged - kept),
    }
    if poster is not None:
        found["answers to posts"] = dict(sorted(poster.answers.items()))
        found["slowest answer s"] = round(poster.slowest_s, 1)
    return found


def _is_json(raw: bytes) -> bool:
    return bytes(raw).lstrip().startswith(b"{")


_PLANNED = """
SELECT count(DISTINCT message) FROM (
    SELECT convert_from(state, 'UTF8')::jsonb -> 'f' ->> 'message_id' AS message
      FROM {s}.events WHERE topic = 'node_entered') t WHERE message IS NOT NULL
"""
_TWICE = """
SELECT count(*) FROM (
    SELECT FROM {s}.webhook_inbox
     WHERE kind IN ('processed', 'delivered') AND state NOT IN ('duplicate', 'parked')
       AND message_id IS NOT NULL
     GROUP BY message_id, kind, occurred_at HAVING count(*) > 1) t
"""
_BY_WAY = """
SELECT convert_from(state, 'UTF8')::jsonb -> 'f' ->> 'via', count(*)
  FROM {s}.events WHERE topic = 'message_accepted' GROUP BY 1 ORDER BY 1
"""
_DOUBTS_THAT_LEFT = """
SELECT count(*) FROM {s}.send_queue q WHERE q.state = 'ACCEPTED' AND EXISTS (
    SELECT FROM {s}.events e WHERE e.originator_id = q.stream_id AND e.topic = 'message_unknown'
       AND convert_from(e.state, 'UTF8')::jsonb -> 'f' ->> 'message_id' = q.message_id::text)
"""
