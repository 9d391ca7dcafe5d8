"""What only the console asks the read models: bounded looks over a whole tenant."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.ids import CampaignId, ContactId, MessageId, StreamId
from handlers.services import ActivityRow, ContactCampaignRow, QueueRow

LOOKED_AT_MAX = 20_000
"""Messages that an overview counts; where there are more, it says so."""


class Slot(msgspec.Struct, frozen=True):
    """How many messages may leave in the hour that begins then."""

    at: datetime
    count: int


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for one sender within the time looked at."""

    sender: str
    waiting: int
    held: int
    doubtful: int
    first: datetime | None


class Ahead(msgspec.Struct, frozen=True):
    """What is to leave until an instant; `more` says that not all was counted."""

    slots: Sequence[Slot]
    lanes: Sequence[Lane]
    more: bool


class Troubles(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should look at; each is counted up to a hundred."""

    unknown: int
    lost: int
    parked: int
    overdue_tasks: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wrote back."""

    id: UUID
    message_id: MessageId | None
    received_at: datetime
    reply_class: str
    subject: str | None
    text: str | None
    html: str | None


class ConsoleReads(Protocol):
    """Looks over one tenant."""

    def ahead(self, now: datetime, until: datetime) -> Ahead:
        """What waits and may leave until then, also what is late."""
        ...

    def troubles(self, now: datetime) -> Troubles: ...

    def counters(self, since: datetime, until: datetime) -> Mapping[str, int]:
        """The counters of all campaigns, by whole days of UTC."""
        ...

    def found(self, text: str, limit: int) -> Sequence[ContactId]:
        """Contacts whose external id begins with this, in its order."""
        ...

    def journeys_of(self, contacts: Iterable[ContactId], limit: int) -> list[ContactCampaignRow]:
        """The contact-campaigns of these contacts, the latest first."""
        ...

    def messages_of(self, stream: StreamId) -> list[QueueRow]:
        """All messages of a contact-campaign, as they were planned."""
        ...

    def plans_of(self, campaign: CampaignId) -> Sequence[tuple[str, int]]:
        """Plans by how many of the first thousand contact-campaigns have them, most first."""
        ...

    def replies(self, messages: Iterable[MessageId]) -> Sequence[Reply]: ...

    def reply(self, reply_id: UUID) -> Reply | None: ...

    def newest(self) -> int:
        """The position up to which there is activity."""
        ...

    def happenings(self, after: int, limit: int) -> Sequence[ActivityRow]:
        """Activity behind a position, oldest first."""
        ...

    def pulse(self) -> "Pulse":
        """What changes beside the activity, small enough to be compared each second."""
        ...


class Pulse(msgspec.Struct, frozen=True):
    """The states of campaigns by id, and how many messages wait by state, up to LOOKED_AT_MAX."""

    campaigns: Mapping[str, str]
    queue: Mapping[str, int]
