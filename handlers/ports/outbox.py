"""The send queue of a tenant."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from domain.ids import CampaignId, ContactId, MessageId, StreamId
from domain.taxonomy import HoldReason
from handlers.ports.accounts import AccountRow
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
    """The sender or rotation set that the node names, else the campaign's."""
    plan_hash: str


class Sent(msgspec.Struct, frozen=True):
    """An accepted message of a stream, which a later one may thread under."""

    message_id: MessageId
    stream: StreamId
    node: str
    visit: int
    attempt: int
    sender: str


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Who a due message is for, as far as its gates ask; never leaves towards the log."""

    contact_id: ContactId
    known: bool
    """Whether the contact is still in the vault."""
    reachable: bool
    suppressed: str
    address: str
    """What the checks of the address said: valid, unchecked, risky or invalid."""
    country: str
    subscriber: str
    consent: str
    consent_until: datetime | None
    zone: str
    domain: str
    domain_key: str
    """The keyed digest of the domain."""
    identities: tuple[bytes, ...]
    """The keyed digests that this person is known by: of the address, of the profile."""
    contacted_at: datetime | None
    contacted_by: CampaignId | None
    touched_at: datetime | None


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A queued message that is due, with what its gates look at in the claim's transaction."""

    message_id: MessageId
    stream: StreamId
    campaign_id: CampaignId
    hold_reason: str | None
    campaign_status: str
    campaign_day_max: int
    recipient: Recipient
    sender: str
    account: AccountRow | None
    """None where the sender is no account here."""
    probing: bool
    """A message of this sender is under way while its circuit is open."""
    rendered: bool
    readdressed: bool
    """The mail was rendered for another address than the recipient's."""
    opt_out: bool
    postal_address: bool


class Lane(NamedTuple):
    """A queue within the queue: of a sender's pace, or of a limit that is used up."""

    name: str
    key: str


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """What a claim leaves behind in its own transaction, besides the facts."""

    token: str
    """Names this claim, so that a lost answer to its commit can be settled."""
    claimed: Sequence[Due]
    lanes: Mapping[Lane, datetime]
    now: datetime


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

    def waiting(self, now: datetime, limit: int) -> int:
        """How many messages are due, as far as `limit`; a look without locks."""
        ...

    def due(self, tx: Transaction, now: datetime, limit: int) -> list[Due]:
        """Lock up to `limit` due messages and share-lock what their gates read; skip the locked."""
        ...

    def look(self, message_id: MessageId, now: datetime) -> Due | None:
        """What the gates would see of a message now, for people who ask; nothing is locked."""
        ...

    def lanes(self, tx: Transaction, wanted: Iterable[Lane]) -> Mapping[Lane, datetime]:
        """Until when each of these lanes is taken."""
        ...

    def hold(
        self, tx: Transaction, ids: Sequence[MessageId], reason: HoldReason, until: datetime
    ) -> None:
        """Look again later, for a reason that is no news for the log."""
        ...

    def hold_each(
        self, tx: Transaction, held: Mapping[MessageId, tuple[HoldReason, datetime]]
    ) -> None:
        """The same for many messages, each with its own reason and time."""
        ...

    def mark(self, tx: Transaction, marked: Marked) -> None:
        """Stamp claimed rows with the database's now() and the claim; note who is written to."""
        ...

    def claimed(self, token: str) -> set[MessageId]:
        """What a claim whose commit had no answer did claim, once it can be told."""
        ...

    def fresh(self, token: str, claims: Mapping[MessageId, int]) -> set[MessageId]:
        """T2: messages of this claim, same attempt, younger than the call guard, gates open."""
        ...

    def provider_id(self, message_id: MessageId) -> str | None:
        """What the provider calls a message, as far as we were told."""
        ...

    def not_contacted(self, tx: Transaction, messages: Iterable[MessageId]) -> None:
        """Forget whom these messages would have gone to, where nothing else may have left."""
        ...

    def stale(self, after: MessageId | None, limit: int) -> list[Doubt]:
        """S1: SENDING for longer than the sweep allows, by the database's clock."""
        ...

    def expired(self, now: datetime, after: MessageId | None, limit: int) -> list[Doubt]:
        """S2: planned or queued past their expiry, and kept back by no pause."""
        ...

    def silent(self, now: datetime, after: MessageId | None, limit: int) -> list[Doubt]:
        """S4: UNKNOWN for 72 h without a fact, while webhooks were alive the whole time."""
        ...

    def idle_since(self, before: datetime) -> datetime | None:
        """S10: since when the oldest message is due that nobody looked at, if it is so old."""
        ...

    def find(self, tx: Transaction, reports: Sequence[Report]) -> list[Match | None]:
        """The message of each report: by our id, the provider's, Message-ID, last the address."""
        ...
