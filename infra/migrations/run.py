"""Brings the control schema and every tenant's schema to the version of this release."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from domain.ids import TenantId, schema_of
from infra.migrations.analysts import grant_analyst
from infra.migrations.patience import PATIENT, Patience, alone, settle
from infra.tenancy import CONTROL, CONTROL_ROLE, Database, role_of

SERVER_VERSION_MIN = 150000
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

_STEP = re.compile(r"^-- step\b.*$", re.MULTILINE)
_UNLESS = re.compile(r"^-- unless: (.+)$", re.MULTILINE)
_BESIDE = re.compile(r"\bINDEX CONCURRENTLY IF NOT EXISTS (\w+)")
_DIRECTORY = """
CREATE TABLE IF NOT EXISTS {schema}.migrations (
    name        text PRIMARY KEY,
    checksum    text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
)
"""
_READ_AND_WRITE = """
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
REVOKE INSERT, UPDATE, DELETE ON {schema}.migrations FROM {role};
"""
# Of tables that are there: rights are also given between the files of an upgrade.
_ONLY_APPEND = """
DO $$
DECLARE
    log name;
BEGIN
    FOREACH log IN ARRAY ARRAY['events', 'account_events', 'admin_events', 'audit_checkpoints'] LOOP
        IF to_regclass('{schema}.' || log) IS NOT NULL THEN
            EXECUTE format('REVOKE UPDATE, DELETE ON {schema}.%I FROM {role}', log);
        END IF;
    END LOOP;
END $$;
REVOKE UPDATE ON {schema}.consents FROM {role};
"""


class MigrationChanged(Exception):
    """A migration file is not what was applied under its name."""


class TenantNameInvalid(Exception):
    """The name cannot be part of a schema's name."""


class DatabaseTooOld(Exception):
    """The server is older than what the migrations need."""


class Migration(msgspec.Struct, frozen=True):
    """One numbered file; `{schema}` and `{role}` in it stand for those it is applied to.

    A file with lines `-- step` is applied step by step, each in a transaction of its own: then no
    lock of one step is held during the next one, and indexes can be built beside the work. Each
    step is written so that it can be repeated; where a later step leaves nothing to repeat, a line
    `-- unless: SELECT ...` in it says when that is so.
    """

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """By this a changed file is noticed."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def steps(self) -> list[str]:
        """What is between its lines `-- step`; nothing for a file that is one transaction."""
        return _STEP.split(self.text)[1:]


def migrations(kind: str) -> list[Migration]:
    """The files for `control` or for a `tenant`, in order."""
    found = [
        Migration(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for file in files("infra.migrations").joinpath(kind).iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.name)


def migrate(database: Database, *, check: bool = False, patience: Patience = PATIENT) -> list[str]:
    """Apply what is missing, one transaction a file or a step; the names of what was missing.

    Others work meanwhile: nobody waits for a migration longer than it waits for its locks. With
    `check` nothing is changed. A changed file is an error before its schema is touched.
    """
    with _owner(database) as connection:
        if check:
            missing = _missing(connection, CONTROL, "control")
            for tenant in _tenants(connection):
                missing += _missing(connection, schema_of(tenant), "tenant")
            return [name for name, _ in missing]
        with alone(connection, patience):
            applied = _bring(connection, CONTROL, "control", patience)
            for tenant in _tenants(connection):
                applied += _bring(connection, schema_of(tenant), "tenant", patience)
            return applied


def create_tenant(
    database: Database,
    tenant: TenantId,
    *,
    tag: str,
    policy: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> bool:
    """Make a tenant with its schema and role, all or nothing; False when it is there already."""
    if not NAME.fullmatch(tenant):
        raise TenantNameInvalid(
            f"{tenant!r}: a tenant's name has up to 40 small letters, digits and underscores "
            "and begins with a letter"
        )
    row = (tenant, tag, Jsonb(dict(policy or {})), Jsonb(dict(settings or {})))
    schema = schema_of(tenant)
    with _owner(database) as connection, alone(connection):
        with connection.transaction():
            inserted = connection.execute(
                "INSERT INTO control.tenants (name, tag, policy, settings) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT (name) DO NOTHING",
                row,
            )
            if not _exists(connection, schema, "migrations"):
                _make(connection, schema, migrations("tenant"))
        _bring(connection, schema, "tenant", PATIENT)
        return inserted.rowcount == 1


def grant_tenant(connection: Connection[TupleRow], tenant: TenantId) -> None:
    """Give the tenant's role its rights to all tables of its schema as they are now."""
    _grant(connection, schema_of(tenant), role_of(tenant))


@contextmanager
def _owner(database: Database) -> Iterator[Connection[TupleRow]]:
    with database.direct() as connection:
        if connection.info.server_version < SERVER_VERSION_MIN:
            raise DatabaseTooOld("antiphon needs PostgreSQL 15 or newer")
        connection.execute("SET statement_timeout = 0")  # an index on a big log takes its time
        yield connection


def _tenants(connection: Connection[TupleRow]) -> list[TenantId]:
    if not _exists(connection, CONTROL, "tenants"):
        return []
    query = "SELECT name FROM control.tenants ORDER BY name"
    return [TenantId(name) for (name,) in connection.execute(query)]


def _missing(
    connection: Connection[TupleRow], schema: str, kind: str
) -> list[tuple[str, Migration]]:
    pending = _pending(connection, schema, migrations(kind))
    return [(f"{schema}/{migration.name}", migration) for migration in pending]


def _bring(
    connection: Connection[TupleRow], schema: str, kind: str, patience: Patience
) -> list[str]:
    """Apply what is missing; a schema that is not there yet is made whole or not at all."""
    missing = _missing(connection, schema, kind)
    if missing and not _exists(connection, schema, "migrations"):
        with connection.transaction():
            _make(connection, schema, [migration for _, migration in missing])
        return [name for name, _ in missing]
    for name, migration in missing:
        _apply(connection, schema, name, migration, patience)
    return [name for name, _ in missing]


def _pending(
    connection: Connection[TupleRow], schema: str, known: list[Migration]
) -> list[Migration]:
    applied = _applied(connection, schema)
    for migration in known:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise MigrationChanged(
                f"{schema}/{migration.name} was changed after it was applied: restore the file and "
                "put the change into a new one"
            )
    return [migration for migration in known if migration.name not in applied]


def _applied(connection: Connection[TupleRow], schema: str) -> dict[str, str]:
    if not _exists(connection, schema, "migrations"):
        return {}
    query = SQL("SELECT name, checksum FROM {}.migrations").format(Identifier(schema))
    return dict(connection.execute(query).fetchall())


def _make(connection: Connection[TupleRow], schema: str, known: list[Migration]) -> None:
    """In one transaction: nobody uses these tables yet, so that no index has to be built beside."""
    role = _role_in(schema)
    _make_role(connection, role)
    _format(connection, "CREATE SCHEMA IF NOT EXISTS {schema}", schema, role)
    _format(connection, _DIRECTORY, schema, role)
    for migration in known:
        _format(connection, migration.text.replace(" CONCURRENTLY", ""), schema, role)
        _note(connection, schema, migration)
    _grant(connection, schema, role)


def _apply(
    connection: Connection[TupleRow],
    schema: str,
    name: str,
    migration: Migration,
    patience: Patience,
) -> None:
    """Apply a file while others work; where it is cut off, the next run goes on from there."""
    role = _role_in(schema)

    def finish() -> None:
        with connection.transaction():
            if not migration.steps:
                _format(connection, migration.text, schema, role)
            _note(connection, schema, migration)
            _grant(connection, schema, role)

    for number, step in enumerate(migration.steps, 1):
        what = f"{name}, step {number}"
        settle(connection, schema, what, partial(_step, connection, schema, step), patience)
    settle(connection, schema, name, finish, patience)


def _step(connection: Connection[TupleRow], schema: str, step: str) -> None:
    if _needless(connection, schema, step):
        return
    beside = _BESIDE.search(step)
    if beside is not None:
        # Waits for all that began before, and nobody waits for it meanwhile.
        connection.execute("SET lock_timeout = 0")
        _drop_half_built(connection, schema, beside[1])
    _format(connection, step, schema, _role_in(schema))


def _needless(connection: Connection[TupleRow], schema: str, step: str) -> bool:
    """A file that was cut off begins anew, and a step may meet what a later one has made of it."""
    unless = _UNLESS.search(step)
    if unless is None:
        return False
    row = connection.execute(SQL(unless[1]).format(schema=Identifier(schema))).fetchone()
    return row is not None and bool(row[0])


def _drop_half_built(connection: Connection[TupleRow], schema: str, index: str) -> None:
    """What a run that was cut off has left is there by name, and of no use."""
    left = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid"
    name = Identifier(schema, index)
    if connection.execute(left, (name.as_string(connection),)).fetchone() is not None:
        connection.execute(SQL("DROP INDEX CONCURRENTLY {}").format(name))


def _note(connection: Connection[TupleRow], schema: str, migration: Migration) -> None:
    noted = SQL("INSERT INTO {}.migrations (name, checksum) VALUES (%s, %s)")
    row = (migration.name, migration.checksum)
    connection.execute(noted.format(Identifier(schema)), row)


def _role_in(schema: str) -> str:
    return CONTROL_ROLE if schema == CONTROL else role_of(TenantId(schema.removeprefix("t_")))


def _make_role(connection: Connection[TupleRow], role: str) -> None:
    """Roles belong to the whole server: another database on it may have made this one."""
    make = SQL("CREATE ROLE {} NOLOGIN").format(Identifier(role))
    with suppress(psycopg.errors.DuplicateObject), connection.transaction():
        connection.execute(make)
    connection.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(role)))


def _grant(connection: Connection[TupleRow], schema: str, role: str) -> None:
    _format(connection, _READ_AND_WRITE, schema, role)
    if schema != CONTROL:
        _format(connection, _ONLY_APPEND, schema, role)
        grant_analyst(connection, schema)


def _format(connection: Connection[TupleRow], text: str, schema: str, role: str) -> None:
    """Run a text of this package; both names go in quoted."""
    statement = SQL(text).format(schema=Identifier(schema), role=Identifier(role))
    connection.execute(statement)


def _exists(connection: Connection[TupleRow], schema: str, table: str) -> bool:
    query = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s"
    return connection.execute(query, (schema, table)).fetchone() is not None
