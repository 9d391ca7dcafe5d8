"""The send queue of a tenant."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from domain.ids import CampaignId, ContactId, MessageId, StreamId
from domain.taxonomy import HoldReason
from handlers.ports.provider import Report
from handlers.ports.streams import Transaction


class Planned(msgspec.Struct, frozen=True):
    """A planned message that is to be rendered."""

    message_id: MessageId
    stream: StreamId
    contact_id: ContactId
    campaign_id: CampaignId
    node: str
    variant: str
    sender: str
    plan_hash: str


class Sent(msgspec.Struct, frozen=True):
    """An accepted message of a stream, which a later one may thread under."""

    message_id: MessageId
    stream: StreamId
    node: str
    visit: int
    attempt: int


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A queued message that is due, with what its gates look at in the claim's transaction."""

    message_id: MessageId
    stream: StreamId
    campaign_id: CampaignId
    contact_id: ContactId
    hold_reason: str | None
    reachable: bool
    """The contact is still in the vault and has an address."""
    suppressed: bool
    campaign_status: str
    sender_known: bool
    sender_verified: bool
    sender_paused: bool


class Doubt(msgspec.Struct, frozen=True):
    """A message whose attempt has no outcome yet."""

    message_id: MessageId
    stream: StreamId
    attempt: int


class Match(msgspec.Struct, frozen=True):
    """The message a report is about; `weak` when only the address led to it."""

    stream: StreamId
    message_id: MessageId
    contact_id: ContactId
    attempt: int | None
    weak: bool = False


class Outbox(Protocol):
    """The send queue of one tenant."""

    def planned(self, tx: Transaction, now: datetime, limit: int) -> list[Planned]:
        """Lock up to `limit` planned messages that come due within the rendering lead."""
        ...

    def sent(self, tx: Transaction, streams: Iterable[StreamId]) -> list[Sent]: ...

    def due(self, tx: Transaction, now: datetime, limit: int) -> list[Due]:
        """Lock up to `limit` due messages and share-lock what their gates read; skip the locked."""
        ...

    def hold(
        self, tx: Transaction, ids: Sequence[MessageId], reason: HoldReason, until: datetime
    ) -> None:
        """Look again later, for a reason that is no news for the log."""
        ...

    def sign(self, tx: Transaction, ids: Sequence[MessageId]) -> None:
        """Stamp claimed rows with the database's now() and this worker."""
        ...

    def fresh(self, claims: Mapping[MessageId, int]) -> set[MessageId]:
        """T2: claims of this worker, same attempt, younger than the call guard, gates open."""
        ...

    def stale(self, limit: int) -> list[Doubt]:
        """S1: SENDING for longer than the sweep allows, by the database's clock."""
        ...

    def expired(self, now: datetime, limit: int) -> list[Doubt]:
        """S2: planned or queued past their expiry."""
        ...

    def silent(self, now: datetime, limit: int) -> list[Doubt]:
        """S4: UNKNOWN for 72 h without a fact, while webhooks were alive the whole time."""
        ...

    def find(self, reports: Sequence[Report]) -> list[Match | None]:
        """The message of each report: by our id, the provider's, Message-ID, last the address."""
        ...
