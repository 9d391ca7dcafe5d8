"""A tenant of a benchmark: contacts enrolled and written to by the engine itself, then copied."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, LiteralString
from uuid import UUID

from bench.running.tenant import BY_BENCH, MANY, SAM, WIDE, AcceptsAtOnce
from domain import accounts
from domain.ids import CampaignId, StreamId, TenantId, schema_of
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers import campaigns as use
from handlers.composing import Composer
from handlers.contacts import ContactRow
from handlers.dispatch.sender import Sender as Sending
from handlers.ports import CampaignRow
from handlers.signals import Ingest
from handlers.timeouts import Timeouts
from infra.bootstrap import System
from infra.leadership import Leadership
from infra.log import Log
from infra.pages import OwnPages
from infra.projector import Runner
from infra.statements import Row, Statements, transaction
from projections.registry import READ

CHUNK = 500


class Customer:
    """One tenant, with short names for what benchmarks do."""

    def __init__(self, system: System, tenant: TenantId) -> None:
        self.system = system
        self.tenant = tenant
        self.schema = schema_of(tenant)
        self.ports = system.ports(tenant)
        self.log = Log(system.database, tenant)
        self.ports.register.put_sender(SAM)  # type: ignore[attr-defined]  # the SQL register
        decide = partial(accounts.change_rules, changes=WIDE, at=system.clock.now())
        self.ports.accounts.order_sending(decide, BY_BENCH)
        self.campaign = self._campaign()

    def _campaign(self) -> CampaignRow:
        row = CampaignRow(
            campaign_id=CampaignId(self.system.rng.new_id()),
            name="Bench",
            description="",
            status="active",
            sender="sam",
            daily_limit=MANY,
            created_at=self.system.clock.now(),
        )
        self.ports.register.add_campaign(row)  # type: ignore[attr-defined]  # the SQL register
        return row

    def enrol(self, plan: Mapping[str, Any], number: int) -> list[StreamId]:
        """New contacts with this plan; every one of them is started."""
        return [
            stream
            for start in range(0, number, CHUNK)
            for stream in self._enrol(plan, min(CHUNK, number - start))
        ]

    def _enrol(self, plan: Mapping[str, Any], number: int) -> list[StreamId]:
        names = [str(self.system.rng.new_id()) for _ in range(number)]
        rows = [
            ContactRow(external_id=name, email=f"{name}@harbor.example", first_name="Dana")
            for name in names
        ]
        items = [
            use.Enrolment(written.contact_id, plan)
            for written in self.system.contacts(self.tenant).put(rows)
        ]
        cause, correlation = Cause(CauseKind.REQUEST, "bench"), UUID(int=7)
        done = use.enrol(
            self.ports, self.campaign, items, tzdata="bench", cause=cause, correlation=correlation
        )
        refused = [one.report for one in done if one.status != "started"]
        assert not refused, refused[0]
        return [one.contact_campaign_id for one in done if one.contact_campaign_id]

    def compose(self) -> int:
        """Render what is due; how many messages there were."""
        composer = Composer(self.ports, self.system.links(self.ports.tag))
        return sum(iter(composer.compose_batch, 0))

    def send(self) -> int:
        """Have everything taken that is due; how many messages there were."""
        sending = Sending(self.ports, AcceptsAtOnce(), self.system.executor)
        return sum(iter(sending.send_batch, 0))

    def hear(self, body: bytes) -> None:
        """Keep events as the webhook keeps them, and decide on all of them."""
        readers = self.system.readers()
        reports = readers["sendgrid"].read(body, tenant=self.tenant)
        self.ports.inbox.keep("sendgrid", {}, body, reports, late=False)
        ingest = Ingest(self.ports, readers)
        assert sum(iter(ingest.take_batch, 0)) == len(reports)

    def fire(self) -> int:
        """Fire the timers that are due; how many there were."""
        return sum(iter(Timeouts(self.ports).fire_batch, 0))

    def project(self) -> None:
        """Bring every read model to the head."""
        with closing(Leadership(self.system.database)) as leadership:
            for each in READ:
                pages = OwnPages(self.log)
                runner = Runner(self.system.database, self.tenant, each, leadership, pages=pages)
                while runner.step():
                    pass

    def rows(self, text: LiteralString, **params: object) -> list[Row]:
        """What a statement finds in the tenant's schema."""
        with self.system.database.tenant_tx(self.tenant) as curs:
            curs.execute("SET LOCAL statement_timeout = 0")
            return Statements(self.schema).rows(transaction(curs), text, params)

    def count(self, text: LiteralString, **params: object) -> int:
        """The one number that a statement finds."""
        return int(self.rows(text, **params)[0][0])


def mail(node: str, *ways: Mapping[str, Any], **fields: object) -> dict[str, Any]:
    """An e-mail node with a link in its text."""
    message = {
        "subject": "Docks, {{ contact.first_name }}",
        "text": "Hi {{ contact.first_name }}, I read about the new docks. How do you plan the week "
        "there? What others do is at https://site.example/a - one line back is plenty.",
    }
    kind: dict[str, Any] = {"id": node, "type": "send", "channel": "email", "message": message}
    return {**kind, "transitions": list(ways), **fields}


def way(on: str, to: str, **fields: object) -> dict[str, Any]:
    """A transition."""
    return {"on": on, "to": to, **fields}


def plan_of(nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A plan in UTC whose mails leave at any hour, that starts at its first node."""
    return {
        "timezone": "UTC",
        "startNodeId": nodes[0]["id"],
        "limits": {"maxSends": 5, "maxDuration": "P90D"},
        "defaults": {"jitter": {"min": "PT0S", "max": "PT0S"}},
        "nodes": list(nodes),
    }
