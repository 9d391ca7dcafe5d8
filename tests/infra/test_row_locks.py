"""Rows are locked before the log: who waits for a row stops nobody else."""

import threading

import pytest
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.statements import cursor_of
from infra.tenancy import Database
from tests.infra.log_cases import Sales

pytestmark = pytest.mark.postgres


@pytest.fixture
def sales(database: Database, tenant: TenantId) -> Sales:
    return Sales(database, tenant)


def states(sales: Sales) -> list[tuple[object, ...]]:
    table = Identifier(schema_of(sales.tenant), "send_queue")
    with sales.database.tenant_tx(sales.tenant) as curs:
        return curs.execute(SQL("SELECT state FROM {}").format(table)).fetchall()


def test_who_waits_for_a_claimed_row_does_not_hold_the_log(sales: Sales) -> None:
    sales.enrolled(1, 2)
    sales.campaigns.transact(sales.planning_mail(1))
    table = Identifier(schema_of(sales.tenant), "send_queue")
    done = threading.Event()

    def cancel() -> None:
        sales.campaigns.transact(sales.cancelling_mail(1))
        done.set()

    thread = threading.Thread(target=cancel)
    with sales.database.tenant_tx(sales.tenant) as claim:
        claim.execute(SQL("SELECT FROM {} FOR UPDATE").format(table))
        thread.start()
        _until_somebody_waits_for(sales, claim.connection.info.backend_pid)
        sales.campaigns.transact(sales.hearing(2, "meanwhile"))
        assert not done.is_set()
    thread.join()
    assert sales.heard(2) == ["meanwhile"]
    assert states(sales) == [("CANCELLED",)]


def test_a_claim_wins_over_a_cancel_that_came_between(sales: Sales) -> None:
    """The claim holds the row and then wants the log: nobody who has the log wants the row."""
    sales.enrolled(1)
    sales.campaigns.transact(sales.planning_mail(1))
    table = Identifier(schema_of(sales.tenant), "send_queue")
    thread = threading.Thread(target=sales.campaigns.transact, args=[sales.cancelling_mail(1)])
    with sales.transactions.begin() as tx:
        claim = cursor_of(tx)
        claim.execute(SQL("SELECT FROM {} FOR UPDATE").format(table))
        thread.start()
        _until_somebody_waits_for(sales, claim.connection.info.backend_pid)
        sales.campaigns.decide_in(tx, [sales.hearing(1, "claimed")])
    thread.join()
    facts = [type(each.fact).__name__ for each in sales.log.history(sales.stream(1))]
    assert facts == ["PlanAccepted", "NodeEntered", "SignalRecorded", "MessageCancelled"]


def _until_somebody_waits_for(sales: Sales, pid: int) -> None:
    query = "SELECT FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    with sales.database.direct() as connection:
        while connection.execute(query, (pid,)).rowcount == 0:
            connection.execute("SELECT pg_sleep(0.01)")
