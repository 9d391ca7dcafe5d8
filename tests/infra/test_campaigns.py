"""Load, decide, append: refusals, repeats, order, conflicts, and what goes along with them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.sql import SQL, Identifier

from domain.campaign import Campaign
from domain.errors import CampaignNotStarted, GroundsMissing
from domain.events import Event
from domain.ids import StreamId, TenantId, schema_of
from domain.plan import Grounds
from handlers.ports import Conflict, Input, Result, Transaction
from infra.statements import cursor_of
from infra.tenancy import Database
from tests.infra.log_cases import CAUSE, CORRELATION, Refused, Sales, grounds, mail_of, same_grounds

pytestmark = pytest.mark.postgres


@pytest.fixture
def sales(database: Database, tenant: TenantId) -> Sales:
    return Sales(database, tenant)


@dataclass
class Marks:
    """Marks inputs as done in the same transaction, as an inbox does."""

    sales: Sales
    batches: list[int] = field(default_factory=list)

    def __call__(self, tx: Transaction, results: Sequence[Result]) -> None:
        self.batches.append(len(results))
        insert = SQL("INSERT INTO {} (subject_id, kind, text) VALUES (%s, 'mark', %s)")
        table = Identifier(schema_of(self.sales.tenant), "notes")
        for result in results:
            cursor_of(tx).execute(insert.format(table), (result.stream, str(result.ref)))

    def seen(self) -> list[str]:
        return sorted(str(text) for (text,) in rows(self.sales, "SELECT text FROM {}", "notes"))


def rows(sales: Sales, query: str, table: str) -> list[tuple[object, ...]]:
    with sales.database.tenant_tx(sales.tenant) as curs:
        return curs.execute(
            SQL(query).format(Identifier(schema_of(sales.tenant), table))
        ).fetchall()


def meddling(given: Input, meddle: Callable[[], object]) -> Input:
    """The same input, but somebody else writes between its load and its save, once."""
    left = [meddle]

    def decide(state: Campaign, grounds: Grounds) -> Sequence[Event]:
        if left:
            left.pop()()
        return given.decide(state, grounds)

    return replace(given, decide=decide)


def test_a_decision_is_stored_with_its_work_rows(sales: Sales) -> None:
    sales.enrolled(1)
    result = sales.campaigns.transact(sales.planning_mail(1))
    assert len(result.facts) == 1
    assert rows(sales, "SELECT stream_id, state FROM {}", "send_queue") == [
        (sales.stream(1), "PLANNED")
    ]
    assert rows(sales, "SELECT stream_id, plan_hash FROM {}", "streams") == [
        (sales.stream(1), "p1")
    ]


def test_the_same_input_twice_writes_nothing_the_second_time(sales: Sales) -> None:
    sales.enrolled(1)
    first = sales.campaigns.transact(sales.hearing(1, "a"))
    again = sales.campaigns.transact(sales.hearing(1, "a"))
    assert (len(first.facts), again.facts, again.refused) == (1, (), None)
    assert sales.heard(1) == ["a"]


def test_no_inputs_are_no_results(sales: Sales) -> None:
    assert sales.campaigns.transact_many([]) == []


def test_a_refusal_is_a_result_and_stops_no_other(sales: Sales) -> None:
    sales.enrolled(1, 2, 3)
    given = [sales.hearing(1, "a"), sales.refusing(2), sales.hearing(3, "b")]
    results = sales.campaigns.transact_many(given)
    assert [type(each.refused) for each in results] == [type(None), Refused, type(None)]
    assert [each.stream for each in results] == [sales.stream(n) for n in (1, 2, 3)]
    assert [sales.heard(n) for n in (1, 2, 3)] == [["a"], [], ["b"]]
    assert isinstance(sales.campaigns.transact(sales.refusing(2)).refused, Refused)


def test_inputs_of_one_stream_are_decided_one_after_the_other(sales: Sales) -> None:
    given = [
        sales.accepting(1),
        sales.hearing(1, "a"),
        sales.accepting(1),
        sales.hearing(1, "a", "b"),
    ]
    results = sales.campaigns.transact_many(given)
    assert [len(each.facts) for each in results] == [1, 1, 0, 1]
    assert sales.heard(1) == ["a", "b"]
    assert [each.version for each in sales.log.history(sales.stream(1))] == [1, 2, 3]


def test_a_stream_without_facts_and_grounds_is_not_started(sales: Sales) -> None:
    result = sales.campaigns.transact(sales.hearing(1, "a"))
    assert isinstance(result.refused, CampaignNotStarted)


def test_the_reference_of_an_input_comes_back(sales: Sales) -> None:
    sales.enrolled(1, 2)
    given = [replace(sales.hearing(1, "a"), ref="one"), replace(sales.refusing(2), ref="two")]
    assert [each.ref for each in sales.campaigns.transact_many(given)] == ["one", "two"]


def test_grounds_are_sought_only_for_streams_whose_input_has_none(
    database: Database, tenant: TenantId
) -> None:
    sought: list[StreamId] = []

    def grounds_of(
        states: Sequence[tuple[StreamId, Campaign]], _: Transaction
    ) -> Mapping[StreamId, Grounds]:
        sought.extend(stream for stream, _ in states)
        return same_grounds(states)

    sales = Sales(database, tenant, grounds_of=grounds_of)
    sales.campaigns.transact_many([sales.accepting(1), sales.accepting(2), sales.hearing(3, "x")])
    assert sought == []
    sales.campaigns.transact_many(
        [sales.hearing(1, "a"), sales.hearing(1, "b"), sales.accepting(2)]
    )
    assert sought == [sales.stream(1)]


def test_a_stream_whose_plan_is_gone_is_refused_and_stops_no_other(
    database: Database, tenant: TenantId
) -> None:
    sales = Sales(
        database, tenant, grounds_of=lambda states, _: {s: grounds(s) for s, _ in states[1:]}
    )
    sales.enrolled(1, 2)
    results = sales.campaigns.transact_many([sales.hearing(1, "a"), sales.hearing(2, "b")])
    assert [type(each.refused) for each in results] == [GroundsMissing, type(None)]
    assert (sales.heard(1), sales.heard(2)) == ([], ["b"])


def test_a_conflict_is_decided_again_on_the_new_state(sales: Sales) -> None:
    sales.enrolled(1)
    given = meddling(
        sales.hearing(1, "a", "b"), lambda: sales.campaigns.transact(sales.hearing(1, "a"))
    )
    result = sales.campaigns.transact(given)
    assert len(result.facts) == 1
    assert sales.heard(1) == ["a", "b"]


def test_three_conflicts_are_the_end(sales: Sales) -> None:
    sales.enrolled(1)
    tries: list[int] = []

    def decide(_: Campaign, given: Grounds) -> Sequence[Event]:
        tries.append(len(tries))
        sales.campaigns.transact(sales.hearing(1, f"other {len(tries)}"))
        return sales.hearing(1, "mine").decide(sales.campaigns.load(sales.stream(1)), given)

    with pytest.raises(Conflict):
        sales.campaigns.transact(Input(sales.stream(1), decide, CAUSE, CORRELATION))
    assert len(tries) == 3
    assert sales.heard(1) == ["other 1", "other 2", "other 3"]


def test_a_conflict_in_a_batch_costs_nothing_and_doubles_nothing(sales: Sales) -> None:
    numbers = list(range(1, 12))
    sales.enrolled(*numbers)
    given = [replace(sales.hearing(n, f"k{n}"), ref=n) for n in numbers]
    given[5] = meddling(given[5], lambda: sales.campaigns.transact(sales.hearing(6, "other")))
    marks = Marks(sales)
    results = sales.campaigns.transact_many(given, marks)
    assert [each.ref for each in results] == numbers
    assert [len(each.facts) for each in results] == [1] * len(numbers)
    assert [sales.heard(n) for n in numbers if n != 6] == [[f"k{n}"] for n in numbers if n != 6]
    assert sales.heard(6) == ["other", "k6"]
    assert marks.batches == [11, 5, 6]
    assert marks.seen() == sorted(str(n) for n in numbers)


def test_what_goes_along_is_rolled_back_with_the_facts(sales: Sales) -> None:
    sales.enrolled(1)

    def fail(tx: Transaction, results: Sequence[Result]) -> None:
        Marks(sales)(tx, results)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sales.campaigns.transact_many([sales.hearing(1, "a")], fail)
    assert sales.heard(1) == []
    assert Marks(sales).seen() == []


def test_what_goes_along_also_goes_without_facts(sales: Sales) -> None:
    sales.enrolled(1)
    marks = Marks(sales)
    results = sales.campaigns.transact_many([sales.refusing(1), sales.accepting(1)], marks)
    assert [each.facts for each in results] == [(), ()]
    assert marks.seen() == ["None", "None"]


def test_one_claim_that_is_lost_for_good_stops_no_other(sales: Sales) -> None:
    sales.enrolled(1, 2, 3, 4)
    given = [replace(sales.hearing(n, "a"), ref=n) for n in (1, 2, 3, 4)]
    marks = Marks(sales)

    def along(tx: Transaction, results: Sequence[Result]) -> None:
        if any(each.ref == 2 for each in results):
            raise Conflict
        marks(tx, results)

    with pytest.raises(Conflict):
        sales.campaigns.transact_many(given, along)
    assert [sales.heard(n) for n in (1, 2, 3, 4)] == [["a"], [], ["a"], ["a"]]
    assert marks.seen() == ["1", "3", "4"]


def test_what_is_found_is_looked_for_once_and_decided_again_after_a_conflict(sales: Sales) -> None:
    sales.enrolled(1, 2)
    marks, looks = Marks(sales), []
    mine = meddling(
        sales.hearing(1, "mine"), lambda: sales.campaigns.transact(sales.hearing(1, "other"))
    )

    def find(tx: Transaction) -> Sequence[Input]:
        looks.append(cursor_of(tx).execute("SELECT 1").fetchall())
        return [replace(mine, ref=1), replace(sales.hearing(2, "a"), ref=2)]

    results = sales.campaigns.transact_found(find, marks)
    assert [each.ref for each in results] == [1, 2]
    assert [sales.heard(n) for n in (1, 2)] == [["other", "mine"], ["a"]]
    assert marks.seen() == ["1", "2"]
    assert len(looks) == 1


def test_a_look_that_finds_nothing_stores_nothing(sales: Sales) -> None:
    marks = Marks(sales)
    assert sales.campaigns.transact_found(lambda _: (), marks) == []
    assert marks.seen() == []


def test_a_doubled_key_that_is_no_version_is_no_conflict(sales: Sales) -> None:
    sales.enrolled(1, 2)
    sales.campaigns.transact(sales.planning_mail(1))
    doubled = replace(sales.planning_mail(1), stream=sales.stream(2))
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        sales.campaigns.transact(_with_other_message(doubled, sales.stream(2)))
    assert caught.value.diag.constraint_name == "send_queue_dedupe_key_key"
    assert sales.log.load(sales.stream(2)).version == 1


def _with_other_message(given: Input, stream: StreamId) -> Input:
    """The same dedupe key under another message id: a broken invariant, not a race."""

    def decide(state: Campaign, of: Grounds) -> Sequence[Event]:
        return [replace(fact, message_id=mail_of(stream)) for fact in given.decide(state, of)]

    return replace(given, decide=decide)


def test_decisions_in_an_open_transaction_live_and_die_with_it(sales: Sales) -> None:
    sales.enrolled(1)
    with pytest.raises(ZeroDivisionError), sales.transactions.begin() as tx:
        _fail(sales.campaigns.decide_in(tx, [sales.planning_mail(1)]))
    assert rows(sales, "SELECT state FROM {}", "send_queue") == []
    with sales.transactions.begin() as tx:
        (result,) = sales.campaigns.decide_in(tx, [sales.planning_mail(1)])
    assert len(result.facts) == 1
    assert rows(sales, "SELECT state FROM {}", "send_queue") == [("PLANNED",)]


def _fail(results: Sequence[Result]) -> None:
    assert results[0].facts
    raise ZeroDivisionError


def test_a_conflict_in_an_open_transaction_is_told(sales: Sales) -> None:
    sales.enrolled(1)
    given = meddling(
        sales.hearing(1, "mine"), lambda: sales.campaigns.transact(sales.hearing(1, "other"))
    )
    with pytest.raises(Conflict), sales.transactions.begin() as tx:
        sales.campaigns.decide_in(tx, [given])
    assert sales.heard(1) == ["other"]
