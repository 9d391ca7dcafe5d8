"""Answers by idempotency key in PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.ids import TenantId, schema_of
from handlers.errors import KeyReused, StillRunning
from handlers.services import Answered
from infra.idempotency import GIVEN_UP_S, KEPT_S, SqlMemory
from infra.retention import Periods, forget
from infra.statements import Statements, transaction
from infra.tenancy import Database

ROUTE = "POST /v1/campaigns"
ANSWER = Answered(201, b'{"id": 1}')

pytestmark = pytest.mark.postgres


@pytest.fixture
def memory(database: Database, tenant: TenantId) -> SqlMemory:
    return SqlMemory(database, tenant, b"pepper")


def age(database: Database, tenant: TenantId, seconds: int) -> None:
    """Let the stored keys be older."""
    text = "UPDATE {s}.idempotency_keys SET created_at = now() - make_interval(secs => %(age)s)"
    with database.tenant_tx(tenant) as curs:
        Statements(schema_of(tenant)).run(transaction(curs), text, {"age": seconds})


def test_the_same_request_gets_the_answer_of_the_first(memory: SqlMemory) -> None:
    assert memory.begin(ROUTE, "k", b"body") is None
    with pytest.raises(StillRunning):
        memory.begin(ROUTE, "k", b"body")
    memory.keep(ROUTE, "k", ANSWER)
    assert memory.begin(ROUTE, "k", b"body") == ANSWER


def test_another_request_with_the_key_is_refused_also_while_the_first_runs(
    memory: SqlMemory,
) -> None:
    memory.begin(ROUTE, "k", b"body")
    with pytest.raises(KeyReused):
        memory.begin(ROUTE, "k", b"other")
    memory.keep(ROUTE, "k", ANSWER)
    with pytest.raises(KeyReused):
        memory.begin(ROUTE, "k", b"other")
    assert memory.begin("POST /v1/contacts", "k", b"other") is None


def test_a_forgotten_request_may_come_again_and_an_answer_is_never_forgotten(
    memory: SqlMemory,
) -> None:
    memory.begin(ROUTE, "k", b"body")
    memory.forget(ROUTE, "k")
    assert memory.begin(ROUTE, "k", b"body") is None
    memory.keep(ROUTE, "k", ANSWER)
    memory.forget(ROUTE, "k")
    assert memory.begin(ROUTE, "k", b"body") == ANSWER


def test_a_request_that_died_is_taken_over_only_by_itself(
    memory: SqlMemory, database: Database, tenant: TenantId
) -> None:
    memory.begin(ROUTE, "k", b"body")
    age(database, tenant, GIVEN_UP_S + 1)
    with pytest.raises(KeyReused):
        memory.begin(ROUTE, "k", b"other")
    assert memory.begin(ROUTE, "k", b"body") is None


def test_after_a_day_a_key_is_new(memory: SqlMemory, database: Database, tenant: TenantId) -> None:
    memory.begin(ROUTE, "k", b"body")
    memory.keep(ROUTE, "k", ANSWER)
    age(database, tenant, KEPT_S - 60)
    assert memory.begin(ROUTE, "k", b"body") == ANSWER
    age(database, tenant, KEPT_S + 1)
    assert memory.begin(ROUTE, "k", b"other") is None
    age(database, tenant, KEPT_S + 1)
    once = [forget(database, tenant, Periods(), database.now()) for _ in range(2)]
    assert once == [{"idempotency_keys": 1}, {}]


def test_of_many_at_once_one_carries_it_out(memory: SqlMemory) -> None:
    def begin(_: int) -> bool:
        try:
            return memory.begin(ROUTE, "k", b"body") is None
        except StillRunning:
            return False

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(begin, range(12))) == 1


def test_keys_of_one_tenant_mean_nothing_to_another(memory: SqlMemory, database: Database) -> None:
    macs = [SqlMemory(database, TenantId(name), b"pepper")._key for name in ("a", "b")]
    assert macs[0] != macs[1] != memory._key
