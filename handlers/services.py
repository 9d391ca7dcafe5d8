"""What the web process works with: filled by the bootstrap, by fakes in tests."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.ids import CampaignId, ContactId, MessageId, StreamId, TenantId
from domain.taxonomy import Channel
from handlers.access import KeyHolder
from handlers.accounts.orders import AccountOrders
from handlers.contacts import ContactBook
from handlers.dead_letters import DeadLetters
from handlers.erasure import Erasures
from handlers.errands.endpoints import EndpointBook
from handlers.errands.lists import NoticeList, TaskList
from handlers.errors import Problem
from handlers.links import Keys
from handlers.metering import Meter
from handlers.metrics.reads import MetricReads
from handlers.passages import Passage
from handlers.ports import (
    Ban,
    CampaignRow,
    Clock,
    Register,
    Rng,
    Sender,
    Suppressions,
    TenantPorts,
    WebhookReader,
)
from handlers.ports.acts import ActLog
from handlers.timeline import History
from handlers.webhooks.words import InboundReader
from plans.simulate import Counts

# --- read models ----------------------------------------------------------------------------------


class ContactCampaignRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a contact-campaign stands, as the read model has it."""

    id: StreamId
    campaign_id: CampaignId
    contact_id: ContactId
    run: int
    plan_hash: str
    status: str
    node: str
    outcome: str | None
    accepted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    changed_at: datetime


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the send queue."""

    id: MessageId
    contact_campaign_id: StreamId
    campaign_id: CampaignId
    contact_id: ContactId
    node: str
    visit: int
    channel: str
    variant: str
    sender: str
    state: str
    attempt: int
    due_at: datetime
    not_before: datetime
    expires_at: datetime
    hold_reason: str | None
    reason: str | None
    provider_id: str | None
    accepted_at: datetime | None


class ActivityRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    position: int
    at: datetime
    kind: str
    category: str
    contact_campaign_id: StreamId
    campaign_id: CampaignId
    contact_id: ContactId
    message_id: MessageId | None
    node: str
    detail: str


class CampaignNumbers(msgspec.Struct, frozen=True):
    """Counters of a campaign since its beginning, and where its contacts stand."""

    counters: Mapping[str, int]
    statuses: Mapping[str, int]
    outcomes: Mapping[str, int]


class Journeys(msgspec.Struct, frozen=True, kw_only=True):
    """Which contact-campaigns are asked for."""

    campaign: CampaignId | None = None
    status: str | None = None
    after: StreamId | None = None
    limit: int


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages are asked for; `after` is the place of the last one that was shown."""

    campaign: CampaignId | None = None
    states: Sequence[str]
    after: tuple[datetime, MessageId] | None = None
    limit: int


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """Which activity is asked for, newest first; `before` is a position."""

    contact: ContactId | None = None
    campaign: CampaignId | None = None
    kind: str | None = None
    since: datetime | None = None
    before: int | None = None
    limit: int


class ReadModels(Protocol):
    """What the pages and the API show of one tenant."""

    def journeys(self, wanted: Journeys) -> list[ContactCampaignRow]:
        """Contact-campaigns in the order of their ids."""
        ...

    def queue(self, wanted: Queue) -> list[QueueRow]:
        """Messages in the order in which they may leave."""
        ...

    def message(self, message_id: MessageId) -> QueueRow | None: ...

    def activity(self, wanted: Activity) -> list[ActivityRow]: ...

    def numbers(self, campaign_id: CampaignId) -> CampaignNumbers: ...

    def engagement(self) -> Mapping[Channel, Counts]:
        """How people reacted to all that the tenant ever sent, by channel."""
        ...

    def passages(self, campaign_id: CampaignId) -> Sequence[Passage]:
        """How often the contacts of a campaign came to each node and left it by each way."""
        ...


# --- stores ---------------------------------------------------------------------------------------


class CampaignBook(Register, Protocol):
    """Campaigns and senders of one tenant as configured."""

    def campaigns(self, after: UUID | None, limit: int) -> list[CampaignRow]:
        """Campaigns in the order of their ids."""
        ...

    def add_campaign(self, row: CampaignRow) -> None:
        """Write a new campaign; raises what `Services.problems` answers for when the name is taken.

        The time of creation is the store's.
        """
        ...

    def change_campaign(self, row: CampaignRow) -> None:
        """Overwrite the name, the description, the sender and the limit of a campaign.

        Raises as `add_campaign` does when the name is taken.
        """
        ...

    def put_sender(self, sender: Sender) -> None: ...


class SuppressionList(Suppressions, Protocol):
    """The suppression list of one tenant, to be looked at and lifted from."""

    def page(
        self, after: bytes | None, limit: int
    ) -> Sequence[tuple[str, bytes, str, str, datetime]]:
        """Bans in the order of their keys: family, HMAC, reason, source, since."""
        ...

    def of_contact(self, contact_id: ContactId) -> Sequence[Ban]:
        """All that was ever said against writing to a contact's addresses, oldest first."""
        ...

    def remove(self, family: str, address: str, at: datetime) -> bool:
        """Lift every ground that bans an address; false when there was none."""
        ...


class Copies(Protocol):
    """What the vault has of a contact, and how often that was handed out."""

    def count(self, contact_id: ContactId, ordered_by: str) -> bool:
        """Count one more copy; False where the quota of the last 24 hours is used up."""
        ...

    def streams(self, contact_id: ContactId) -> Sequence[StreamId]:
        """Every contact-campaign of the contact."""
        ...

    def rows(self, contact_id: ContactId) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The rows of each table of the vault that are about the contact, oldest first."""
        ...


class Answered(msgspec.Struct, frozen=True):
    """What was answered to a request with an idempotency key."""

    status: int
    body: bytes


class Memory(Protocol):
    """Answers by idempotency key, for 24 hours."""

    def begin(self, route: str, key: str, request: bytes) -> Answered | None:
        """Take a key, or give the answer it had.

        Raises KeyReused when it came with another request, StillRunning when the first one is not
        answered yet; a request that died is forgotten after some minutes.
        """
        ...

    def keep(self, route: str, key: str, answered: Answered) -> None: ...

    def forget(self, route: str, key: str) -> None:
        """Let the request come again: it changed nothing, or nobody knows."""
        ...


class RawDelivery(msgspec.Struct, frozen=True):
    """What a provider or a fetched link posted, by its digest; its id ends with 8 bytes of it."""

    delivery_id: UUID
    provider: str
    received_at: datetime
    body_sha256: str


Deliveries = Callable[[Collection[int]], Mapping[int, RawDelivery]]
"""The raw deliveries that rows of the inbox came in, by the numbers of those; as long as kept."""


class TenantServices(msgspec.Struct, frozen=True, kw_only=True):
    """All that the web process has of one tenant."""

    ports: TenantPorts
    contacts: ContactBook
    campaigns: CampaignBook
    suppressions: SuppressionList
    acts: ActLog
    tasks: TaskList
    notices: NoticeList
    dead_letters: DeadLetters
    erasures: Erasures
    copies: Copies
    orders: AccountOrders
    endpoints: EndpointBook
    reads: ReadModels
    metrics: MetricReads
    history: History
    deliveries: Deliveries
    memory: Memory
    webhooks: WebhookReader
    inbound: InboundReader
    inbound_secret: str = ""
    """Path segment of the inbound route for posts without a signature; empty: there is none."""
    unmeasured: frozenset[str] = frozenset()
    """Counters that are not measured here, such as opens where tracking is off."""


Probe = Callable[[], str]
"""Says in some words how well something is; raises when it is not."""


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What the endpoints call."""

    check_key: Callable[[str], KeyHolder | None]
    tenant: Callable[[TenantId], TenantServices | None]
    tenant_by_tag: Callable[[str], TenantServices | None]
    link_keys: Keys
    clock: Clock
    real_now: Callable[[], datetime]
    """The database's own time: signatures are dated by it, also where the clock is scaled."""
    rng: Rng
    tzdata: str
    probes: Mapping[str, Probe]
    problems: Mapping[type[Exception], Problem]
    """How the errors of the stores are answered: out of reach, a name that is taken."""
    webhook_per_minute: int = 1000
    """Posts of a provider that a tenant's endpoint takes in a minute, in this process."""
    hosts: frozenset[str] = frozenset()
    """Names of the web process besides those of the machine itself; tools are served under them."""
    calls_per_minute: int = 6000
    """Calls of the API that one key may make in a minute, in this process."""
    meter: Meter

    @property
    def count(self) -> Callable[[str], None]:
        """Adds one to a counter of operation."""
        return self.meter.count
