"""Campaigns as configured, and everything that a use case needs for one tenant."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from domain.ids import CampaignId, ContactId, StreamId, TenantId
from domain.plan import Policy
from domain.taxonomy import AddressVerdict
from handlers.ports.accounts import SenderAccounts
from handlers.ports.errands import Endpoints, Errands, Notices, People
from handlers.ports.inputs import Inbox, Timers
from handlers.ports.limits import GlobalShare, Limits, Smoothing
from handlers.ports.outbox import Outbox
from handlers.ports.streams import Campaigns, Transaction, Transactions
from handlers.ports.surroundings import Calendars, Clock, Doorbell, Rng
from handlers.ports.vault import Suppressions, Vault
from plans.context import TenantPolicy


class CampaignRow(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as configured."""

    campaign_id: CampaignId
    name: str
    description: str
    status: str
    sender: str
    daily_limit: int
    created_at: datetime


class LastRun(msgspec.Struct, frozen=True):
    """The latest run of a contact in a campaign: its plan, and when it ended, if that is known.

    The end comes from a read table, which may lag: a run that seems to go on is never repeated.
    """

    run: int
    stream: StreamId
    plan_hash: str
    ended_at: datetime | None


class NewPlan(msgspec.Struct, frozen=True):
    """A plan to be kept with the contact it serves, and the report it was accepted with."""

    plan_hash: str
    document: bytes
    report: bytes
    digest: str
    contact_id: ContactId


class Register(Protocol):
    """Campaigns of one tenant and who is in them."""

    def campaign(self, campaign_id: CampaignId) -> CampaignRow | None: ...

    def campaigns_of(self, ids: Iterable[CampaignId]) -> Mapping[CampaignId, CampaignRow]: ...

    def set_status(self, campaign_id: CampaignId, status: str) -> None: ...

    def keep_plans(self, tx: Transaction, plans: Sequence[NewPlan]) -> None: ...

    def last_runs(
        self, campaign_id: CampaignId, contacts: Iterable[ContactId]
    ) -> Mapping[ContactId, LastRun]:
        """The latest run of each of these contacts that has one."""
        ...

    def hold_senders(self) -> None:
        """Let no sender send until an operator lets them again."""
        ...

    def streams(
        self, campaign_id: CampaignId, after: StreamId | None, limit: int
    ) -> list[StreamId]:
        """Streams of a campaign in the order of their ids, a page at a time."""
        ...


class KnownAddresses(Protocol):
    """What is known of addresses."""

    def verdicts(self, ids: Iterable[ContactId]) -> Mapping[ContactId, AddressVerdict]:
        """What is known now of those contacts that have an address; nobody is asked for it."""
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
    accounts: SenderAccounts
    addresses: KnownAddresses
    limits: Limits
    smoothing: Smoothing
    global_share: GlobalShare
    timers: Timers
    errands: Errands
    people: People
    endpoints: Endpoints
    notices: Notices
    inbox: Inbox
    suppressions: Suppressions
    calendars: Calendars
    clock: Clock
    rng: Rng
    doorbell: Doorbell
