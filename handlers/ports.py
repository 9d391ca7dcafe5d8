"""What the use cases need from outside, as protocols; infra implements them, tests give fakes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NewType, Protocol
from uuid import UUID

import msgspec

from domain.campaign import Campaign
from domain.errors import CampaignError
from domain.events import Event
from domain.ids import CampaignId, ContactId, MessageId, StreamId, TenantId
from domain.plan import Grounds, Plan, Policy
from domain.recorded import Cause
from domain.taxonomy import AnswerClass, HoldReason
from plans.context import TenantPolicy

Transaction = NewType("Transaction", object)
"""A tenant transaction that is open; only infra looks inside."""

Decide = Callable[[Campaign, Grounds], Sequence[Event]]
"""A decision with its input bound: pure, and saying nothing the second time."""


class Input(msgspec.Struct, frozen=True):
    """A decision to take on one stream, and what caused it.

    `grounds` is given only where the stream is still empty; else it is found by the plan hash of
    its state. `ref` is the caller's own: it comes back with the result.
    """

    stream: StreamId
    decide: Decide
    cause: Cause
    correlation: UUID
    grounds: Grounds | None = None
    ref: Any = None


class Result(msgspec.Struct, frozen=True):
    """What became of one input: facts written, none because it was no news, or a refusal."""

    stream: StreamId
    facts: tuple[Event, ...] = ()
    refused: CampaignError | None = None
    ref: Any = None


class Conflict(Exception):
    """Somebody else wrote to one of the streams first; nothing of this transaction is stored."""


class Campaigns(Protocol):
    """The streams of one tenant."""

    def transact(self, given: Input) -> Result:
        """Load, decide, append; decides again after a conflict, three times at most."""
        ...

    def transact_many(
        self,
        given: Sequence[Input],
        along: Callable[[Transaction, Sequence[Result]], None] | None = None,
    ) -> list[Result]:
        """One result for each input in order; the inputs that succeed together are one transaction.

        `along` writes in the same transaction (marks inputs as done). After a conflict the batch is
        halved and each half decided again, so `along` sees each input exactly once in a transaction
        that commits.
        """
        ...

    def decide_in(self, tx: Transaction, given: Sequence[Input]) -> list[Result]:
        """The same in a transaction that is already open; on `Conflict` the caller gives up all."""
        ...

    def load(self, stream: StreamId) -> Campaign:
        """The state of one stream now; INITIAL when it has no facts."""
        ...


class Clock(Protocol):
    """The only source of the time that schedules: real, scaled or virtual (trust.md 1)."""

    def now(self) -> datetime: ...


class Rng(Protocol):
    """The only source of chance: jitter of back-off, ids of requests and appends."""

    def uniform(self, low: float, high: float) -> float: ...

    def new_id(self) -> UUID: ...


class Doorbell(Protocol):
    """A message that says "look"; it carries no work and may be lost."""

    def ring(self, kind: str, tenant: TenantId) -> None:
        """Never raises: a lost bell costs one tick."""
        ...


# --- provider -------------------------------------------------------------------------------------


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One e-mail as rendered and kept in the vault; what is sent is exactly this."""

    message_id: MessageId
    from_email: str
    from_name: str
    to_email: str
    to_name: str
    reply_to: str
    subject: str
    text: str
    html: str | None
    headers: Mapping[str, str]
    """Without Message-ID, which names the attempt and is added at the call."""
    sender_domain: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a call came to: `reason` is a class word for the log, `detail` is for the vault only."""

    kind: AnswerClass
    reason: str = ""
    provider_id: str = ""
    detail: str = ""
    retry_after_s: float | None = None
    counted: bool = True
    """Whether a NOT_SENT counts to the eight attempts (429, 401 and 403 do not)."""
    opens_circuit: bool = False


class Provider(Protocol):
    """Sends one message by one call, without retry, within its time-out; never raises."""

    def send(self, mail: Mail, *, attempt: int, tenant_tag: str) -> Answer: ...


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One event as a provider reported it, in our words; `problem` says why it cannot be used.

    `signal` is None for events that tell a plan nothing, and for kinds that are not known.
    """

    provider: str
    kind: str
    raw: bytes
    key: bytes
    signal: str | None = None
    at: datetime | None = None
    message_id: MessageId | None = None
    attempt: int | None = None
    tenant_tag: str | None = None
    provider_id: str | None = None
    smtp_id: str | None = None
    address: str | None = None
    url: str | None = None
    ip: str | None = None
    useragent: str | None = None
    machine: bool = False
    evidence: str = ""
    suppresses: bool = False
    accepted: bool = False
    """The event proves that the provider took the message (settles UNKNOWN)."""
    reason: str = ""
    problem: str | None = None


class InvalidSignature(Exception):
    """The request is not from the provider, or not as it was sent; answered with 401."""


class WebhookReader(Protocol):
    """Verifies and translates the event webhooks of one provider."""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
        """Raise InvalidSignature unless the raw bytes are signed; True when late but accepted."""
        ...

    def read(self, body: bytes, *, tenant: TenantId) -> list[Report]:
        """The events of a verified body. Total: what cannot be read is a report with a problem."""
        ...

    def translate(self, raw: bytes, *, tenant: TenantId) -> Report:
        """One kept event again, as `read` gave it."""
        ...


# --- vault ----------------------------------------------------------------------------------------


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A contact as the vault knows it; never leaves towards the log."""

    contact_id: ContactId
    snapshot: int
    vault_key: bytes
    external_id: str | None = None
    email: str | None = None
    email_hmac: bytes | None = None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    company: str | None = None
    city: str | None = None
    timezone: str | None = None
    linkedin_url: str | None = None
    phone: str | None = None
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """An identity that messages leave from."""

    sender: str
    from_email: str
    from_name: str
    first_name: str
    calendar_url: str
    reply_domain: str
    postal_address: str
    verified: bool
    paused: bool = False


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered message on its way into the vault: the mail, its links by number, its proof."""

    message_id: MessageId
    contact_id: ContactId
    snapshot: int
    mail: Mail
    links: tuple[str, ...]
    body_mac: str


class Vault(Protocol):
    """Personal data and texts of one tenant."""

    def people(self, ids: Iterable[ContactId]) -> Mapping[ContactId, Person]: ...

    def senders(self) -> Mapping[str, Sender]: ...

    def plans(self, hashes: Iterable[str]) -> Mapping[str, Plan]:
        """Compiled plans by hash."""
        ...

    def documents(self, hashes: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        """Canonical plan documents by hash."""
        ...

    def keep_rendered(self, tx: Transaction, rendered: Sequence[Rendered]) -> None: ...

    def mails(self, ids: Iterable[MessageId]) -> Mapping[MessageId, tuple[Mail, bytes]]:
        """Rendered mails with the vault key of their contact."""
        ...

    def keep_note(self, subject: UUID, contact: ContactId | None, kind: str, text: str) -> None: ...

    def link(self, message_id: MessageId, number: int) -> str | None:
        """The target of a link as it was rendered; clicks go nowhere else."""
        ...

    def keep_reply(self, reply_id: UUID, received: Mapping[str, Any]) -> None:
        """Keep the words of a reply: message_id, class, subject, text, html, sender."""
        ...


# --- work -----------------------------------------------------------------------------------------


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


class Transactions(Protocol):
    """Opens tenant transactions."""

    def begin(self) -> AbstractContextManager[Transaction]: ...


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


class DueTimer(msgspec.Struct, frozen=True):
    """A claimed timer."""

    timer_id: UUID
    stream: StreamId
    kind: str
    node: str
    visit: int
    index: int
    due_at: datetime
    fence: int


class Timers(Protocol):
    """The timers of one tenant, claimed under lease and fence."""

    def claim(self, now: datetime, *, grace_s: int, limit: int) -> list[DueTimer]:
        """Lease due timers, oldest first; those of a node only after their grace."""
        ...

    def settle(self, tx: Transaction, timers: Sequence[DueTimer]) -> None:
        """Take timers away that are still ours; what another worker has is left to it."""
        ...

    def free_expired(self) -> int:
        """S7: give back what a dead worker had leased."""
        ...


class InboxItem(msgspec.Struct, frozen=True):
    """A claimed row of the webhook inbox."""

    inbox_id: int
    delivery_id: UUID
    provider: str
    raw: bytes
    key: bytes
    received_at: datetime
    tries: int
    fence: int


class Settled(msgspec.Struct, frozen=True):
    """What became of an inbox item: recorded, no_news, orphan or parked, with the reason."""

    item: InboxItem
    state: str
    reason: str = ""
    stream: StreamId | None = None
    message_id: MessageId | None = None


class Inbox(Protocol):
    """Reported events of one tenant, stored before they are answered for."""

    def keep(
        self,
        provider: str,
        headers: Mapping[str, str],
        body: bytes,
        reports: Sequence[Report],
        *,
        late: bool,
    ) -> int:
        """Store the raw delivery and a row for each event at once; the number of new ones."""
        ...

    def claim(self, limit: int) -> list[InboxItem]:
        """Lease new items, and orphans whose next try is due, oldest first."""
        ...

    def settle(self, tx: Transaction | None, settled: Sequence[Settled]) -> None:
        """Write what became of items that are still ours; an orphan gets its next try."""
        ...

    def free_expired(self) -> int: ...


class Suppression(msgspec.Struct, frozen=True):
    """A ban on an address, by its HMAC."""

    family: str
    address: str
    reason: str
    source: str
    at: datetime


class Suppressions(Protocol):
    """Addresses that must not be written to."""

    def add(self, tx: Transaction | None, bans: Sequence[Suppression]) -> None:
        """Write bans; the first reason stays. The address is turned into its HMAC here."""
        ...


# --- campaigns and all of a tenant ----------------------------------------------------------------


class CampaignRow(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as configured."""

    campaign_id: CampaignId
    name: str
    description: str
    status: str
    sender: str
    daily_limit: int
    created_at: datetime


class NewPlan(msgspec.Struct, frozen=True):
    """A plan to be kept with the contact it serves."""

    plan_hash: str
    document: bytes
    report: bytes
    contact_id: ContactId


class Register(Protocol):
    """Campaigns of one tenant and who is in them."""

    def campaign(self, campaign_id: CampaignId) -> CampaignRow | None: ...

    def set_status(self, campaign_id: CampaignId, status: str) -> None: ...

    def keep_plans(self, tx: Transaction, plans: Sequence[NewPlan]) -> None: ...

    def hold_senders(self) -> None:
        """Let no sender send until an operator lets them again."""
        ...

    def streams(
        self, campaign_id: CampaignId, after: StreamId | None, limit: int
    ) -> list[StreamId]:
        """Streams of a campaign in the order of their ids, a page at a time."""
        ...


class TenantPorts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a use case needs for one tenant."""

    tenant: TenantId
    tag: str
    policy: Policy
    plan_policy: TenantPolicy
    """The same as plan-dsl.md 14 writes it, for the check."""
    campaigns: Campaigns
    transactions: Transactions
    register: Register
    vault: Vault
    outbox: Outbox
    timers: Timers
    inbox: Inbox
    suppressions: Suppressions
    clock: Clock
    rng: Rng
    doorbell: Doorbell
