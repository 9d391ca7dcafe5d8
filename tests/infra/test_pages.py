"""Pages that readers share are the pages that each would have read for itself."""

from collections.abc import Sequence
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from domain.recorded import Recorded
from infra.codec import UnreadableEvent
from infra.log import Log
from infra.pages import OwnPages, SharedPages
from infra.tenancy import Database
from tests.infra.log_written import Written
from tests.projections.facts_given import ACCEPTED_PLAN, STARTED, STREAM

pytestmark = pytest.mark.postgres

BOTH = ("plan_accepted", "campaign_started")


class Counted(Log):
    """A log that counts how often a page of it is read."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        super().__init__(database, tenant)
        self.read: list[tuple[int, int]] = []

    def page(self, after_position: int, limit: int, topics: Sequence[str] = ()) -> list[Recorded]:
        self.read.append((after_position, limit))
        return super().page(after_position, limit, topics)


@pytest.fixture
def written(database: Database, tenant: TenantId) -> Written:
    one = Written(database, tenant)
    one.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED)])
    return one


def _topics(facts: Sequence[Recorded]) -> list[Any]:
    return [type(each.fact).__name__ for each in facts]


def test_readers_at_one_place_read_once(written: Written) -> None:
    log = Counted(written.database, written.tenant)
    shared = SharedPages(log, BOTH)
    first = shared.read(0, 2, 10, ["plan_accepted"])
    second = shared.read(0, 2, 10, ["campaign_started"])
    assert (_topics(first.facts), first.reached) == (["PlanAccepted"], 2)
    assert (_topics(second.facts), second.reached) == (["CampaignStarted"], 2)
    assert log.read == [(0, 10)]


def test_a_later_head_is_read_anew(written: Written) -> None:
    log = Counted(written.database, written.tenant)
    shared = SharedPages(log, BOTH)
    assert shared.read(0, 1, 10, BOTH).reached == 1
    assert _topics(shared.read(0, 2, 10, BOTH).facts) == ["PlanAccepted", "CampaignStarted"]
    assert len(log.read) == 2


def test_a_full_page_ends_at_its_last_fact_whoever_it_is_for(written: Written) -> None:
    shared = SharedPages(Log(written.database, written.tenant), BOTH)
    page = shared.read(0, 2, 1, ["campaign_started"])
    assert (list(page.facts), page.reached) == ([], 1)
    assert _topics(shared.read(1, 2, 1, ["campaign_started"]).facts) == ["CampaignStarted"]


def test_what_cannot_be_read_stops_only_the_readers_of_its_topic(written: Written) -> None:
    spoilt = SQL("UPDATE {} SET state = '{{' WHERE topic = 'plan_accepted'").format(
        Identifier(schema_of(written.tenant), "events")
    )
    with written.database.direct() as connection:
        connection.execute(spoilt)
    log = Log(written.database, written.tenant)
    shared = SharedPages(log, BOTH)
    with pytest.raises(UnreadableEvent):
        shared.read(0, 2, 10, ["plan_accepted"])
    assert shared.read(0, 2, 10, ["campaign_started"]) == OwnPages(log).read(
        0, 2, 10, ["campaign_started"]
    )
