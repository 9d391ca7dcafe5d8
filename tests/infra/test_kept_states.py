"""States that are kept of streams are believed only while the log has what they were made of."""

from contextlib import suppress
from uuid import UUID

import pytest
from psycopg.sql import SQL, Identifier

from domain.ids import StreamId, TenantId, schema_of
from handlers.ports import Input
from infra.kept_states import NOTHING, Kept, KeptStates
from infra.tenancy import Database
from tests.infra.log_cases import Sales

pytestmark = pytest.mark.postgres


@pytest.fixture
def sales(database: Database, tenant: TenantId) -> Sales:
    return Sales(database, tenant)


def _heard(sales: Sales, number: int = 1) -> int:
    return sales.campaigns.load(sales.stream(number)).signals


def _undone(sales: Sales, *given: Input) -> None:
    """Decided and appended in a transaction that is rolled back."""
    with suppress(ZeroDivisionError), sales.transactions.begin() as tx:
        sales.campaigns.decide_in(tx, given)
        raise ZeroDivisionError


def test_what_another_process_appended_is_read_on(sales: Sales) -> None:
    sales.enrolled(1)
    other = Sales(sales.database, sales.tenant)
    assert _heard(sales) == _heard(other) == 0
    other.campaigns.transact(sales.hearing(1, "a"))
    assert _heard(sales) == 1
    sales.campaigns.transact(sales.hearing(1, "b"))
    assert _heard(other) == 2


def test_what_a_transaction_undid_is_not_believed(sales: Sales) -> None:
    sales.enrolled(1)
    _undone(sales, sales.hearing(1, "a"))
    assert _heard(sales) == 0
    sales.campaigns.transact(sales.hearing(1, "b", "c"))
    assert [each.version for each in sales.log.history(sales.stream(1))] == [1, 2, 3]
    assert _heard(sales) == 2


def test_what_was_undone_and_written_otherwise_is_read_anew(sales: Sales) -> None:
    sales.enrolled(1, 2)
    other = Sales(sales.database, sales.tenant)
    _undone(sales, sales.hearing(1, "a"), sales.hearing(2, "a"))
    other.campaigns.transact(sales.hearing(1, "b"))
    assert (_heard(sales), _heard(sales, 2)) == (1, 0)
    key = next(iter(sales.campaigns.load(sales.stream(1)).keys))
    assert key == "b"


def test_what_was_written_otherwise_up_to_a_last_fact_that_is_the_same_is_read_anew(
    sales: Sales,
) -> None:
    sales.enrolled(1)
    other = Sales(sales.database, sales.tenant)
    _undone(sales, sales.hearing(1, "a", "z"))
    other.campaigns.transact(sales.hearing(1, "b", "z"))
    assert set(sales.campaigns.load(sales.stream(1)).keys) == {"b", "z"}


def test_a_log_that_was_taken_back_is_read_anew(sales: Sales) -> None:
    sales.enrolled(1)
    sales.campaigns.transact(sales.hearing(1, "a", "b"))
    assert _heard(sales) == 2
    back = SQL("DELETE FROM {} WHERE originator_version > 2").format(
        Identifier(schema_of(sales.tenant), "events")
    )
    with sales.database.direct() as connection:
        connection.execute(back)
    assert _heard(sales) == 1


def test_the_state_asked_for_the_longest_ago_goes_first() -> None:
    one, two, three = (StreamId(UUID(int=number)) for number in (1, 2, 3))
    states = KeptStates(size=2)
    states.keep({one: Kept(1), two: Kept(2)})
    states.of([one])
    states.keep({three: Kept(3)})
    assert states.of([one, two, three]) == {one: Kept(1), two: NOTHING, three: Kept(3)}
