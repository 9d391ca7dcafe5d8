from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.entropy import SystemRng
from infra.migrations.run import (
    MigrationChanged,
    TenantNameInvalid,
    create_tenant,
    migrate,
    migrations,
)
from infra.tenancy import CONTROL_ROLE, Database, role_of

pytestmark = pytest.mark.postgres

GRANTS = """
SELECT n.nspname || '.' || c.relname, string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
WHERE a.grantee = %s::regrole AND c.relkind IN ('r', 'v', 'm', 'p') GROUP BY 1
"""
SEQUENCES = """
SELECT DISTINCT a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
WHERE a.grantee = %s::regrole AND c.relkind = 'S'
"""
FOREIGN = """
SELECT conname FROM pg_constraint
WHERE contype = 'f' AND connamespace <> (SELECT relnamespace FROM pg_class WHERE oid = confrelid)
"""
ALL = "DELETE INSERT SELECT UPDATE"


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    """A database of its own on the same server, with nothing in it."""
    name = f"m{SystemRng().new_id().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    database = Database(make_conninfo(database_url, dbname=name), size=4)
    yield database
    database.close()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def test_an_empty_database_is_brought_up_once(empty: Database) -> None:
    expected = [f"control/{each.name}" for each in migrations("control")]
    assert expected
    assert migrate(empty, check=True) == expected
    assert migrate(empty) == expected
    assert migrate(empty, check=True) == []
    assert migrate(empty) == []


def test_a_check_changes_nothing(empty: Database) -> None:
    migrate(empty, check=True)
    with empty.direct() as connection:
        found = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'control'")
        assert found.fetchone() is None


def test_two_runs_at_once_apply_each_file_once(empty: Database) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: migrate(empty), range(2)))
    assert sorted(map(len, both)) == [0, len(migrations("control"))]


def test_a_tenant_gets_schema_role_and_row_and_asking_again_is_no_news(empty: Database) -> None:
    migrate(empty)
    name = TenantId("acme")
    assert create_tenant(empty, name, tag="t-1", policy={"a": 1}, settings={"b": 2})
    assert not create_tenant(empty, name, tag="t-2")
    (found,) = empty.tenants()
    assert (found.name, found.tag) == (name, "t-1")
    assert (found.policy, found.settings) == ({"a": 1}, {"b": 2})
    with empty.tenant_tx(name) as curs:
        names = curs.execute("SELECT name FROM t_acme.migrations ORDER BY name").fetchall()
    assert names == [(each.name,) for each in migrations("tenant")]
    assert migrate(empty) == []


def test_a_tenant_that_cannot_be_made_leaves_nothing(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(empty)
    monkeypatch.setattr("infra.migrations.run._READ_AND_WRITE", "SELECT 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        create_tenant(empty, TenantId("acme"), tag="t-1")
    assert empty.tenants() == []
    with empty.direct() as connection:
        found = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 't_acme'")
        assert found.fetchone() is None


def test_a_changed_file_is_an_error_that_names_it(empty: Database) -> None:
    migrate(empty)
    create_tenant(empty, TenantId("acme"), tag="t-1")
    first = migrations("tenant")[0].name
    with empty.direct() as connection:
        connection.execute(
            "UPDATE t_acme.migrations SET checksum = 'other' WHERE name = %s", (first,)
        )
    for check in (True, False):
        with pytest.raises(MigrationChanged, match=f"t_acme/{first}"):
            migrate(empty, check=check)


def test_a_file_that_is_missing_in_one_tenant_is_applied_there(empty: Database) -> None:
    migrate(empty)
    create_tenant(empty, TenantId("one"), tag="t-1")
    create_tenant(empty, TenantId("two"), tag="t-2")
    last = migrations("tenant")[-1].name
    with empty.direct() as connection:
        connection.execute("DROP SCHEMA t_two CASCADE")
    expected = [f"t_two/{each.name}" for each in migrations("tenant")]
    assert migrate(empty, check=True) == expected
    assert migrate(empty) == expected
    assert last in expected[-1]
    with empty.tenant_tx(TenantId("two")) as curs:
        assert curs.execute("SELECT count(*) FROM t_two.events").fetchone() == (0,)


@pytest.mark.parametrize("name", ["", "1st", "Acme", "a-b", "a" * 41, "a;b", 'a"b'])
def test_a_name_that_is_no_part_of_a_schema_name_is_refused(database: Database, name: str) -> None:
    with pytest.raises(TenantNameInvalid):
        create_tenant(database, TenantId(name), tag=f"tag-{name}")


def test_rights_of_a_tenant_role_are_just_the_listed_ones(
    database: Database, tenant: TenantId
) -> None:
    schema = schema_of(tenant)
    with database.direct() as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)
        ).fetchall()
        views = connection.execute(
            "SELECT viewname FROM pg_views WHERE schemaname = %s", (schema,)
        ).fetchall()
        grants: dict[str, str] = dict(connection.execute(GRANTS, (role_of(tenant),)).fetchall())
        sequences = connection.execute(SEQUENCES, (role_of(tenant),)).fetchall()
    expected = {f"{schema}.{table}": ALL for (table,) in tables}
    expected |= {f"{schema}.{view}": "SELECT" for (view,) in views}
    for log in ("events", "account_events", "admin_events", "audit_checkpoints"):
        expected[f"{schema}.{log}"] = "INSERT SELECT"
    expected[f"{schema}.consents"] = "DELETE INSERT SELECT"
    expected[f"{schema}.migrations"] = "SELECT"
    assert grants == expected
    assert sequences == [("USAGE",)]


def test_the_control_role_has_no_right_in_a_tenant_schema(
    database: Database, tenant: TenantId
) -> None:
    assert tenant
    with database.direct() as connection:
        grants: dict[str, str] = dict(connection.execute(GRANTS, (CONTROL_ROLE,)).fetchall())
    assert grants["control.tenants"] == ALL
    assert {name.partition(".")[0] for name in grants} == {"control"}


def test_no_object_of_a_tenant_refers_to_another_schema(
    database: Database, tenant: TenantId
) -> None:
    assert tenant
    with database.direct() as connection:
        assert connection.execute(FOREIGN).fetchall() == []


def test_an_owner_that_is_no_superuser_can_do_it_all(empty: Database, database_url: str) -> None:
    owner = f"o{SystemRng().new_id().hex[:12]}"
    name = TenantId(f"x{owner}")
    make = SQL("CREATE ROLE {} LOGIN CREATEROLE NOINHERIT PASSWORD 'sesame'")
    with empty.direct() as connection:
        (dbname,) = connection.execute("SELECT current_database()").fetchone() or ("",)
        connection.execute(make.format(Identifier(owner)))
        connection.execute(
            SQL("ALTER DATABASE {} OWNER TO {}").format(Identifier(dbname), Identifier(owner))
        )
    url = make_conninfo(database_url, dbname=dbname, user=owner, password="sesame")
    database = Database(url, size=2)
    with database.direct() as connection:
        # Made by another database's owner on this server, as roles are shared.
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (CONTROL_ROLE,))
        if known.fetchone() is not None:
            with empty.direct() as superuser:
                superuser.execute(
                    SQL("GRANT {} TO {} WITH ADMIN OPTION").format(
                        Identifier(CONTROL_ROLE), Identifier(owner)
                    )
                )
    migrate(database)
    create_tenant(database, name, tag="t-1")
    assert [each.name for each in database.tenants()] == [name]
    with database.tenant_tx(name) as curs:
        assert curs.execute("SELECT current_user").fetchone() == (role_of(name),)
    database.close()


def test_the_files_are_found_as_package_data() -> None:
    for kind in ("control", "tenant"):
        names = [each.name for each in migrations(kind)]
        assert names == sorted(names)
        assert all(
            files("infra.migrations").joinpath(kind, f"{name}.sql").is_file() for name in names
        )
