"""Which plan an errand belongs to, and what the ticker and the rebuild make of errands."""

from datetime import datetime, timedelta

import pytest

from domain import events
from domain.ids import NodeId, TenantId, errand_id
from domain.taxonomy import TaskKind
from handlers.errands.lists import WantedTasks
from infra.claims import SqlErrands
from infra.rebuild import rebuild
from infra.statements import transaction
from infra.task_list import SqlTaskList
from infra.tenancy import Database
from projections.errands import ERRANDS
from tests.infra.log_written import Written
from tests.projections.facts_given import ACCEPTED_PLAN, AT, STARTED, STREAM, revised

pytestmark = pytest.mark.postgres

HOUR = timedelta(hours=1)


@pytest.fixture
def written(database: Database, tenant: TenantId) -> Written:
    return Written(database, tenant)


def notice(node: str) -> events.NotificationRequested:
    there = NodeId(node)
    notice_id = errand_id(STREAM, there, 1)
    return events.NotificationRequested(notice_id=notice_id, node=there, visit=1, at=AT)


def call(node: str, at: datetime = AT) -> events.WebhookRequested:
    return events.WebhookRequested(
        call_id=errand_id(STREAM, NodeId(node), 1),
        node=NodeId(node),
        visit=1,
        endpoint="crm",
        waits=False,
        give_up_at=at + HOUR,
        at=at,
    )


def task(node: str) -> events.TaskCreated:
    return events.TaskCreated(
        task_id=errand_id(STREAM, NodeId(node), 1),
        node=NodeId(node),
        visit=1,
        kind=TaskKind.CALL,
        due_at=AT,
        at=AT,
    )


def test_what_was_asked_is_looked_up_in_the_plan_that_asked_for_it(written: Written) -> None:
    first, second = "sha256:p", "sha256:q"
    written.write(
        [
            (STREAM, ACCEPTED_PLAN),
            (STREAM, STARTED),
            (STREAM, notice("one")),
            (STREAM, task("ring")),
            (STREAM, revised(first, second, NodeId("x"), AT)),
            (STREAM, notice("two")),
            (STREAM, revised(second, "sha256:r", NodeId("x"), AT)),
            (STREAM, notice("three")),
        ]
    )
    claimed = SqlErrands(written.database, written.tenant).claim(AT, limit=9)
    assert {errand.node: errand.plan_hash for errand in claimed} == {
        "one": first,
        "two": second,
        "three": "sha256:r",
    }
    (row,) = SqlTaskList(written.database, written.tenant).page(WantedTasks(state="open", limit=9))
    assert row.plan_hash == first


def test_fresh_errands_go_before_those_that_were_put_off(written: Written) -> None:
    errands = SqlErrands(written.database, written.tenant)
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, call("old"))])
    (old,) = errands.claim(AT, limit=9)
    errands.put_off({old: AT + HOUR})
    written.write([(STREAM, call("new", AT + HOUR))])
    assert errands.claim(AT + HOUR - timedelta(seconds=1), limit=1)[0].node == "new"
    (again,) = errands.claim(AT + HOUR, limit=1)
    assert (again.node, again.attempt) == ("old", 2)


def test_what_is_done_is_no_difference_to_a_rebuild_and_what_nobody_asked_for_is(
    written: Written,
) -> None:
    errands = SqlErrands(written.database, written.tenant)
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED)])
    written.write([(STREAM, notice("one")), (STREAM, call("two"))])
    taken = errands.claim(AT, limit=1)
    with written.database.tenant_tx(written.tenant) as curs:
        errands.settle(transaction(curs), taken)
    assert rebuild(written.database, written.tenant, ERRANDS).differences == 0
    with written.database.tenant_tx(written.tenant) as curs:
        curs.execute(f"UPDATE \"t_{written.tenant}\".errands SET node = 'other'")
    assert rebuild(written.database, written.tenant, ERRANDS).differences == 1


def test_a_call_on_a_fast_clock_is_given_up_later_by_what_endpoints_need(written: Written) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, call("enter"))])
    patience = timedelta(days=1)
    errands = SqlErrands(written.database, written.tenant, patience=patience)
    (claimed,) = errands.claim(AT, limit=9)
    assert claimed.give_up_at == AT + HOUR + patience
