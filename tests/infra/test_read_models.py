"""The SELECTs of the API: filters, order, pages, sums; and nothing of another tenant."""

from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import pytest

from domain.ids import CampaignId, ContactId, MessageId, StreamId, TenantId, schema_of
from handlers.services import Activity, Journeys, Queue
from infra.read_models import _SUMS, SqlReadModels
from infra.statements import Statements, transaction
from infra.tenancy import Database
from projections.metrics import COUNTERS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE, TWO = CampaignId(UUID(int=1)), CampaignId(UUID(int=2))
ANN, BOB = ContactId(UUID(int=11)), ContactId(UUID(int=12))

pytestmark = pytest.mark.postgres


class Tables:
    """Rows of one tenant, written as the projector would."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self.database, self.tenant = database, tenant
        self.sql = Statements(schema_of(tenant))
        self.reads = SqlReadModels(database, tenant)

    def run(self, text: LiteralString, **params: Any) -> None:
        with self.database.tenant_tx(self.tenant) as curs:
            self.sql.run(transaction(curs), text, params)

    def journey(self, number: int, campaign: CampaignId, status: str, outcome: str | None) -> None:
        self.run(
            """INSERT INTO {s}.contact_campaigns (stream_id, campaign_id, contact_id, run,
                   plan_hash, status, outcome, accepted_at, changed_at)
               VALUES (%(id)s, %(campaign)s, %(contact)s, 1, 'p', %(status)s, %(outcome)s,
                       %(at)s, %(at)s)""",
            id=UUID(int=number),
            campaign=campaign,
            contact=ANN,
            status=status,
            outcome=outcome,
            at=NOON,
        )

    def mail(self, number: int, campaign: CampaignId, state: str, minutes: int) -> None:
        self.run(
            """INSERT INTO {s}.send_queue (message_id, stream_id, campaign_id, contact_id,
                   dedupe_key, node, visit, channel, state, due_at, not_before, expires_at,
                   planned_at)
               VALUES (%(id)s, %(id)s, %(campaign)s, %(contact)s, %(id)s::text, 'hello', 1,
                       'email', %(state)s, %(at)s, %(at)s, %(at)s, %(at)s)""",
            id=UUID(int=number),
            campaign=campaign,
            contact=ANN,
            state=state,
            at=NOON + timedelta(minutes=minutes),
        )

    def happening(self, position: int, kind: str, **more: Any) -> None:
        given = {"campaign": ONE, "contact": ANN, "at": NOON, **more}
        self.run(
            """INSERT INTO {s}.activity_feed (position, at, kind, category, stream_id, campaign_id,
                   contact_id)
               VALUES (%(position)s, %(at)s, %(kind)s, 'lifecycle', %(contact)s, %(campaign)s,
                       %(contact)s)""",
            position=position,
            kind=kind,
            **given,
        )


@pytest.fixture
def tables(database: Database, tenant: TenantId) -> Tables:
    return Tables(database, tenant)


def test_contact_campaigns_are_filtered_and_paged_by_their_ids(tables: Tables) -> None:
    for number, campaign, status in [
        (5, ONE, "active"),
        (3, ONE, "active"),
        (4, ONE, "paused"),
        (6, TWO, "active"),
    ]:
        tables.journey(number, campaign, status, None)

    def ids(**wanted: Any) -> list[int]:
        return [row.id.int for row in tables.reads.journeys(Journeys(**{"limit": 9, **wanted}))]

    assert ids() == [3, 4, 5, 6]
    assert ids(campaign=ONE, status="active") == [3, 5]
    assert ids(after=StreamId(UUID(int=3)), limit=2) == [4, 5]
    (row,) = tables.reads.journeys(Journeys(campaign=TWO, limit=9))
    assert (row.campaign_id, row.contact_id, row.status, row.node) == (TWO, ANN, "active", "")


def test_the_queue_is_in_the_order_of_leaving_and_goes_on_behind_the_last(tables: Tables) -> None:
    for number, state, minutes in [(1, "QUEUED", 5), (2, "PLANNED", 1), (3, "ACCEPTED", 0)]:
        tables.mail(number, ONE, state, minutes)
    tables.mail(4, TWO, "QUEUED", 5)
    waiting = ("PLANNED", "QUEUED")

    def ids(**wanted: Any) -> list[int]:
        found = tables.reads.queue(Queue(**{"states": waiting, "limit": 9, **wanted}))
        return [row.id.int for row in found]

    assert ids() == [2, 1, 4]
    assert ids(campaign=TWO) == [4]
    assert ids(states=("ACCEPTED",)) == [3]
    assert ids(after=(NOON + timedelta(minutes=5), MessageId(UUID(int=1)))) == [4]
    assert ids(limit=1) == [2]


def test_a_message_is_found_by_its_id_only_in_its_tenant(
    tables: Tables, new_tenant: Any, database: Database
) -> None:
    tables.mail(1, ONE, "QUEUED", 0)
    message = MessageId(UUID(int=1))
    found = tables.reads.message(message)
    assert found is not None
    assert (found.id, found.node, found.channel, found.state) == (
        message,
        *("hello", "email", "QUEUED"),
    )
    other = SqlReadModels(database, new_tenant())
    assert other.message(message) is None
    assert other.queue(Queue(states=("QUEUED",), limit=9)) == []


def test_activity_is_newest_first_under_every_filter(tables: Tables) -> None:
    tables.happening(1, "signal.opened")
    tables.happening(2, "signal.replied", contact=BOB)
    tables.happening(3, "signal.opened", campaign=TWO, at=NOON + timedelta(hours=1))

    def positions(**wanted: Any) -> list[int]:
        found = tables.reads.activity(Activity(**{"limit": 9, **wanted}))
        return [row.position for row in found]

    assert positions() == [3, 2, 1]
    assert positions(contact=BOB) == [2]
    assert positions(campaign=ONE) == [2, 1]
    assert positions(kind="signal.opened") == [3, 1]
    assert positions(since=NOON + timedelta(minutes=1)) == [3]
    assert positions(before=3, limit=1) == [2]


def test_the_numbers_of_a_campaign_are_sums_over_its_days(tables: Tables) -> None:
    for day, campaign in [(2, ONE), (3, ONE), (2, TWO)]:
        tables.run(
            """INSERT INTO {s}.metrics_daily (bucket, campaign_id, node, variant, sender, domain,
                   accepted, machine_opens, unsubscribes)
               VALUES (%(day)s, %(campaign)s, '', '', '', '', 2, 1, 3)""",
            day=NOON.replace(day=day, hour=0),
            campaign=campaign,
        )
    for number, status, outcome in [(1, "active", None), (2, "exited", "replied")]:
        tables.journey(number, ONE, status, outcome)
    numbers = tables.reads.numbers(ONE)
    assert {name: count for name, count in numbers.counters.items() if count} == {
        "accepted": 4,
        "machine_opens": 2,
        "unsubscribes": 6,
    }
    assert numbers.statuses == {"active": 1, "exited": 1}
    assert numbers.outcomes == {"replied": 1}
    assert set(tables.reads.numbers(CampaignId(UUID(int=3))).counters.values()) == {0}


def test_every_counter_is_summed_in_its_place() -> None:
    summed = [part.partition(")")[0] for part in _SUMS.split("sum(")[1:]]
    assert tuple(summed) == COUNTERS
