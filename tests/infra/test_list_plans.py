"""How lists find their rows: what they read is bounded by what they show, however many there are.

Blocks are counted, not time; each bound is far below what reading the table would take.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import pytest
from typing_extensions import override

from domain.ids import ErrandId, MessageId, TenantId, schema_of
from handlers.errands.lists import WantedNotices, WantedTasks
from handlers.ports import Transaction
from handlers.services import Activity, Journeys, Queue
from infra.claims.dead_letters import SqlDeadLetters
from infra.entropy import SystemRng
from infra.migrations.run import create_tenant
from infra.read_models import SqlReadModels
from infra.roles import ticker
from infra.statements import Row, Statements, transaction
from infra.task_list import SqlTaskList
from infra.tenancy import Database
from infra.vault.notices import SqlNotices
from infra.vault.suppressions import SqlSuppressions
from tests.infra.conftest import drop_tenant
from tests.infra.lists_filled import BUSY, FEW, MANY, MONDAY, QUIET, fill

pytestmark = pytest.mark.postgres

LIMIT = 10
WAITING = ("PLANNED", "QUEUED", "SENDING", "UNKNOWN")
LATE = MONDAY + timedelta(minutes=MANY - 5)
NEVER = MONDAY + timedelta(days=365)
LAST_DUE = MONDAY + timedelta(minutes=3)
FAR_IN = (MONDAY + timedelta(minutes=MANY - 100), UUID(int=0))


class Explaining(Statements):
    """Tells how the server found the rows of a list."""

    plan: Mapping[str, Any]

    @override
    def rows(
        self, tx: Transaction, text: LiteralString, params: Mapping[str, Any] | None = None
    ) -> list[Row]:
        return self.listed(tx, text, params)

    @override
    def listed(
        self, tx: Transaction, text: LiteralString, params: Mapping[str, Any] | None = None
    ) -> list[Row]:
        explain: LiteralString = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
        ((found,),) = super().listed(tx, explain + text, params)
        self.plan = found[0]["Plan"]
        return super().listed(tx, text, params)


class Lists:
    """The lists of a tenant that has many rows in each."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self.database, self.tenant = database, tenant
        self.explaining = Explaining(schema_of(tenant))
        self.reads = SqlReadModels(database, tenant)
        self.tasks = SqlTaskList(database, tenant)
        self.notices = SqlNotices(database, tenant)
        self.letters = SqlDeadLetters(database, tenant)
        self.bans = SqlSuppressions(database, tenant, mac=str.encode)
        for one in (self.reads, self.tasks, self.notices, self.letters, self.bans):
            one._sql = self.explaining

    def blocks(self) -> int:
        """What the last list read."""
        plan = self.explaining.plan
        return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])

    def nodes(self) -> Iterator[Mapping[str, Any]]:
        """The steps of the last list."""
        found = [self.explaining.plan]
        while found:
            node = found.pop()
            yield node
            found += node.get("Plans", ())

    def pages(self, table: str) -> int:
        """How big a table is."""
        with self.database.direct() as owner:
            size = "SELECT pg_relation_size(%s::regclass) / 8192"
            row = owner.execute(size, (f"{schema_of(self.tenant)}.{table}",)).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def lists(database: Database) -> Iterator[Lists]:
    tenant = TenantId(f"y{SystemRng().new_id().hex[:12]}")
    create_tenant(database, tenant, tag=f"tag-{tenant}")
    fill(database, tenant)
    yield Lists(database, tenant)
    drop_tenant(database, tenant)


def _queue(**wanted: Any) -> Callable[[Lists], list[Any]]:
    return lambda lists: lists.reads.queue(Queue(**{"states": WAITING, "limit": LIMIT, **wanted}))


def _activity(**wanted: Any) -> Callable[[Lists], list[Any]]:
    return lambda lists: lists.reads.activity(Activity(**{"limit": LIMIT, **wanted}))


def _journeys(**wanted: Any) -> Callable[[Lists], list[Any]]:
    return lambda lists: lists.reads.journeys(Journeys(**{"limit": LIMIT, **wanted}))


def _tasks(**wanted: Any) -> Callable[[Lists], list[Any]]:
    return lambda lists: lists.tasks.page(
        WantedTasks(**{"state": "open", "limit": LIMIT, **wanted})
    )


def _notices(**wanted: Any) -> Callable[[Lists], list[Any]]:
    return lambda lists: lists.notices.page(WantedNotices(**{"limit": LIMIT, **wanted}))


def _letters(state: str) -> Callable[[Lists], list[Any]]:
    return lambda lists: lists.letters.page(state, None, LIMIT)


ALL: Mapping[str, tuple[Callable[[Lists], list[Any]], int]] = {
    "queue": (_queue(), LIMIT),
    "queue_far_in": (_queue(after=(FAR_IN[0], MessageId(FAR_IN[1]))), LIMIT),
    "queue_of_quiet_campaign": (_queue(campaign=QUIET), FEW),
    "queue_accepted": (_queue(states=("ACCEPTED",)), LIMIT),
    "queue_accepted_of_quiet_campaign": (_queue(states=("ACCEPTED",), campaign=QUIET), 0),
    "queue_failed": (_queue(states=("FAILED",)), 0),
    "activity_since_late": (_activity(since=LATE), 6),
    "activity_since_never": (_activity(since=NEVER), 0),
    "activity_of_campaign_since_never": (_activity(since=NEVER, campaign=BUSY), 0),
    "activity_of_kind_since_never": (_activity(since=NEVER, kind="signal.opened"), 0),
    "journeys_of_status_that_nobody_has": (_journeys(status="failed"), 0),
    "journeys_of_quiet_campaign": (_journeys(campaign=QUIET), FEW),
    "tasks_of_assignee": (_tasks(assignee="kim"), FEW),
    "tasks_of_busy_assignee": (_tasks(assignee="sam"), LIMIT),
    "tasks_of_assignee_far_in": (
        _tasks(assignee="sam", after=(LAST_DUE, ErrandId(FAR_IN[1]))),
        LIMIT,
    ),
    "tasks_of_assignee_with_few_far_in": (
        _tasks(assignee="kim", after=(MONDAY, ErrandId(FAR_IN[1]))),
        FEW,
    ),
    "tasks_of_quiet_campaign": (_tasks(campaign=QUIET), FEW),
    "tasks_of_both": (_tasks(campaign=QUIET, assignee="kim"), FEW),
    "tasks_of_busy_campaign_and_assignee_with_few": (_tasks(campaign=BUSY, assignee="kim"), 0),
    "tasks_of_nobody": (_tasks(assignee="nobody"), 0),
    "notices_of_recipient": (_notices(recipient="kim"), FEW),
    "notices_of_nobody": (_notices(recipient="nobody"), 0),
    "notices_unread": (_notices(unread=True), 0),
    "notices_unread_of_recipient": (_notices(unread=True, recipient="sam"), 0),
    "letters_parked": (_letters("parked"), FEW),
    "letters_orphaned": (_letters("orphan"), 0),
    "suppressions": (lambda lists: lists.bans.page(None, LIMIT), LIMIT),
}
BLOCKS_A_ROW = 12
"""From the root of an index to the row, and for a task its stream, its plan and later plans."""
BLOCKS_BESIDE = 80
"""For each state and for both halves of a list; for the activity, the index over instants."""


@pytest.mark.parametrize("name", ALL)
def test_a_list_reads_about_as_much_as_it_shows(lists: Lists, name: str) -> None:
    ask, shown = ALL[name]
    assert len(ask(lists)) == shown
    most = BLOCKS_BESIDE + BLOCKS_A_ROW * LIMIT
    assert most < lists.pages("send_queue") / 2
    assert lists.blocks() <= most, lists.explaining.plan
    whole = {node.get("Relation Name") for node in lists.nodes() if node["Node Type"] == "Seq Scan"}
    assert whole <= {"assignees", "plans"}


def test_the_numbers_of_a_campaign_are_counted_without_its_rows(lists: Lists) -> None:
    numbers = lists.reads.numbers(BUSY)
    assert sum(numbers.statuses.values()) == MANY - FEW
    assert list(numbers.statuses) == sorted(numbers.statuses)
    assert numbers.outcomes == {"no_response": numbers.statuses["completed"]}
    read = {node["Node Type"] for node in lists.nodes() if "Relation Name" in node}
    assert read == {"Index Only Scan"}
    assert lists.blocks() < lists.pages("contact_campaigns") / 4


def test_nothing_due_is_seen_at_once_however_much_waits(lists: Lists) -> None:
    """All that waits is due later than all that was sent: by statistics, most of it is due now."""
    now = MONDAY + timedelta(minutes=MANY * 2 // 3) - timedelta(hours=2)
    with lists.database.tenant_tx(lists.tenant) as curs:
        due = lists.explaining.listed(transaction(curs), ticker._DUE, {"now": now})
    assert not any(due[0])
    assert lists.blocks() < BLOCKS_BESIDE
    assert "send_queue" not in {
        node["Relation Name"] for node in lists.nodes() if node["Node Type"] == "Seq Scan"
    }
