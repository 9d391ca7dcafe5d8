"""Where each contact-campaign stands: its stage, its node, and in the end its outcome."""

from collections.abc import Iterator
from typing import Any

from domain.events import (
    CampaignStarted,
    Completed,
    Exited,
    NodeEntered,
    Paused,
    PlanAccepted,
    PlanRevised,
    Resumed,
    StartScheduled,
)
from domain.lifecycle import Stage
from domain.recorded import Recorded
from projections.projection import Change, Move, Projection, Put, Table, topics

TABLE = Table(
    "contact_campaigns",
    key=("stream_id",),
    columns={
        "stream_id": "uuid",
        "campaign_id": "uuid",
        "contact_id": "uuid",
        "run": "integer",
        "plan_hash": "text",
        "status": "text",
        "node": "text",
        "outcome": "text",
        "accepted_at": "timestamptz",
        "started_at": "timestamptz",
        "ended_at": "timestamptz",
        "changed_at": "timestamptz",
    },
)


def changes(recorded: Recorded) -> Iterator[Change]:  # noqa: C901  # a total match over the facts
    """One row per stream; `changed_at` is when the last of these facts was recorded."""
    match recorded.fact:
        case PlanAccepted() as fact:
            yield Put(TABLE, _accepted(recorded, fact))
        case StartScheduled():
            yield _move(recorded, status=Stage.SCHEDULED)
        case CampaignStarted(at=at):
            yield _move(recorded, status=Stage.ACTIVE, started_at=at)
        case NodeEntered(node=node):
            yield _move(recorded, node=node)
        case PlanRevised(new_hash=plan_hash, node=node):
            yield _move(recorded, plan_hash=plan_hash, node=node)
        case Paused():
            yield _move(recorded, status=Stage.PAUSED)
        case Resumed():
            yield _move(recorded, status=Stage.ACTIVE)
        case Completed() as fact:
            yield _move(
                recorded,
                status=Stage.COMPLETED,
                node=fact.node,
                outcome=fact.outcome,
                ended_at=fact.at,
            )
        case Exited() as fact:
            status = Stage.FAILED if fact.failed else Stage.EXITED
            yield _move(recorded, status=status, outcome=fact.outcome, ended_at=fact.at)
        case _:
            pass


def _accepted(recorded: Recorded, fact: PlanAccepted) -> dict[str, Any]:
    return {
        "stream_id": recorded.stream,
        "campaign_id": fact.campaign_id,
        "contact_id": fact.contact_id,
        "run": fact.run,
        "plan_hash": fact.plan_hash,
        "status": Stage.DRAFT,
        "accepted_at": fact.at,
        "changed_at": recorded.at,
    }


def _move(recorded: Recorded, **row: Any) -> Move:  # noqa: ANN401  # columns of the table
    """The row must be there: without its first fact the later ones of a stream mean nothing."""
    return Move(TABLE, {"stream_id": recorded.stream}, {}, {**row, "changed_at": recorded.at})


CONTACT_CAMPAIGNS = Projection(
    "contact_campaigns",
    (TABLE,),
    topics(
        PlanAccepted,
        StartScheduled,
        CampaignStarted,
        NodeEntered,
        PlanRevised,
        Paused,
        Resumed,
        Completed,
        Exited,
    ),
    changes,
)
