"""What happened and what is to come: messages, the send queue, activity."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from pydantic import AwareDatetime, Field

from domain.ids import CampaignId, ContactId, MessageId
from domain.taxonomy import MessageState
from handlers.access import Permission, permits
from handlers.api.calls import Call, Page
from handlers.api.paging import Listed, listed, place_of
from handlers.errors import NotHere
from handlers.ports import Mail
from handlers.queue_shown import QueuedMessage, with_names
from handlers.services import Activity, ActivityRow, Queue, QueueRow

WAITING = (
    MessageState.PLANNED,
    MessageState.QUEUED,
    MessageState.SENDING,
    MessageState.UNKNOWN,
)
State = Literal[
    "PLANNED",
    "QUEUED",
    "SENDING",
    "ACCEPTED",
    "FAILED",
    "UNKNOWN",
    "PRESUMED_LOST",
    "CANCELLED",
]


class WhichMessages(Page):
    """Which messages to list; without a state, all that are not settled."""

    campaign: UUID | None = None
    state: State | None = None


class WhichActivity(Page):
    """Which activity to list, newest first."""

    contact: UUID | None = None
    campaign: UUID | None = None
    kind: str | None = Field(None, max_length=100, pattern=r"^[a-z_.]+$")
    since: AwareDatetime | None = None


class MailShown(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it was rendered: what is sent is exactly this."""

    from_email: str
    from_name: str
    to_email: str
    to_name: str
    subject: str
    text: str
    html: str | None


class MessageShown(msgspec.Struct, frozen=True, kw_only=True):
    """A message; without a mail it was not rendered yet, or was forgotten since."""

    message: QueueRow
    mail: MailShown | None


def message(call: Call) -> MessageShown:
    """One message."""
    message_id = MessageId(call.id)
    row = call.tenant.reads.message(message_id)
    if row is None:
        raise NotHere("no message has this id")
    found = call.tenant.ports.vault.mails([message_id]).get(message_id)
    return MessageShown(message=row, mail=None if found is None else _mail(found[0]))


def queue(call: Call) -> Listed[QueuedMessage]:
    """Messages in the order in which they may leave, with whom and what they are about."""
    query: WhichMessages = call.query
    after = place_of(query.cursor, tuple[datetime, UUID])
    wanted = Queue(
        campaign=None if query.campaign is None else CampaignId(query.campaign),
        states=WAITING if query.state is None else (query.state,),
        after=None if after is None else (after[0], MessageId(after[1])),
        limit=query.limit + 1,
    )
    rows = call.tenant.reads.queue(wanted)
    page = listed(rows, query.limit, lambda row: (row.not_before, row.id))
    people = permits(call.holder, Permission.READ_CONTACTS)
    return Listed(with_names(call.tenant, page.items, people=people), page.next_cursor)


def activity(call: Call) -> Listed[ActivityRow]:
    """What happened, newest first."""
    query: WhichActivity = call.query
    wanted = Activity(
        contact=None if query.contact is None else ContactId(query.contact),
        campaign=None if query.campaign is None else CampaignId(query.campaign),
        kind=query.kind,
        since=query.since,
        before=place_of(query.cursor, int),
        limit=query.limit + 1,
    )
    return listed(call.tenant.reads.activity(wanted), query.limit, lambda row: row.position)


def _mail(mail: Mail) -> MailShown:
    return MailShown(**{name: getattr(mail, name) for name in MailShown.__struct_fields__})
