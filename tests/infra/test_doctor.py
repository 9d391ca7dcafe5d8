"""What `antiphon doctor` sees: each thing that can go wrong is made to go wrong."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from domain.ids import TenantId, schema_of
from infra.bootstrap import System
from infra.cli.doctor import _told
from infra.doctor import Finding, Word, examine, server, tables
from infra.doctor.finding import Bounds, judged
from infra.embedded.servers import ServerUrls
from infra.migrations import run as running
from infra.migrations.run import Migration, create_tenant, migrate, migrations
from infra.retention import keep_up, set_periods
from infra.retention.periods import DEFAULT
from infra.settings import Settings
from infra.statements import Statements, transaction
from infra.tenancy import Database
from tests.infra.cli_running import Cli
from tests.infra.own_database import own_database

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ACME = TenantId("acme")


class Patient:
    """An installation with one tenant in a database of its own, and what the doctor says of it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.database = system.database

    def run(self, text: LiteralString) -> None:
        with self.database.tenant_tx(ACME) as curs:
            Statements(schema_of(ACME)).run(transaction(curs), text)

    def finding(self, name: str) -> Finding:
        (found,) = (finding for finding in examine(self.system) if finding.name == name)
        return found

    def word_of(self, name: str) -> Word:
        return self.finding(name).word


@pytest.fixture(scope="module")
def healthy(database_url: str) -> Iterator[str]:
    """A tenant as a first tick leaves it, to be copied."""
    with own_database(database_url) as name:
        database = Database(make_conninfo(database_url, dbname=name), size=2)
        migrate(database)
        create_tenant(database, ACME, tag="t-1")
        keep_up(database, ACME, DEFAULT.raw)
        database.close()
        yield name


@pytest.fixture
def patient(database_url: str, redis_url: str, healthy: str, tmp_path: Path) -> Iterator[Patient]:
    with own_database(database_url, healthy) as name:
        url = make_conninfo(database_url, dbname=name)
        yield from _patient(database_url, ServerUrls(url, redis_url), tmp_path)


def _patient(database_url: str, servers: ServerUrls, home: Path) -> Iterator[Patient]:
    settings = Settings(
        home=home,
        database_url=SecretStr(database_url),
        redis_url=SecretStr(servers.redis_url),
        pepper=SecretStr("p" * 32),
    )
    system = System(settings, servers, worker="test", pool=2)
    yield Patient(system)
    system.close()


def test_of_a_well_kept_installation_nothing_is_bad(patient: Patient) -> None:
    found = examine(patient.system)
    assert [one for one in found if one.word is not Word.OK] == []
    assert {one.tenant for one in found} == {"", "acme"}
    assert len({one.name for one in found}) == len(found) > 15


def test_what_is_not_ok_says_what_mends_it() -> None:
    def of(number: float) -> Finding:
        return judged("a", number, Bounds(warn=1, bad=10), unit="u", mend="do it")

    assert [(of(n).word, of(n).bound, of(n).mend) for n in (0.9, 1, 9.9, 10)] == [
        (Word.OK, 1, ""),
        (Word.WARN, 1, "do it"),
        (Word.WARN, 1, "do it"),
        (Word.BAD, 10, "do it"),
    ]


def test_a_missing_migration_is_bad_and_no_tenant_is_looked_at(patient: Patient) -> None:
    with patient.database.direct() as connection:
        connection.execute("DELETE FROM t_acme.migrations WHERE name = '0018_long_life'")
    found = patient.finding("migrations")
    assert (found.word, found.number, found.seen) == (Word.BAD, 1, "t_acme/0018_long_life")
    assert {one.tenant for one in examine(patient.system)} == {""}


def test_a_migration_that_was_changed_is_bad_and_another_run_would_not_mend_it(
    patient: Patient,
) -> None:
    with patient.database.direct() as connection:
        connection.execute("UPDATE t_acme.migrations SET checksum = 'x' WHERE name = '0001_log'")
    found = patient.finding("migrations")
    assert found.word is Word.BAD
    assert "t_acme/0001_log was changed" in found.seen
    assert found.mend.startswith("restore the file")


def test_a_long_transaction_is_named(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_OLDEST", server._OLDEST.replace("clock_timestamp()", _LATER))
    with patient.database.direct() as other:
        other.execute("SET idle_in_transaction_session_timeout = 0")
        other.execute("BEGIN")
        other.execute("SELECT 1")
        found = patient.finding("long transactions")
        assert found.word is Word.BAD
        assert str(other.info.backend_pid) in found.seen
        assert str(other.info.backend_pid) in found.mend


def test_an_index_that_was_left_half_built_is_named(patient: Patient) -> None:
    patient.run("INSERT INTO {s}.lanes VALUES ('a', 'x', now()), ('b', 'x', now())")
    with patient.database.direct() as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY half ON t_acme.lanes (key)")
    found = patient.finding("invalid indexes")
    assert (found.word, found.seen) == (Word.BAD, "t_acme.half")


def test_a_table_that_a_migration_given_up_left_closing_is_bad_until_it_is_run_again(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "deliveries soon refused"
    (text,) = (each for each in migrations("tenant") if each.name == "0018_long_life")
    with own_database(database_url) as fresh:
        url = make_conninfo(database_url, dbname=fresh)
        for patient in _patient(database_url, ServerUrls(url, redis_url), tmp_path):
            with monkeypatch.context() as patch:
                patch.setattr(running, "migrations", _before_long_life)
                migrate(patient.database)
                create_tenant(patient.database, ACME, tag="t-1")
            assert patient.word_of(name) is Word.OK
            with patient.database.direct() as connection:
                for step in text.steps[:2]:
                    running._step(connection, schema_of(ACME), step)
            found = patient.finding(name)
            monday = patient.database.now() + timedelta(days=14)
            monday -= timedelta(days=monday.weekday())
            told = f"t_acme.webhook_deliveries takes none from {monday:%Y-%m-%d} on"
            assert (found.word, found.number, found.seen) == (Word.BAD, 1, told)
            assert "antiphon migrate again" in found.mend
            migrate(patient.database)
            assert patient.word_of(name) is Word.OK


def _before_long_life(kind: str) -> list[Migration]:
    return [each for each in migrations(kind) if kind != "tenant" or each.name < "0018"]


def test_the_slowest_statement_is_named_by_its_text_without_values(patient: Patient) -> None:
    name = "slow statements"
    assert patient.finding(name).seen == "pg_stat_statements is not there"
    with patient.database.direct() as connection:
        if connection.execute("SHOW shared_preload_libraries").fetchone() == ("",):
            pytest.skip("the server given counts no statements")
        connection.execute("CREATE EXTENSION pg_stat_statements SCHEMA control")
        connection.execute("SELECT control.pg_stat_statements_reset()")
        for _ in range(10):
            connection.execute("SELECT count(*) FROM generate_series(1, 50000) AS n")
    found = patient.finding(name)
    assert found.number is not None
    assert found.number > 0
    assert found.seen.startswith("10 calls: SELECT count(*) FROM generate_series($1, $2) AS n")


def test_dead_rows_and_a_vacuum_that_does_not_come_are_seen(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROWS_MIN", 100)
    with patient.database.direct() as connection:
        connection.execute("ALTER TABLE t_acme.lanes SET (autovacuum_enabled = off)")
        connection.execute(
            "INSERT INTO t_acme.lanes SELECT 'a', n::text, now() FROM generate_series(1, 1000) n"
        )
        connection.execute("UPDATE t_acme.lanes SET until = now()")
        connection.execute("SELECT pg_stat_force_next_flush()")
    dead, late = patient.finding("dead rows"), patient.finding("autovacuum")
    assert (dead.word, dead.number) == (Word.BAD, 0.5)
    assert dead.seen == "lanes: 1000 dead rows"
    assert late.word is Word.WARN
    with patient.database.direct() as connection:
        connection.execute("VACUUM t_acme.lanes")
        connection.execute("SELECT pg_stat_force_next_flush()")
    assert patient.word_of("dead rows") is Word.OK
    assert patient.word_of("autovacuum") is Word.OK


def test_an_index_that_outgrew_its_entries_is_seen(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "INDEX_BYTES_MIN", 8192 * 4)
    with patient.database.direct() as connection:
        connection.execute(
            "INSERT INTO t_acme.lanes SELECT 'a', n::text, now() FROM generate_series(1, 20000) n"
        )
        connection.execute("VACUUM ANALYZE t_acme.lanes")
        assert patient.word_of("index bloat") is Word.OK
        connection.execute("DELETE FROM t_acme.lanes WHERE key::integer % 20 > 0")
        connection.execute("VACUUM ANALYZE t_acme.lanes")
    found = patient.finding("index bloat")
    assert found.word is Word.BAD
    assert found.seen.startswith("lanes_pkey")
    with patient.database.direct() as connection:
        connection.execute("REINDEX INDEX t_acme.lanes_pkey")
        connection.execute("ANALYZE t_acme.lanes")
    assert patient.word_of("index bloat") is Word.OK


@pytest.mark.parametrize("kind", ["reports", "messages", "timers", "errands"])
def test_work_that_waits_too_long_is_seen(patient: Patient, kind: str) -> None:
    assert patient.word_of(f"due {kind}") is Word.OK
    patient.run(_WAITING[kind])
    found = patient.finding(f"due {kind}")
    assert found.word is Word.WARN
    assert found.number is not None
    assert 120 <= found.number < 900


def test_what_was_set_aside_is_counted(patient: Patient) -> None:
    patient.run(
        "INSERT INTO {s}.projection_poison (projection, position, stream_id, topic, error) "
        "VALUES ('p', 1, gen_random_uuid(), 't', 'e')"
    )
    patient.run(
        "INSERT INTO {s}.webhook_inbox (delivery_id, item, provider, kind, semantic_key, raw, "
        "received_at, state, reason) VALUES (gen_random_uuid(), 1, 'p', 'open', 'k', 'x', "
        "now() - interval '2 days', 'parked', 'no time')"
    )
    assert patient.word_of("poisoned facts") is Word.BAD
    assert patient.word_of("dead letters") is Word.WARN


def test_partitions_that_nobody_made_or_dropped_are_seen(patient: Patient) -> None:
    with patient.database.direct() as connection:
        for (name,) in connection.execute(_WEEKS).fetchall():
            connection.execute(SQL("DROP TABLE {}").format(Identifier("t_acme", name)))
        assert patient.word_of("partitions ahead") is Word.WARN
        connection.execute(_DETACH)
        assert patient.word_of("partitions ahead") is Word.WARN
        long_ago = (patient.database.now() - timedelta(days=40)).isoformat()
        connection.execute(SQL(_ATTACH).format(long_ago))
    assert patient.finding("partitions overdue").seen == "webhook_deliveries_first"
    patient.run(
        "INSERT INTO {s}.webhook_deliveries (delivery_id, provider, received_at, headers, body) "
        "SELECT gen_random_uuid(), 'p', now() - i * interval '34 days', '{{}}', 'x' "
        "FROM generate_series(0, 1) AS i"
    )
    assert patient.finding("partition of the rest").number == 2
    assert patient.finding("retention").seen == "webhook_deliveries_rest"
    keep_up(patient.database, ACME, DEFAULT.raw)
    assert patient.word_of("partitions ahead") is Word.OK
    assert patient.word_of("partitions overdue") is Word.OK


def test_a_retention_that_cannot_be_read_is_bad(patient: Patient) -> None:
    set_periods(patient.database, ACME, replace(DEFAULT, raw_days=1))
    found = patient.finding("retention")
    assert found.word is Word.BAD
    assert "raw_days" in found.seen


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def command(patient: Patient, redis_url: str, tmp_path: Path) -> Cli:
    with patient.database.direct() as connection:
        info = connection.info
        url = f"postgresql://{info.user}@/{info.dbname}?host={info.host}&port={info.port}"
    settings = {"DATABASE_URL": url, "REDIS_URL": redis_url, "PEPPER": "p" * 32}
    return Cli(tmp_path, {f"ANTIPHON_{key}": value for key, value in settings.items()})


def test_the_command_prints_all_and_ends_with_whether_it_is_well(
    command: Cli, patient: Patient
) -> None:
    told = command.json("doctor")
    assert told["well"] is True
    assert len(told["findings"]) == len(examine(patient.system))
    assert set(told["findings"][0]) == {
        *("name", "word", "number", "bound", "unit", "seen", "mend", "tenant")
    }
    patient.run(
        "INSERT INTO {s}.projection_poison (projection, position, stream_id, topic, error) "
        "VALUES ('p', 1, gen_random_uuid(), 't', 'e')"
    )
    assert command.json("doctor", code=1)["well"] is False
    shown = command("doctor")
    assert shown.exit_code == 1
    assert "poisoned facts" in shown.stdout
    assert "antiphon check acme" in shown.stdout
    assert "not well" in shown.stdout


def test_the_periods_of_a_tenant_are_shown_and_changed(command: Cli, patient: Patient) -> None:
    assert command.json("tenant", "retention", "acme") == {"raw_days": 30, "texts_days": 365}
    assert command.json("tenant", "retention", "acme", "--raw-days", "14")["raw_days"] == 14
    told = command.json("tenant", "retention", "acme", "--texts-days", "90")
    assert told == {"raw_days": 14, "texts_days": 90}
    assert command("tenant", "retention", "acme", "--raw-days", "6").exit_code == 2
    (tenant,) = patient.database.tenants()
    assert json.loads(json.dumps(tenant.settings))["retention"] == told


def test_numbers_are_told_short() -> None:
    assert [_told(n) for n in (None, 0.0, 1.5, 1234567.0, 0.123)] == [
        *("-", "0", "1.5", "1,234,567", "0.123")
    ]


_LATER = "(clock_timestamp() + interval '1 hour')"
_WEEKS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 't_acme.webhook_deliveries'::regclass
   AND c.relname ~ '_[0-9]+$'
"""
_DETACH = "ALTER TABLE t_acme.webhook_deliveries DETACH PARTITION t_acme.webhook_deliveries_first"
_ATTACH: LiteralString = """
ALTER TABLE t_acme.webhook_deliveries ATTACH PARTITION t_acme.webhook_deliveries_first
  FOR VALUES FROM (MINVALUE) TO ({})
"""
_WAITING: dict[str, LiteralString] = {
    "reports": """
INSERT INTO {s}.webhook_inbox (delivery_id, item, provider, kind, semantic_key, raw, received_at)
VALUES (gen_random_uuid(), 1, 'p', 'open', 'k', 'x', now() - interval '2 minutes')
""",
    "messages": """
INSERT INTO {s}.send_queue (message_id, stream_id, campaign_id, contact_id, dedupe_key, node, visit,
                            channel, state, due_at, not_before, expires_at, planned_at)
SELECT i, i, i, i, 'k', 'n', 1, 'email', 'QUEUED', t, t, t, t
  FROM (SELECT gen_random_uuid() AS i, now() - interval '2 minutes' AS t) AS x
""",
    "timers": """
INSERT INTO {s}.timers (timer_id, stream_id, scope, kind, node, visit, index, due_at)
VALUES (gen_random_uuid(), gen_random_uuid(), 'node', 'k', 'n', 1, 0, now() - interval '2 minutes')
""",
    "errands": """
INSERT INTO {s}.errands (errand_id, stream_id, version, kind, node, visit, requested_at)
VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'notify', 'n', 1, now() - interval '2 minutes')
""",
}
