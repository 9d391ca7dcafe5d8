import socket
import threading
from collections.abc import Callable

import psycopg
import pytest
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.tenancy import CommitUnknown, Database, DatabaseOutOfReach, UnknownTenant, role_of

pytestmark = pytest.mark.postgres


def test_a_tenant_transaction_has_the_role_of_its_tenant(
    database: Database, tenant: TenantId
) -> None:
    with database.tenant_tx(tenant) as curs:
        row = curs.execute("SELECT current_user, current_setting('search_path')").fetchone()
    assert row == (role_of(tenant), "pg_catalog")


def test_role_and_transaction_begin_in_one_round_trip(database: Database, tenant: TenantId) -> None:
    query = "SELECT state, query FROM pg_stat_activity WHERE pid = %s"
    with database.tenant_tx(tenant) as curs, database.direct() as other:
        seen = other.execute(query, (curs.connection.info.backend_pid,)).fetchone()
    assert seen == ("idle in transaction", f'BEGIN; SET LOCAL ROLE "{role_of(tenant)}"')


def test_the_role_ends_with_the_transaction(database_url: str, tenant: TenantId) -> None:
    database = Database(database_url, size=1)
    with database.direct() as connection:
        owner = connection.execute("SELECT current_user").fetchone()
    with database.tenant_tx(tenant) as curs:
        pid = curs.connection.info.backend_pid
    with database._connection() as connection:
        assert connection.info.backend_pid == pid
        assert connection.execute("SELECT current_user").fetchone() == owner
    database.close()


def test_no_tenant_reads_another_ones_rows(
    database: Database, new_tenant: Callable[[], TenantId]
) -> None:
    mine, other = new_tenant(), new_tenant()
    query = SQL("SELECT count(*) FROM {}").format(Identifier(schema_of(other), "contacts"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.tenant_tx(mine) as curs:
        curs.execute(query)
    with database.tenant_tx(other) as curs:
        assert curs.execute(query).fetchone() == (0,)


@pytest.mark.parametrize(
    "query",
    [
        "UPDATE {events} SET topic = 'other'",
        "DELETE FROM {events}",
        "TRUNCATE {events}",
        "SELECT setval('{seq}', 1)",
        "UPDATE {migrations} SET checksum = ''",
        "SELECT * FROM control.tenants",
        "CREATE TABLE {table} ()",
    ],
)
def test_a_tenant_cannot_rewrite_its_log_or_leave_its_schema(
    database: Database, tenant: TenantId, query: str
) -> None:
    schema = schema_of(tenant)
    text = query.format(
        events=f"{schema}.events",
        seq=f"{schema}.events_notification_id_seq",
        migrations=f"{schema}.migrations",
        table=f"{schema}.mine",
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.tenant_tx(tenant) as curs:
        curs.execute(text.encode())


def test_a_statement_that_names_no_schema_is_an_error(database: Database, tenant: TenantId) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable), database.tenant_tx(tenant) as curs:
        curs.execute("SELECT * FROM events")


def test_an_error_rolls_all_back_and_the_connection_stays_usable(
    database_url: str, tenant: TenantId
) -> None:
    database = Database(database_url, size=1)
    table = Identifier(schema_of(tenant), "plans")
    insert = SQL("INSERT INTO {} (plan_hash, document) VALUES ('h', '')").format(table)
    with pytest.raises(psycopg.errors.DivisionByZero), database.tenant_tx(tenant) as curs:
        curs.execute(insert).connection.execute("SELECT 1 / 0")
    with database.tenant_tx(tenant) as curs:
        assert curs.execute(SQL("SELECT * FROM {}").format(table)).fetchall() == []
    database.close()


def test_a_swallowed_error_is_never_taken_for_a_commit(
    database: Database, tenant: TenantId
) -> None:
    with (
        pytest.raises(psycopg.errors.InFailedSqlTransaction),
        database.tenant_tx(tenant) as curs,
        pytest.raises(psycopg.errors.DivisionByZero),
    ):
        curs.execute("SELECT 1 / 0")


def test_every_connection_has_bounds(database: Database, tenant: TenantId) -> None:
    names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
    with database.tenant_tx(tenant) as curs:
        bounds = curs.execute(
            "SELECT current_setting(name) FROM unnest(%s::text[]) AS name", (names,)
        )
        assert bounds.fetchall() == [("15s",), ("5s",), ("5s",)]


def test_options_of_the_url_are_kept(database_url: str) -> None:
    joint = "&" if "?" in database_url else "?"
    database = Database(f"{database_url}{joint}options=-c%20work_mem%3D5MB", size=1)
    with database.direct() as connection:
        settings = connection.execute(
            "SELECT current_setting('work_mem'), current_setting('search_path')"
        )
        assert settings.fetchone() == ("5MB", "pg_catalog")


def test_an_unknown_tenant_is_named(database: Database) -> None:
    with (
        pytest.raises(UnknownTenant, match="antiphon_t_nobody"),
        database.tenant_tx(TenantId("nobody")),
    ):
        pass


def test_no_server_is_said_at_once_with_place_and_mend_and_without_password() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = Database(f"postgresql://somebody:sesame@127.0.0.1:{port}/outreach", size=1)
    with (
        pytest.raises(DatabaseOutOfReach, match="ANTIPHON_DATABASE_URL") as caught,
        database.control_tx(),
    ):
        pass
    assert f"127.0.0.1, port {port}, database outreach" in str(caught.value)
    assert "sesame" not in str(caught.value)
    database.close()


def test_a_full_pool_is_an_error_and_not_an_endless_wait(
    database_url: str, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.tenancy.BORROW_TIMEOUT_S", 0.05)
    database = Database(database_url, size=1)
    with (
        database.tenant_tx(tenant),
        pytest.raises(DatabaseOutOfReach),
        database.tenant_tx(tenant),
    ):
        pass
    database.close()


def test_a_connection_lost_before_the_commit_is_known_not_to_be_committed(
    database: Database, tenant: TenantId
) -> None:
    with pytest.raises(psycopg.OperationalError) as caught, database.tenant_tx(tenant) as curs:
        terminate(database, curs).execute("SELECT 1")
    assert not isinstance(caught.value, CommitUnknown)


def test_a_connection_lost_at_the_commit_leaves_it_unknown(
    database: Database, tenant: TenantId
) -> None:
    with pytest.raises(CommitUnknown), database.tenant_tx(tenant) as curs:
        terminate(database, curs)


def test_threads_share_one_pool(database_url: str, tenant: TenantId) -> None:
    database = Database(database_url, size=2)
    pids: set[int] = set()

    def use() -> None:
        for _ in range(5):
            with database.tenant_tx(tenant) as curs:
                pids.add(curs.connection.info.backend_pid)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(pids) <= 2
    database.close()


def test_tenants_are_listed_with_tag_policy_and_settings(
    database: Database, tenant: TenantId
) -> None:
    found = {each.name: each for each in database.tenants()}
    assert found[tenant].tag == f"tag-{tenant}"
    assert found[tenant].policy == {}
    assert found[tenant].settings == {}


def terminate(database: Database, curs: psycopg.Cursor[TupleRow]) -> psycopg.Cursor[TupleRow]:
    """Kill the session of a cursor; the two-argument form waits until it is gone."""
    with database.direct() as connection:
        pid = curs.connection.info.backend_pid
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    return curs


def test_every_commit_waits_for_the_disk(database_url: str, tenant: TenantId) -> None:
    database = Database(database_url, size=1)
    with database.tenant_tx(tenant) as curs:
        curs.execute("SELECT current_setting('synchronous_commit'), current_setting('fsync')")
        assert curs.fetchone() == ("on", "on")
    database.close()
