"""One tenant on real stores with a clock that is moved and a provider that is played."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from domain import accounts
from domain.campaign import Campaign
from domain.events import topic_of
from domain.ids import CampaignId, ContactId, ErrandId, MessageId, StreamId, TenantId, schema_of
from domain.recorded import Cause, Recorded
from domain.taxonomy import AnswerClass, CauseKind
from handlers import campaigns as use
from handlers.composing import Composer
from handlers.contacts import ContactRow
from handlers.dispatch.sender import Sender as Sending
from handlers.errands.running import ErrandRunner
from handlers.ports import Answer, Called, CampaignRow, Endpoint, Mail, Report, Sender, Why
from handlers.signals import Ingest
from handlers.sweeping import Sweeper
from handlers.timeouts import Timeouts
from infra.bootstrap import System
from infra.clock import VirtualClock
from infra.embedded.servers import ServerUrls
from infra.entropy import SystemRng
from infra.log import Log
from infra.migrations.run import create_tenant, migrate
from infra.redis import connect
from infra.settings import Settings
from infra.statements import Row, Statements, transaction

STORY = Why(Cause(CauseKind.OPERATOR, "story"), "story")
MONDAY = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
_NUMBERS = count(1)

SAM = Sender(
    sender="sam",
    from_email="sam@mail.example",
    from_name="Sam Okello",
    first_name="Sam",
    calendar_url="https://cal.example/sam",
    reply_domain="reply.example",
    postal_address="1 Harbour Street, Lisbon",
    verified=True,
)
WIDE: dict[str, int | str] = {
    "weekend": "none",
    "sender_minute_max": 10_000,
    "sender_hour_max": 10_000,
    "domain_hour_max": 10_000,
    "tenant_hour_max": 10_000,
}
"""Rules that leave stories about other things alone."""
TAKEN = Answer(kind=AnswerClass.ACCEPTED, provider_id="provider-1")


class PlayedProvider:
    """Implements handlers.ports.Provider: notes every call and answers as it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Mail, int]] = []
        self.answer: Callable[[Mail], Answer] = lambda _: TAKEN

    def send(self, mail: Mail, *, attempt: int, tenant_tag: str) -> Answer:
        assert tenant_tag
        self.calls.append((mail, attempt))
        return self.answer(mail)


class PlayedEndpoint:
    """Implements handlers.ports.EndpointCaller: notes every call and answers as it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Endpoint, ErrandId, bytes]] = []
        self.answer: Callable[[], Called] = lambda: Called(ok=True)

    def call(self, endpoint: Endpoint, call_id: ErrandId, body: bytes) -> Called:
        self.calls.append((endpoint, call_id, body))
        return self.answer()


class House:
    """Everything of one tenant, with short names for what stories do."""

    def __init__(self, system: System, tenant: TenantId) -> None:
        self.system = system
        self.tenant = tenant
        self.clock = VirtualClock(MONDAY)
        system.clock = self.clock
        self.provider = PlayedProvider()
        self.endpoint = PlayedEndpoint()
        self.ports = system.ports(tenant)
        self.log = Log(system.database, tenant)
        self.ports.register.put_sender(SAM)  # type: ignore[attr-defined]  # the SQL register
        self.rule(**WIDE)

    def rule(self, **changes: int | str | bool) -> None:
        """Change rules of the tenant's sending."""
        decide = partial(accounts.change_rules, changes=changes, at=self.clock.now())
        self.ports.accounts.order_sending(decide, STORY)

    def account(self, decide: Callable[..., Any], sender: str = "sam", **given: Any) -> None:
        """Give an order about a sender account."""
        order = partial(decide, **given, at=self.clock.now())
        self.ports.accounts.order(sender, order, STORY)

    def campaign(self, status: str = "active", daily_limit: int = 10_000) -> CampaignRow:
        row = CampaignRow(
            campaign_id=CampaignId(self.system.rng.new_id()),
            name=f"campaign {next(_NUMBERS)}",
            description="",
            status=status,
            sender="sam",
            daily_limit=daily_limit,
            created_at=MONDAY,
        )
        self.ports.register.add_campaign(row)  # type: ignore[attr-defined]  # the SQL register
        return row

    def contact(self, **fields: Any) -> ContactId:
        given = {"email": f"dana.{next(_NUMBERS)}@harbor.example", "first_name": "Dana"} | fields
        return self.system.contacts(self.tenant).put([ContactRow(**given)])[0].contact_id

    def enrol(
        self, plan: Mapping[str, Any], contact: ContactId | None = None, *, row: CampaignRow
    ) -> use.Enrolled:
        item = use.Enrolment(contact or self.contact(), plan)
        cause = Cause(CauseKind.REQUEST, "story")
        return use.enrol(
            self.ports, row, [item], tzdata="test", cause=cause, correlation=UUID(int=7)
        )[0]

    def started(self, plan: Mapping[str, Any], **fields: Any) -> StreamId:
        done = self.enrol(plan, self.contact(**fields), row=self.campaign())
        assert done.status == "started", done.report
        assert done.contact_campaign_id is not None
        return done.contact_campaign_id

    def after(self, **passed: float) -> None:
        """Let time pass and everybody do what is due."""
        self.clock.advance(timedelta(**passed))
        self.work()

    def work(self) -> None:
        """Every actor until nothing is due."""
        while sum(each() for each in (*self._rounds(), self.send)):
            pass

    def work_but_sends(self) -> None:
        """Every actor but the one that sends, until nothing is due."""
        while sum(each() for each in self._rounds()):
            pass

    def _rounds(self) -> Sequence[Callable[[], int]]:
        return (
            self.ingest,
            Timeouts(self.ports).fire_batch,
            self.run_errands,
            Composer(self.ports, self.system.links(self.ports.tag)).compose_batch,
        )

    def ingest(self) -> int:
        return Ingest(self.ports, self.system.readers()).take_batch()

    def run_errands(self) -> int:
        return ErrandRunner(self.ports, self.endpoint, self.system.errand_executor).run_batch()

    def send(self) -> int:
        return Sending(self.ports, self.provider, self.system.executor).send_batch()

    def sweep(self) -> Sweeper:
        return Sweeper(self.ports)

    def state(self, stream: StreamId) -> Campaign:
        return self.ports.campaigns.load(stream)

    def history(self, stream: StreamId) -> list[Recorded]:
        return self.log.history(stream)

    def topics(self, stream: StreamId) -> list[str]:
        return [topic_of(one.fact) for one in self.history(stream)]

    def message(self, stream: StreamId) -> MessageId:
        """The latest message of a stream."""
        return max(self.state(stream).messages.values(), key=lambda one: one.entered_at).id

    def hear(self, *events: Mapping[str, Any]) -> int:
        """Events as SendGrid tells them, kept as its webhook keeps them; how many were new."""
        import msgspec  # noqa: PLC0415  # only here

        body = msgspec.json.encode(list(events))
        reader = self.system.readers()["sendgrid"]
        reports: list[Report] = reader.read(body, tenant=self.tenant)
        return self.ports.inbox.keep("sendgrid", {}, body, reports, late=False)

    def event(self, stream: StreamId, kind: str, **fields: Any) -> dict[str, Any]:
        """One SendGrid event about the latest message of a stream, dated now."""
        message = self.state(stream).messages[self.message(stream)]
        return {
            "event": kind,
            "timestamp": int(self.clock.now().timestamp()),
            "email": "dana@harbor.example",
            "antiphon_message": str(message.id),
            "antiphon_attempt": str(message.attempt),
            "antiphon_tenant": self.ports.tag,
            "sg_event_id": f"event-{next(_NUMBERS)}",
        } | fields

    def rows(self, text: Any, **params: Any) -> list[Row]:
        with self.system.database.tenant_tx(self.tenant) as curs:
            return Statements(schema_of(self.tenant)).rows(transaction(curs), text, params)


def _whole_share(system: System) -> None:
    """What all tenants share is as new, for every house begins on the same Monday."""
    with system.database.control_tx() as curs:
        curs.execute("DELETE FROM control.usage")
        curs.execute("UPDATE control.sending SET hour_max = 1000000, paused = false")
    client = connect(system.redis_url)
    for key in client.scan_iter("{antiphon}:limits:*"):
        client.delete(key)
    client.close()


@contextmanager
def open_house(servers: ServerUrls, home: Any, **settings: Any) -> Iterator[House]:
    """A house with a tenant of its own."""
    unique = SystemRng().new_id().hex[:10]  # a given server may have tenants of earlier runs
    tenant = TenantId(f"story_{unique}")
    given = Settings(
        home=home,
        pepper=SecretStr("a pepper that is long enough for tests"),
        public_url="http://antiphon.example",
        sendgrid_api_key=SecretStr("key"),
        **settings,
    )
    system = System(given, servers, worker="story", pool=6)
    try:
        migrate(system.database)
        create_tenant(system.database, tenant, tag=f"s{unique}")
        _whole_share(system)
        yield House(system, tenant)
    finally:
        system.close()


def plan(*nodes: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A plan in UTC without jitter that starts at its first node."""
    return {
        "timezone": "UTC",
        "startNodeId": nodes[0]["id"],
        "defaults": {"jitter": {"min": "PT0S", "max": "PT0S"}},
        "nodes": list(nodes),
    } | fields


def send(node: str, *ways: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """An e-mail node with a link in its text."""
    message = {"subject": "Docks, {{ contact.first_name }}", "text": "See https://site.example/a"}
    return {
        "id": node,
        "type": "send",
        "channel": "email",
        "message": message,
        "transitions": list(ways),
    } | fields


def way(on: str, to: str, **fields: Any) -> dict[str, Any]:
    """A transition."""
    return {"on": on, "to": to} | fields


def stop(node: str = "end", **fields: Any) -> dict[str, Any]:
    """A stop node."""
    return {"id": node, "type": "stop"} | fields
