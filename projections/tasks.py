"""Work for people: one row a task, from its creation on; what is to be done is in the plan.

`version` is the place of the fact in its stream: the plan in force there has the words.
"""

from collections.abc import Iterator

from domain.events import TaskCreated, TaskResolved
from domain.recorded import Recorded
from projections.projection import Change, Move, Projection, Put, Table, topics

TABLE = Table(
    "tasks",
    key=("task_id",),
    columns={
        "task_id": "uuid",
        "stream_id": "uuid",
        "campaign_id": "uuid",
        "contact_id": "uuid",
        "version": "bigint",
        "kind": "text",
        "node": "text",
        "visit": "integer",
        "due_at": "timestamptz",
        "created_at": "timestamptz",
        "state": "text",
        "ended_at": "timestamptz",
    },
)
OPEN = "open"


def changes(recorded: Recorded) -> Iterator[Change]:
    """A task is open until it is done, skipped or withdrawn, and then as it ended."""
    match recorded.fact:
        case TaskCreated() as fact:
            row = {
                "task_id": fact.task_id,
                "stream_id": recorded.stream,
                "campaign_id": recorded.campaign_id,
                "contact_id": recorded.contact_id,
                "version": recorded.version,
                "kind": fact.kind,
                "node": fact.node,
                "visit": fact.visit,
                "due_at": fact.due_at,
                "created_at": fact.at,
                "state": OPEN,
            }
            yield Put(TABLE, row)
        case TaskResolved(task_id=task_id) as fact:
            ended = {"state": fact.end, "ended_at": fact.at}
            yield Move(TABLE, {"task_id": task_id}, {"state": (OPEN,)}, ended)
        case _:
            pass


TASKS = Projection("tasks", (TABLE,), topics(TaskCreated, TaskResolved), changes)
