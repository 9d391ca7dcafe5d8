"""`antiphon replay-webhooks`: kept deliveries go through the reader and the inbox once more."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import click
import msgspec

from domain.acts import Act
from domain.ids import TenantId, schema_of
from handlers.ports import Report
from handlers.services import TenantServices
from handlers.webhooks.inbound import PROVIDER as INBOUND
from handlers.webhooks.inbound import keep_reply
from handlers.webhooks.words import ReplyClass
from infra.bootstrap import System
from infra.cli.operations import acting, tenant_services
from infra.cli.printing import bar, json_option, print_json
from infra.cli.reading import Instant
from infra.cli.session import system
from infra.settings import Settings
from infra.statements import Statements, transaction

PAGE = 100
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Delivery(msgspec.Struct, frozen=True):
    """One request of a provider as it was kept."""

    delivery_id: UUID
    provider: str
    received_at: datetime
    headers: Mapping[str, str]
    body: bytes
    late: bool


class Counts(msgspec.Struct, kw_only=True):
    """What a replay came to: deliveries read, and of their events how many were what."""

    deliveries: int = 0
    known: int = 0
    new: int = 0
    unusable: int = 0
    without_reader: int = 0
    """Deliveries of a provider that this release does not know."""


@click.command(
    epilog="Example: antiphon replay-webhooks acme --since 2026-09-07T05:00:00Z",
)
@click.argument("tenant")
@click.option("--since", type=Instant(), default=None, help="Only what was received from then on.")
@json_option
@click.pass_obj
def replay_webhooks(
    settings: Settings, tenant: str, since: datetime | None, *, as_json: bool
) -> None:
    """Read kept webhook deliveries once more and take in what was missed.

    An event that is there already changes nothing. For use after a reader was mended.
    """
    with system(settings) as found:
        name = found.tenant(tenant).name
        with acting(found, name, Act.WEBHOOKS_REPLAY), bar("reading deliveries") as tell:
            counts = Replay(found, name).run(since or BEGINNING, tell)
        found.doorbell.ring("ingest", name)
    if as_json:
        print_json(counts)
    else:
        click.echo(
            f"{counts.deliveries} deliveries read: {counts.new} events new, "
            f"{counts.known} known already, {counts.unusable} unusable as before"
        )
        if counts.without_reader:
            click.echo(f"{counts.without_reader} deliveries are of providers nobody reads here")


class Replay:
    """One pass over the kept deliveries of a tenant, oldest first."""

    def __init__(self, found: System, tenant: TenantId) -> None:
        self._found = found
        self._database = found.database
        self._tenant = tenant
        self._readers = found.readers()
        self._inbox = found.ports(tenant).inbox
        self._sql = Statements(schema_of(tenant))

    def run(self, since: datetime, tell: Any) -> Counts:  # noqa: ANN401  # a bar
        """Keep what the inbox does not have."""
        counts = Counts()
        until = self._database.now()  # what we keep ourselves is not read again
        total = self._rows(_COUNT, since=since, until=until)[0][0]
        for delivery in self._deliveries(since, until):
            self._take(delivery, counts)
            counts.deliveries += 1
            tell(counts.deliveries, total)
        return counts

    def _take(self, delivery: Delivery, counts: Counts) -> None:
        if delivery.provider == INBOUND:
            self._take_reply(delivery, counts)
            return
        reader = self._readers.get(delivery.provider)
        if reader is None:
            counts.without_reader += 1
            return
        reports = reader.read(delivery.body, tenant=self._tenant)
        usable = [report for report in reports if report.problem is None]
        counts.unusable += len(reports) - len(usable)
        missed = self._missed(usable)
        new = 0
        if missed:  # a delivery that tells nothing new leaves no trace
            new = self._inbox.keep(
                delivery.provider, delivery.headers, delivery.body, missed, late=delivery.late
            )
        counts.new += new
        counts.known += len(usable) - new

    def _take_reply(self, delivery: Delivery, counts: Counts) -> None:
        """A reply: its words are kept beside its report, so it goes in as it did when it came."""
        content_type = delivery.headers.get("content-type", "")
        inbound = self._services.inbound.read_inbound(
            content_type, delivery.body, now=delivery.received_at
        )
        new = 0
        if inbound.reply_class is ReplyClass.OWN:
            counts.unusable += 1
            return
        if not self._known([inbound.key]):
            new = keep_reply(
                self._services, inbound, delivery.headers, delivery.body, late=delivery.late
            )
        counts.new += new
        counts.known += 1 - new

    def _missed(self, reports: Sequence[Report]) -> list[Report]:
        """Those that the inbox has not, each fact once."""
        by_key = {report.key: report for report in reports}
        known = self._known(list(by_key))
        return [report for key, report in by_key.items() if key not in known]

    def _known(self, keys: Sequence[bytes]) -> set[bytes]:
        return {bytes(row[0]) for row in self._rows(_KNOWN, keys=keys)}

    @cached_property
    def _services(self) -> TenantServices:
        return tenant_services(self._found, self._tenant)

    def _deliveries(self, since: datetime, until: datetime) -> Iterator[Delivery]:
        after: tuple[datetime, UUID] = (since, UUID(int=0))
        while rows := self._rows(_PAGE, after=after[0], id=after[1], until=until, limit=PAGE):
            for row in rows:
                found = Delivery(*row)
                after = (found.received_at, found.delivery_id)
                yield found

    def _rows(self, text: Any, **params: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401  # SQL values
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.rows(transaction(curs), text, params)


_COUNT = """
SELECT count(*) FROM {s}.webhook_deliveries
 WHERE received_at >= %(since)s AND received_at <= %(until)s
"""

_PAGE = """
SELECT delivery_id, provider, received_at, headers, body, late_signature
  FROM {s}.webhook_deliveries
 WHERE (received_at, delivery_id) > (%(after)s, %(id)s) AND received_at <= %(until)s
 ORDER BY received_at, delivery_id LIMIT %(limit)s
"""

_KNOWN = """
SELECT semantic_key FROM {s}.webhook_inbox
 WHERE semantic_key = ANY(%(keys)s::bytea[]) AND state NOT IN ('duplicate', 'parked')
"""
