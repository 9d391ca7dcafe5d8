"""Decisions, plans and streams that the tests of the log share."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from domain.campaign import Campaign
from domain.errors import CampaignEnded
from domain.events import Event, MessageCancelled, NodeEntered, PlanAccepted, SignalRecorded
from domain.ids import (
    CampaignId,
    ContactId,
    MessageId,
    NodeId,
    StreamId,
    TenantId,
    message_id,
    stream_id,
)
from domain.plan import Grounds, Limits, Plan
from domain.recorded import Cause
from domain.taxonomy import CancelReason, CauseKind, Channel
from domain.timing import parse_duration
from handlers.ports import Input, Rng, Transaction
from infra.campaigns import GroundsOf, LogCampaigns, TenantTransactions
from infra.clock import VirtualClock
from infra.entropy import SystemRng
from infra.log import Log
from infra.tenancy import Database
from projections.registry import WORK

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CAMPAIGN = CampaignId(UUID(int=7))
NODE = NodeId("hello")
CAUSE = Cause(CauseKind.REQUEST, "r1")
CORRELATION = UUID(int=9)

PLAN = Plan(
    hash="p1",
    version="1",
    zone="UTC",
    start=NODE,
    nodes={},
    limits=Limits(
        max_sends=3,
        max_duration=parse_duration("P30D"),
        min_spacing=parse_duration("P1D"),
        min_spacing_any=parse_duration("P1D"),
    ),
    goals=(),
    auto_reply="ignore",
    auto_reply_by=parse_duration("P1D"),
)


def grounds(stream: StreamId) -> Grounds:
    return Grounds(plan=PLAN, subject="subject", stream=stream)


class Refused(CampaignEnded):
    """What a test decision refuses with."""


def a_stream(tenant: TenantId, number: int) -> StreamId:
    return stream_id(tenant, CAMPAIGN, contact(number), 1)


def contact(number: int) -> ContactId:
    return ContactId(UUID(int=1_000 + number))


def accept(state: Campaign, _: Grounds, *, number: int) -> Sequence[Event]:
    """The first fact of a stream; a second time it is no news."""
    if state.plan_hash:
        return []
    fact = PlanAccepted(
        contact_id=contact(number),
        campaign_id=CAMPAIGN,
        run=1,
        plan_hash="p1",
        dsl_version="1",
        tzdata="2026a",
        at=NOON,
    )
    return [fact]


def hear(state: Campaign, _: Grounds, *, keys: Sequence[str]) -> Sequence[Event]:
    """Some signals, each by its key only once."""
    return [
        SignalRecorded(signal="x_test", at=NOON, key=key) for key in keys if key not in state.keys
    ]


def refuse(_: Campaign, __: Grounds) -> Sequence[Event]:
    raise Refused("over")


def plan_mail(state: Campaign, _: Grounds, *, stream: StreamId) -> Sequence[Event]:
    """A message in the send queue; once."""
    if NODE in state.visits:
        return []
    fact = NodeEntered(
        node=NODE,
        visit=1,
        at=NOON,
        message_id=mail_of(stream),
        channel=Channel.EMAIL,
        due_at=NOON + timedelta(hours=1),
        expires_at=NOON + timedelta(days=3),
        dedupe_key=f"{stream}:hello:email",
    )
    return [fact]


def cancel_mail(state: Campaign, _: Grounds, *, stream: StreamId) -> Sequence[Event]:
    """Its message leaves the send queue."""
    if state.waiting is None:
        return []
    fact = MessageCancelled(
        message_id=mail_of(stream), reason=CancelReason.OPERATOR, at=NOON, node=NODE
    )
    return [fact]


def mail_of(stream: StreamId) -> MessageId:
    return message_id(stream, NODE, 1)


class Sales:
    """One tenant's campaigns with decisions for tests; each call makes one input."""

    def __init__(
        self,
        database: Database,
        tenant: TenantId,
        *,
        grounds_of: GroundsOf | None = None,
        rng: Rng | None = None,
    ) -> None:
        self.database = database
        self.tenant = tenant
        self.clock = VirtualClock(NOON)
        self.log = Log(database, tenant)
        self.transactions = TenantTransactions(database, tenant)
        self.campaigns = LogCampaigns(
            self.log,
            self.transactions,
            clock=self.clock,
            rng=rng or SystemRng(),
            grounds_of=grounds_of or same_grounds,
            work=WORK,
        )

    def stream(self, number: int) -> StreamId:
        return a_stream(self.tenant, number)

    def accepting(self, number: int) -> Input:
        decide = partial(accept, number=number)
        stream = self.stream(number)
        return Input(stream, decide, CAUSE, CORRELATION, grounds=grounds(stream))

    def hearing(self, number: int, *keys: str) -> Input:
        return Input(self.stream(number), partial(hear, keys=keys), CAUSE, CORRELATION)

    def refusing(self, number: int) -> Input:
        return Input(self.stream(number), refuse, CAUSE, CORRELATION)

    def planning_mail(self, number: int) -> Input:
        stream = self.stream(number)
        return Input(stream, partial(plan_mail, stream=stream), CAUSE, CORRELATION)

    def cancelling_mail(self, number: int) -> Input:
        stream = self.stream(number)
        return Input(stream, partial(cancel_mail, stream=stream), CAUSE, CORRELATION)

    def enrolled(self, *numbers: int) -> None:
        """Streams that have their first fact."""
        self.campaigns.transact_many([self.accepting(number) for number in numbers])

    def heard(self, number: int) -> list[str]:
        """The keys of the recorded signals of a stream, in the order of the log."""
        facts = [each.fact for each in self.log.history(self.stream(number))]
        return [fact.key for fact in facts if isinstance(fact, SignalRecorded)]


def same_grounds(
    states: Sequence[tuple[StreamId, Campaign]], _: Transaction | None = None
) -> Mapping[StreamId, Grounds]:
    return {stream: grounds(stream) for stream, _ in states}
