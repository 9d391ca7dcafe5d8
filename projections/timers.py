"""The armed timers: set and taken away in the transaction of the facts that move the token."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.events import (
    CampaignStarted,
    Completed,
    Exited,
    MessageAccepted,
    NodeEntered,
    Paused,
    PlanRevised,
    Resumed,
    SignalJudged,
    StartScheduled,
    TimerSet,
    TransitionTaken,
)
from domain.ids import NodeId, timer_id
from domain.recorded import Recorded
from projections.projection import Change, Clear, Projection, Put, Table, topics

TABLE = Table(
    "timers",
    key=("timer_id",),
    columns={
        "timer_id": "uuid",
        "stream_id": "uuid",
        "scope": "text",
        "kind": "text",
        "node": "text",
        "visit": "integer",
        "index": "integer",
        "due_at": "timestamptz",
    },
)
NO_NODE = NodeId("")
START, EXPIRY = "start", "expiry"


def changes(recorded: Recorded) -> Iterator[Change]:  # noqa: C901  # a total match over the facts
    """A node's timers live while the token is there, the campaign's own until it ends or pauses."""
    match recorded.fact:
        case StartScheduled(at=at):
            yield _own(recorded, START, at)
        case CampaignStarted(expires_at=expires_at):
            yield _clear(recorded, scope="campaign")
            yield _own(recorded, EXPIRY, expires_at)
        case NodeEntered() as fact:
            yield from _of_node(recorded, fact.node, fact.visit, fact.timers)
        case MessageAccepted(timers=timers) as fact if timers:
            yield from _of_node(recorded, fact.node, fact.visit, timers)
        case SignalJudged(timers=timers, place=place, paused=False) as fact if timers and place:
            yield from _of_node(recorded, place, fact.visit, timers)
        case TransitionTaken():
            yield _clear(recorded, scope="node")
        case Paused() | Completed() | Exited():
            yield Clear(TABLE, {"stream_id": recorded.stream})
        case Resumed() as fact:
            yield _own(recorded, EXPIRY, fact.expires_at)
            yield from _of_node(recorded, fact.node, fact.visit, fact.timers)
        case PlanRevised() as fact:
            yield from _revised(recorded, fact)
        case _:
            pass


def _revised(recorded: Recorded, fact: PlanRevised) -> Iterator[Change]:
    """The node's timers count anew; the end of the campaign moves where the fact has one."""
    yield _clear(recorded, scope="node")
    if fact.paused:
        return  # the resume sets them
    if fact.expires_at is not None:
        yield _own(recorded, EXPIRY, fact.expires_at)
    yield from _of_node(recorded, fact.node, fact.visit, fact.timers)


def _of_node(
    recorded: Recorded, node: NodeId, visit: int, timers: Sequence[TimerSet]
) -> Iterator[Change]:
    for timer in timers:
        yield Put(
            TABLE,
            {
                "timer_id": timer_id(recorded.stream, node, visit, timer.index),
                "stream_id": recorded.stream,
                "scope": "node",
                "kind": timer.kind,
                "node": node,
                "visit": visit,
                "index": timer.index,
                "due_at": timer.due_at,
            },
        )


def _own(recorded: Recorded, kind: str, due_at: datetime) -> Put:
    """The campaign's one own timer: its start, and from then on its end."""
    return Put(
        TABLE,
        {
            "timer_id": timer_id(recorded.stream, NO_NODE, 0, -1),
            "stream_id": recorded.stream,
            "scope": "campaign",
            "kind": kind,
            "node": NO_NODE,
            "visit": 0,
            "index": -1,
            "due_at": due_at,
        },
    )


def _clear(recorded: Recorded, *, scope: str) -> Clear:
    return Clear(TABLE, {"stream_id": recorded.stream, "scope": scope})


TIMERS = Projection(
    "timers",
    (TABLE,),
    topics(
        StartScheduled,
        CampaignStarted,
        NodeEntered,
        MessageAccepted,
        SignalJudged,
        TransitionTaken,
        Paused,
        Resumed,
        PlanRevised,
        Completed,
        Exited,
    ),
    changes,
)
