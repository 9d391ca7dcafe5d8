"""Which contact in which campaign a stream is about; every reader of the log joins with it."""

from collections.abc import Iterator

from domain.events import PlanAccepted, PlanRevised
from domain.recorded import Recorded
from projections.projection import Change, Move, Projection, Put, Table, topics

TABLE = Table(
    "streams",
    key=("stream_id",),
    columns={
        "stream_id": "uuid",
        "campaign_id": "uuid",
        "contact_id": "uuid",
        "run": "integer",
        "plan_hash": "text",
    },
)


def changes(recorded: Recorded) -> Iterator[Change]:
    """One row per stream, taken from the fact itself; the plan is the one in force."""
    match recorded.fact:
        case PlanAccepted() as fact:
            row = {
                "stream_id": recorded.stream,
                "campaign_id": fact.campaign_id,
                "contact_id": fact.contact_id,
                "run": fact.run,
                "plan_hash": fact.plan_hash,
            }
            yield Put(TABLE, row)
        case PlanRevised(old_hash=old, new_hash=new):
            key = {"stream_id": recorded.stream}
            yield Move(TABLE, key, {"plan_hash": (old,)}, {"plan_hash": new})
        case _:
            pass


STREAMS = Projection("streams", (TABLE,), topics(PlanAccepted, PlanRevised), changes)
