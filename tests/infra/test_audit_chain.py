"""The hash chain of each stream: written by every append, whoever wrote the rows before it."""

from contextlib import suppress
from hashlib import sha256
from uuid import UUID

import pytest
from psycopg.sql import SQL, Identifier

from domain import accounts
from domain.ids import TenantId, schema_of
from infra.audit.chain import GENESIS, Chain
from infra.recorder import stored
from infra.tenancy import Database
from tests.infra.accounts_kept import Kept
from tests.infra.log_cases import Sales

pytestmark = pytest.mark.postgres

_ROWS = (
    "SELECT originator_id, originator_version, topic, state, chain FROM {} "
    "ORDER BY originator_id, originator_version"
)


@pytest.fixture
def sales(database: Database, tenant: TenantId) -> Sales:
    return Sales(database, tenant)


def _chained(sales: Sales, table: str = "events") -> int:
    """How many rows have the hash that their stream's rows make; fails on one that has another."""
    chain, heads, rows = Chain(sales.tenant), dict[UUID, bytes](), 0
    with sales.database.tenant_tx(sales.tenant) as curs:
        curs.execute(SQL(_ROWS).format(Identifier(schema_of(sales.tenant), table)))
        for stream, version, topic, state, found in curs:
            heads[stream] = chain.link(
                stream, version, topic, heads.get(stream, GENESIS), bytes(state)
            )
            assert found in (None, heads[stream]), (stream, version)
            rows += found is not None
    return rows


def _unchain(sales: Sales, where: str = "true") -> None:
    """As rows are that an older release wrote."""
    events = Identifier(schema_of(sales.tenant), "events")
    with sales.database.direct() as owner:
        owner.execute(SQL("UPDATE {} SET chain = NULL WHERE " + where).format(events))


def test_a_link_is_the_digest_that_the_documents_describe() -> None:
    stream, state = UUID(int=5), b'{"f":{}}'
    parts = [
        b"antiphon/1",
        b"acme",
        stream.bytes,
        (7).to_bytes(8, "big"),
        b"paused",
        GENESIS,
        state,
    ]
    told = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    found = Chain(TenantId("acme")).link(stream, 7, "paused", GENESIS, state)
    assert found == sha256(told).digest()


def test_every_append_goes_on_with_the_chain_of_its_streams(sales: Sales) -> None:
    sales.enrolled(1, 2)
    sales.campaigns.transact(sales.hearing(1, "a", "b"))
    sales.campaigns.transact_many([sales.hearing(2, "c"), sales.hearing(1, "d")])
    assert _chained(sales) == 6


def test_another_process_goes_on_where_this_one_stopped(sales: Sales) -> None:
    sales.enrolled(1)
    for key in ("a", "b", "c"):
        Sales(sales.database, sales.tenant).campaigns.transact(sales.hearing(1, key))
        sales.campaigns.transact(sales.hearing(1, key + key))
    assert _chained(sales) == 7


def test_two_decisions_on_one_stream_in_one_transaction_are_chained(sales: Sales) -> None:
    sales.enrolled(1)
    with sales.transactions.begin() as tx:
        sales.campaigns.decide_in(tx, [sales.hearing(1, "a")])
        sales.campaigns.decide_in(tx, [sales.hearing(1, "b")])
    assert _chained(sales) == 3


def test_what_a_transaction_undid_is_in_no_chain(sales: Sales) -> None:
    sales.enrolled(1)
    with suppress(ZeroDivisionError), sales.transactions.begin() as tx:
        sales.campaigns.decide_in(tx, [sales.hearing(1, "a")])
        raise ZeroDivisionError
    sales.campaigns.transact(sales.hearing(1, "b"))
    assert _chained(sales) == 2


def test_a_stream_of_an_older_release_is_chained_from_its_first_fact_on(sales: Sales) -> None:
    sales.enrolled(1)
    sales.campaigns.transact(sales.hearing(1, "a"))
    _unchain(sales)
    Sales(sales.database, sales.tenant).campaigns.transact(sales.hearing(1, "b"))
    assert _chained(sales) == 1


def test_what_an_older_release_writes_meanwhile_is_in_the_chain(sales: Sales) -> None:
    sales.enrolled(1)
    sales.campaigns.transact(sales.hearing(1, "a", "b"))
    _unchain(sales, "originator_version = 3")  # this process still knows the state of it
    sales.campaigns.transact(sales.hearing(1, "c"))
    _unchain(sales, "originator_version = 4")
    Sales(sales.database, sales.tenant).campaigns.transact(sales.hearing(1, "d"))
    assert _chained(sales) == 3


def test_a_writer_that_loaded_nothing_looks_the_chain_up(sales: Sales) -> None:
    sales.enrolled(1, 2)
    sales.campaigns.transact(sales.hearing(1, "a", "b"))
    _unchain(sales, "originator_version = 3")
    events = [
        stored(sales.stream(1), 4, "x", b"{}"),
        stored(sales.stream(2), 2, "x", b"{}"),
        stored(sales.stream(2), 3, "x", b"{}"),
        stored(sales.stream(3), 1, "x", b"{}"),
    ]
    with sales.database.tenant_tx(sales.tenant) as curs:
        sales.log.recorder.append(curs, events)
    assert _chained(sales) == 7


def test_the_log_of_accounts_is_chained_as_well(database: Database, tenant: TenantId) -> None:
    kept = Kept(database, tenant)
    kept.add("sam")
    kept.order("sam", accounts.pause, reason=accounts.PauseReason.OPERATOR)
    kept.order("sam", accounts.resume)
    assert _chained(Sales(database, tenant), "account_events") >= 4
