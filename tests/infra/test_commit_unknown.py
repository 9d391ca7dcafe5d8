"""The connection is cut at COMMIT: the facts are stored once, and the caller is told so."""

from collections.abc import Iterator, Sequence

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from handlers.ports import Result, Transaction
from infra.statements import cursor_of
from infra.tenancy import CommitUnknown, Database
from tests.infra.cutting_proxy import CuttingProxy
from tests.infra.log_cases import Sales

pytestmark = [pytest.mark.postgres, pytest.mark.faults]


@pytest.fixture
def proxy(database_url: str) -> Iterator[CuttingProxy]:
    with CuttingProxy(database_url) as proxy:
        yield proxy


@pytest.fixture
def sales(proxy: CuttingProxy, tenant: TenantId) -> Iterator[Sales]:
    database = Database(proxy.url, size=3)
    yield Sales(database, tenant)
    database.close()


class Cutting:
    """Goes along with the facts, leaves a mark, and has the COMMIT of this transaction cut once."""

    def __init__(self, proxy: CuttingProxy, cut: str) -> None:
        self._proxy = proxy
        self._cut: str | None = cut
        self.runs = 0

    def __call__(self, tx: Transaction, results: Sequence[Result]) -> None:
        self.runs += 1
        (schema,) = cursor_of(tx).execute("SELECT current_user").fetchone() or ("",)
        table = Identifier(f"t_{schema.removeprefix('antiphon_t_')}", "notes")
        for result in results:
            insert = SQL("INSERT INTO {} (subject_id, kind, text) VALUES (%s, 'mark', %s)")
            cursor_of(tx).execute(insert.format(table), (result.stream, str(result.ref)))
        self._proxy.cut, self._cut = self._cut, None


def marks(sales: Sales) -> list[str]:
    table = Identifier(schema_of(sales.tenant), "notes")
    with sales.database.tenant_tx(sales.tenant) as curs:
        found = curs.execute(SQL("SELECT text FROM {} ORDER BY text").format(table)).fetchall()
    return [text for (text,) in found]


@pytest.mark.parametrize(("cut", "runs"), [("after", 1), ("during", 1), ("before", 3)])
def test_a_batch_is_stored_once_with_what_goes_along(
    proxy: CuttingProxy, sales: Sales, cut: str, runs: int
) -> None:
    sales.enrolled(1, 2, 3)
    along = Cutting(proxy, cut)
    given = [replace(sales.hearing(n, f"k{n}"), ref=n) for n in (1, 2, 3)]
    results = sales.campaigns.transact_many(given, along)
    assert proxy.cuts == 1
    assert [len(each.facts) for each in results] == [1, 1, 1]
    assert [sales.heard(n) for n in (1, 2, 3)] == [["k1"], ["k2"], ["k3"]]
    assert marks(sales) == ["1", "2", "3"]
    assert along.runs == runs


@pytest.mark.parametrize("cut", ["after", "during", "before"])
def test_one_stream_is_stored_once_and_reported_as_stored(
    proxy: CuttingProxy, sales: Sales, cut: str
) -> None:
    sales.enrolled(1)
    (result,) = sales.campaigns.transact_many([sales.hearing(1, "a")], Cutting(proxy, cut))
    assert proxy.cuts == 1
    assert [type(fact).__name__ for fact in result.facts] == ["SignalRecorded"]
    assert sales.heard(1) == ["a"]


def test_a_doubt_without_facts_is_told_since_the_log_cannot_settle_it(
    proxy: CuttingProxy, sales: Sales
) -> None:
    sales.enrolled(1)
    with pytest.raises(CommitUnknown):
        sales.campaigns.transact_many([sales.refusing(1)], Cutting(proxy, "after"))
    assert marks(sales) == ["None"]


def test_a_claim_whose_commit_is_unknown_is_told(proxy: CuttingProxy, sales: Sales) -> None:
    sales.enrolled(1)
    with pytest.raises(CommitUnknown), sales.transactions.begin() as tx:
        proxy.cut = str(sales.campaigns.decide_in(tx, [sales.hearing(1, "a")]) and "after")
    assert sales.heard(1) == ["a"]


def test_a_session_that_dies_before_the_commit_is_only_another_try(
    database: Database, tenant: TenantId
) -> None:
    sales = Sales(database, tenant)
    sales.enrolled(1)
    left = [True]

    def kill(tx: Transaction, _: Sequence[Result]) -> None:
        if left and left.pop():
            with database.direct() as connection:
                pid = cursor_of(tx).connection.info.backend_pid
                connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    (result,) = sales.campaigns.transact_many([sales.hearing(1, "a")], kill)
    assert len(result.facts) == 1
    assert sales.heard(1) == ["a"]


def test_the_recorder_does_not_take_its_own_rows_for_a_conflict(
    proxy: CuttingProxy, sales: Sales
) -> None:
    sales.enrolled(1)
    (entry,) = sales.log.events.get(sales.stream(1))
    again = replace(entry, originator_version=2)  # type: ignore[type-var]  # an Entry is a Struct
    proxy.cut = "after"
    with pytest.raises(Exception, match="COMMIT") as caught:
        sales.log.events.put([again])
    assert not isinstance(caught.value, psycopg.IntegrityError)
    assert sales.log.load(sales.stream(1)).version == 2
