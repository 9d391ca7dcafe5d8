"""Migrations while others work: nobody fails, nobody waits longer than a migration waits."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import LiteralString

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from handlers.ports import Report
from infra.claims import SqlInbox, SqlTimers
from infra.clock import SystemClock
from infra.entropy import SystemRng
from infra.log import Log
from infra.migrations import run as running
from infra.migrations.patience import MigrationBlocked, Patience, alone
from infra.migrations.run import Migration, create_tenant, migrate, migrations
from infra.recorder import stored
from infra.statements import Statements, transaction
from infra.tenancy import Database

pytestmark = pytest.mark.postgres

TENANT = TenantId("acme")
BEFORE = "0018_long_life"
"""The release before ours ends before this file."""
BEFORE_THE_RULES = {each.name for each in migrations("control") if each.name < "0004"} | {
    each.name for each in migrations("tenant") if each.name < BEFORE
}
SOON = Patience(lock_timeout_s=0.2, pauses_s=(0.05,) * 60, turn_s=30.0)
WORKS_FOR_AT_MOST = "5s"
"""`lock_timeout` of those who work: who waited longer than that has failed."""


@pytest.fixture
def own(database_url: str) -> Iterator[Database]:
    """A database of its own on the same server."""
    name = f"l{SystemRng().new_id().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    database = Database(make_conninfo(database_url, dbname=name), size=8)
    yield database
    database.close()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def older(own: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The tenant as the release before has left it."""
    with monkeypatch.context() as patch:
        patch.setattr(running, "migrations", _until(BEFORE))
        migrate(own)
        create_tenant(own, TENANT, tag="t-1")
    return own


def _until(name: str) -> Callable[[str], list[Migration]]:
    def known(kind: str) -> list[Migration]:
        return [each for each in migrations(kind) if each.name < name]

    return known


def _with(*more: Migration) -> Callable[[str], list[Migration]]:
    def known(kind: str) -> list[Migration]:
        return [*migrations(kind), *(more if kind == "tenant" else ())]

    return known


def _rows(database: Database, text: LiteralString) -> list[tuple[object, ...]]:
    with database.tenant_tx(TENANT) as curs:
        return Statements(schema_of(TENANT)).rows(transaction(curs), text)


# --- under load -----------------------------------------------------------------------------------


class Load:
    """Appends, deliveries and claims without end; what fails is raised at the end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._over = threading.Event()
        self.kept = threading.Event()
        """Set by each delivery that is kept."""
        self._pool = ThreadPoolExecutor(4)
        self.done = {"append": 0, "keep": 0, "claim": 0, "timers": 0}
        inbox = SqlInbox(database, TENANT, SystemRng())
        timers = SqlTimers(database, TENANT)
        clock = SystemClock(database)
        log = Log(database, TENANT)
        works: dict[str, Callable[[int], object]] = {
            "append": lambda number: self._append(log, number),
            "keep": lambda number: self._keep(inbox, number),
            "claim": lambda _: inbox.claim(20),
            "timers": lambda _: timers.claim(clock.now(), limit=20, grace_s=60),
        }
        self._works = [self._pool.submit(self._again, name, work) for name, work in works.items()]

    def _again(self, name: str, work: Callable[[int], object]) -> None:
        while not self._over.is_set():
            work(self.done[name])
            self.done[name] += 1

    def _append(self, log: Log, number: int) -> None:
        events = [stored(SystemRng().new_id(), 1, "x", str(number).encode())]
        with self._database.tenant_tx(TENANT) as curs:
            log.recorder.append(curs, events)

    def _keep(self, inbox: SqlInbox, number: int) -> None:
        assert inbox.keep("p", {}, b"x", [_report(number)], late=False) == 1
        self.kept.set()

    def end(self) -> None:
        self._over.set()
        for work in self._works:
            work.result()
        self._pool.shutdown()


def _report(number: int) -> Report:
    return Report(provider="p", kind="open", raw=b"{}", key=str(number).encode())


@contextmanager
def load(database: Database) -> Iterator[Load]:
    working = Load(database)
    try:
        yield working
    finally:
        working.end()


def test_under_load_a_migration_makes_nobody_fail_and_loses_nothing(older: Database) -> None:
    kept = "SELECT (SELECT count(*) FROM {s}.events), (SELECT count(*) FROM {s}.webhook_deliveries)"
    with older.direct() as connection:
        row = connection.execute("SHOW lock_timeout").fetchone()
    assert row == (WORKS_FOR_AT_MOST,), (
        "who waits longer than this fails, which this test relies on"
    )
    with load(older) as working:
        applied = migrate(older, patience=SOON)
    assert f"t_acme/{BEFORE}" in applied
    assert migrate(older, check=True) == []
    assert min(working.done.values()) > 0
    assert _rows(older, kept) == [(working.done["append"], working.done["keep"])]


def test_a_migration_that_is_kept_waiting_lets_the_others_through(older: Database) -> None:
    """Somebody reads for longer than anybody here may wait; those who write do not notice."""
    let_go = threading.Event()
    tries: list[dict[str, int]] = []
    with load(older) as working, older.direct() as reader:
        reader.execute("SET idle_in_transaction_session_timeout = 0")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t_acme.webhook_deliveries")

        def pause(_: float) -> None:
            tries.append(dict(working.done))
            working.kept.clear()
            assert working.kept.wait(30)
            if len(tries) == 4:
                reader.execute("COMMIT")
                let_go.set()

        waiting = Patience(lock_timeout_s=0.2, pauses_s=(0.0,) * 60, pause=pause)
        migrate(older, patience=waiting)
    assert let_go.is_set()
    between = [after["keep"] - before["keep"] for before, after in pairwise(tries)]
    assert min(between) > 0, "deliveries came in between two tries"
    kept = _rows(older, "SELECT count(*) FROM {s}.webhook_deliveries")
    assert kept == [(working.done["keep"],)]


def test_who_blocks_is_named_and_the_next_run_goes_on(older: Database) -> None:
    hurried = Patience(lock_timeout_s=0.05, pauses_s=(0.0,))
    with older.direct() as reader:
        reader.execute("SET idle_in_transaction_session_timeout = 0")
        reader.execute("SET application_name = 'a long report'")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t_acme.webhook_deliveries")
        told = f"session {reader.info.backend_pid} .a long report, idle in transaction"
        with pytest.raises(MigrationBlocked, match=told):
            migrate(older, patience=hurried)
        assert migrate(older, check=True) != []
    assert f"t_acme/{BEFORE}" in migrate(older, patience=SOON)
    assert migrate(older, check=True) == []


# --- old rows, old release ------------------------------------------------------------------------


def test_deliveries_that_were_there_are_there_after_it(older: Database) -> None:
    inbox = SqlInbox(older, TENANT, SystemRng())
    inbox.keep("p", {"h": "v"}, b"before", [_report(1)], late=True)
    before = _rows(older, _DELIVERED)
    migrate(older, patience=SOON)
    assert _rows(older, _DELIVERED) == before != []
    assert inbox.keep("p", {}, b"after", [_report(1)], late=False) == 0
    where = "SELECT tableoid::regclass::text FROM {s}.webhook_deliveries GROUP BY 1"
    assert _rows(older, where) == [("t_acme.webhook_deliveries_first",)]


def test_a_fresh_tenant_has_the_tables_of_one_that_grew_up(older: Database) -> None:
    migrate(older, patience=SOON)
    create_tenant(older, TenantId("young"), tag="t-2")
    with older.direct() as connection:
        shapes = [
            connection.execute(_SHAPE, {"schema": schema}).fetchall()
            for schema in ("t_acme", "t_young")
        ]
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) > 100


# --- steps ----------------------------------------------------------------------------------------


def test_a_run_that_was_cut_off_goes_on_where_it_was(
    own: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(own)
    create_tenant(own, TENANT, tag="t-1")
    steps = (
        "-- step\nCREATE TABLE IF NOT EXISTS {{schema}}.one (n int);\n-- step: two\nSELECT 1 / {};"
    )
    broken = Migration("9001_steps", steps.format(0))
    monkeypatch.setattr(running, "migrations", _with(broken))
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(own, patience=SOON)
    assert _exists(own, "one")
    assert migrate(own, check=True) == ["t_acme/9001_steps"]
    monkeypatch.setattr(running, "migrations", _with(Migration("9001_steps", steps.format(1))))
    assert migrate(own, patience=SOON) == ["t_acme/9001_steps"]
    assert migrate(own, patience=SOON) == []


def test_an_index_that_was_left_half_built_is_built_anew(
    own: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(own)
    create_tenant(own, TENANT, tag="t-1")
    with own.tenant_tx(TENANT) as curs:
        curs.execute("INSERT INTO t_acme.lanes VALUES ('a', 'x', now()), ('b', 'x', now())")
    text = "-- step\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS half ON {schema}.lanes (key);"
    monkeypatch.setattr(running, "migrations", _with(Migration("9001_half", text)))
    with pytest.raises(psycopg.errors.UniqueViolation):
        migrate(own, patience=SOON)
    assert _valid(own, "half") is False
    with own.tenant_tx(TENANT) as curs:
        curs.execute("DELETE FROM t_acme.lanes")
    migrate(own, patience=SOON)
    assert _valid(own, "half") is True


def test_an_index_is_built_beside_a_run_that_waits_for_its_turn(older: Database) -> None:
    """Building waits for every statement that began before; so nobody may wait in a statement."""
    with ThreadPoolExecutor(3) as pool:
        both = list(pool.map(lambda _: migrate(older, patience=SOON), range(3)))
    assert sorted(map(bool, both)) == [False, False, True]


def test_a_run_that_never_ends_is_told_to_those_who_wait(own: Database) -> None:
    at_once = Patience(turn_s=0.1, pause=lambda _: None)
    with (
        own.direct() as connection,
        alone(connection),
        pytest.raises(MigrationBlocked, match="another run"),
    ):
        migrate(own, patience=at_once)


def test_every_file_with_an_index_built_beside_has_steps() -> None:
    for kind in ("control", "tenant"):
        for each in migrations(kind):
            beside = [step for step in each.steps if "CONCURRENTLY" in step]
            assert sum(step.count("CONCURRENTLY") for step in beside) == each.text.count(
                "CONCURRENTLY"
            )
            for step in beside:
                assert step.count(";") == 1, "it runs in no transaction, so it stands alone"


BUILDS = re.compile(r"\bCREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?[^;]*? ON \{schema\}\.(\w+)")
MAKES = re.compile(r"\bCREATE TABLE (?:IF NOT EXISTS )?\{schema\}\.(\w+)")
TAKES_AWAY = re.compile(
    r"\b(DROP (COLUMN|TABLE)|RENAME (COLUMN|TO)|SET NOT NULL|ALTER COLUMN \w+ (SET DATA )?TYPE)\b"
)
CONTRACTS = re.compile(r"^-- contract: \w", re.MULTILINE)


@pytest.mark.parametrize(
    "each",
    [each for kind in ("control", "tenant") for each in migrations(kind)],
    ids=lambda m: m.name,
)
def test_new_files_keep_to_the_rules_of_side_by_side(each: Migration) -> None:
    """As docs/how-to/upgrade.md has them; what is older than this test was applied in one go."""
    if each.name in BEFORE_THE_RULES:
        return
    fresh = set(MAKES.findall(each.text))
    blocking = [table for beside, table in BUILDS.findall(each.text) if not beside]
    assert set(blocking) <= fresh, "an index of a table in use is built CONCURRENTLY, in a step"
    if TAKES_AWAY.search(each.text):
        assert CONTRACTS.search(each.text), "say in a line `-- contract: ...` who needed it last"


def _exists(database: Database, table: str) -> bool:
    with database.direct() as connection:
        row = connection.execute("SELECT to_regclass(%s)", (f"t_acme.{table}",)).fetchone()
    return row is not None and row[0] is not None


def _valid(database: Database, index: str) -> bool:
    query = "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass"
    with database.direct() as connection:
        row = connection.execute(query, (f"t_acme.{index}",)).fetchone()
    assert row is not None
    return bool(row[0])


_DELIVERED: LiteralString = """
SELECT delivery_id, provider, received_at, headers, body, late_signature FROM {s}.webhook_deliveries
"""
_SHAPE = """
SELECT c.relname, c.relkind::text, c.reloptions, a.attname, format_type(a.atttypid, a.atttypmod),
       pg_get_expr(c.relpartbound, c.oid), replace(c.relacl::text, %(schema)s, ''),
       CASE WHEN c.relkind IN ('i', 'I') THEN replace(pg_get_indexdef(c.oid), %(schema)s, '') END
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname = %(schema)s ORDER BY 1, 4
"""
