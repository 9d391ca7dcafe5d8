"""Every file with steps is cut off after each of them, run again, and ends as if never cut."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from domain.ids import TenantId
from infra.migrations import run as running
from infra.migrations.patience import Patience
from infra.migrations.run import Migration, create_tenant, migrate, migrations
from infra.tenancy import CONTROL, Database
from tests.infra.own_database import own_database

pytestmark = pytest.mark.postgres

TENANT = TenantId("acme")
SOON = Patience(lock_timeout_s=0.2, pauses_s=(0.05,) * 60, turn_s=30.0)
STEPPED = [
    (kind, each) for kind in ("control", "tenant") for each in migrations(kind) if each.steps
]


class CutOff(BaseException):
    """The process ends here."""


@contextmanager
def _opened(url: str, name: str) -> Iterator[Database]:
    database = Database(make_conninfo(url, dbname=name), size=2)
    yield database
    database.close()


def _until(kind: str, name: str) -> Callable[[str], list[Migration]]:
    """The files of a release that ends before the one of this name."""

    def known(asked: str) -> list[Migration]:
        return [each for each in migrations(asked) if asked != kind or each.name < name]

    return known


def _cut_after(steps: Sequence[str]) -> Callable[[Connection[TupleRow], str, str], None]:
    """Does these steps as ever and ends with the last of them."""
    real = running._step

    def step(connection: Connection[TupleRow], schema: str, text: str) -> None:
        real(connection, schema, text)
        if text == steps[-1]:
            raise CutOff

    return step


@pytest.mark.parametrize(("kind", "file"), STEPPED, ids=[each.name for _, each in STEPPED])
def test_a_file_cut_off_after_any_of_its_steps_can_be_run_again(
    kind: str, file: Migration, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = CONTROL if kind == "control" else f"t_{TENANT}"
    with own_database(database_url) as older:
        with _opened(database_url, older) as database, monkeypatch.context() as patch:
            patch.setattr(running, "migrations", _until(kind, file.name))
            migrate(database)
            create_tenant(database, TENANT, tag="t-1")
        with own_database(database_url, older) as name, _opened(database_url, name) as database:
            migrate(database, patience=SOON)
            whole = _shape(database, schema)
        for number in range(1, len(file.steps) + 1):
            with (
                own_database(database_url, older) as name,
                _opened(database_url, name) as database,
            ):
                with monkeypatch.context() as patch:
                    patch.setattr(running, "_step", _cut_after(file.steps[:number]))
                    with pytest.raises(CutOff):
                        migrate(database, patience=SOON)
                assert f"{schema}/{file.name}" in migrate(database, patience=SOON)
                assert migrate(database, check=True) == []
                assert _shape(database, schema) == whole, f"cut off after step {number}"


def test_a_step_is_skipped_when_its_condition_holds(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "-- step\n-- unless: SELECT true FROM {schema}.migrations LIMIT 1\nSELECT 1 / 0;\n"
        "-- step\n-- unless: SELECT name = 'none' FROM {schema}.migrations LIMIT 1\n"
        "CREATE TABLE {schema}.told (n int);\n"
        "-- step\n-- unless: SELECT true FROM {schema}.told\nINSERT INTO {schema}.told VALUES (1);"
    )

    def known(kind: str) -> list[Migration]:
        return [*migrations(kind), *([Migration("9001_x", text)] if kind == "tenant" else ())]

    with own_database(database_url) as name, _opened(database_url, name) as database:
        migrate(database)
        create_tenant(database, TENANT, tag="t-1")
        monkeypatch.setattr(running, "migrations", known)
        assert migrate(database, patience=SOON) == ["t_acme/9001_x"]
        with database.direct() as connection:
            assert connection.execute("SELECT n FROM t_acme.told").fetchall() == [(1,)]


def _shape(database: Database, schema: str) -> list[TupleRow]:
    """Tables, columns, indexes, constraints and rights."""
    with database.direct() as connection:
        tables = connection.execute(_SHAPE, (schema,)).fetchall()
        constraints = connection.execute(_CONSTRAINTS, (schema,)).fetchall()
    assert tables
    return tables + constraints


_SHAPE = """
SELECT c.relname, c.relkind::text, c.reloptions, a.attname, format_type(a.atttypid, a.atttypmod),
       pg_get_expr(c.relpartbound, c.oid), c.relacl::text,
       CASE WHEN c.relkind IN ('i', 'I') THEN pg_get_indexdef(c.oid) END
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname = %s ORDER BY 1, 4
"""
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(k.oid)
  FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
 WHERE n.nspname = %s ORDER BY 1, 2
"""
