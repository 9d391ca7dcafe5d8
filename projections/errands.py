"""What plans ask of other systems and of the vault: one row until it is done.

`version` is the place of the request in its stream: the plan in force there says what is asked.
"""

from collections.abc import Iterator
from typing import Any

from domain.events import (
    ContactUpdateRequested,
    NotificationRequested,
    WebhookRequested,
    WebhookResolved,
)
from domain.ids import ErrandId
from domain.recorded import Recorded
from projections.projection import Change, Clear, Projection, Put, Table, topics

TABLE = Table(
    "errands",
    key=("errand_id",),
    columns={
        "errand_id": "uuid",
        "stream_id": "uuid",
        "version": "bigint",
        "kind": "text",
        "node": "text",
        "visit": "integer",
        "endpoint": "text",
        "requested_at": "timestamptz",
        "give_up_at": "timestamptz",
    },
)
UPDATE, NOTIFY, WEBHOOK = "update", "notify", "webhook"

_Request = ContactUpdateRequested | NotificationRequested | WebhookRequested


def changes(recorded: Recorded) -> Iterator[Change]:
    """A row with the request; a call goes with its outcome, the other kinds with their work."""
    match recorded.fact:
        case ContactUpdateRequested(update_id=errand) as fact:
            yield Put(TABLE, _row(recorded, errand, UPDATE, fact))
        case NotificationRequested(notice_id=errand) as fact:
            yield Put(TABLE, _row(recorded, errand, NOTIFY, fact))
        case WebhookRequested(call_id=errand) as fact:
            call = {"endpoint": fact.endpoint, "give_up_at": fact.give_up_at}
            yield Put(TABLE, {**_row(recorded, errand, WEBHOOK, fact), **call})
        case WebhookResolved(call_id=errand):
            yield Clear(TABLE, {"stream_id": recorded.stream, "errand_id": errand})
        case _:
            pass


def _row(recorded: Recorded, errand: ErrandId, kind: str, fact: _Request) -> dict[str, Any]:
    return {
        "errand_id": errand,
        "stream_id": recorded.stream,
        "version": recorded.version,
        "kind": kind,
        "node": fact.node,
        "visit": fact.visit,
        "requested_at": fact.at,
    }


ERRANDS = Projection(
    "errands",
    (TABLE,),
    topics(WebhookRequested, WebhookResolved, ContactUpdateRequested, NotificationRequested),
    changes,
)
