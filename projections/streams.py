"""Which contact in which campaign a stream is about; every reader of the log joins with it."""

from collections.abc import Iterator

from domain.events import PlanAccepted
from domain.recorded import Recorded
from projections.projection import Change, Projection, Put, Table, topics

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
    """One row per stream, taken from the fact itself: it is what later readers look up."""
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
        case _:
            pass


STREAMS = Projection("streams", (TABLE,), topics(PlanAccepted), changes)
