"""Brings the control schema and every tenant's schema to the version of this release."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
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
from infra.tenancy import CONTROL, CONTROL_ROLE, Database, role_of

SERVER_VERSION_MIN = 150000
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('antiphon.migrations', 0))"
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
_ONLY_APPEND = """
REVOKE UPDATE, DELETE ON {schema}.events, {schema}.account_events FROM {role};
REVOKE UPDATE ON {schema}.consents FROM {role};
"""


class MigrationChanged(Exception):
    """A migration file is not what was applied under its name."""


class TenantNameInvalid(Exception):
    """The name cannot be part of a schema's name."""


class DatabaseTooOld(Exception):
    """The server is older than what the migrations need."""


class Migration(msgspec.Struct, frozen=True):
    """One numbered file; `{schema}` in it stands for the schema it is applied to."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """By this a changed file is noticed."""
        return sha256(self.text.encode()).hexdigest()


def migrations(kind: str) -> list[Migration]:
    """The files for `control` or for a `tenant`, in order."""
    found = [
        Migration(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for file in files("infra.migrations").joinpath(kind).iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.name)


def migrate(database: Database, *, check: bool = False) -> list[str]:
    """Apply what is missing, one transaction a schema; the names of what was missing.

    With `check` nothing is changed. A changed file is an error before its schema is touched.
    """
    with _owner(database) as connection:
        missing = _bring(connection, CONTROL, "control", check=check)
        for tenant in _tenants(connection):
            missing += _bring(connection, schema_of(tenant), "tenant", check=check)
    return missing


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
    with _owner(database) as connection, connection.transaction():
        connection.execute(_LOCK)
        row = (tenant, tag, Jsonb(dict(policy or {})), Jsonb(dict(settings or {})))
        inserted = connection.execute(
            "INSERT INTO control.tenants (name, tag, policy, settings) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (name) DO NOTHING",
            row,
        )
        _bring(connection, schema_of(tenant), "tenant", check=False)
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
        connection.execute("SET lock_timeout = '60s'")
        yield connection


def _tenants(connection: Connection[TupleRow]) -> list[TenantId]:
    if not _exists(connection, CONTROL, "tenants"):
        return []
    query = "SELECT name FROM control.tenants ORDER BY name"
    return [TenantId(name) for (name,) in connection.execute(query)]


def _bring(connection: Connection[TupleRow], schema: str, kind: str, *, check: bool) -> list[str]:
    """Look under the lock, so that two runs at the same time apply each file once."""
    with connection.transaction():
        if not check:
            connection.execute(_LOCK)
        pending = _pending(connection, schema, migrations(kind))
        if pending and not check:
            _apply(connection, schema, pending)
    return [f"{schema}/{migration.name}" for migration in pending]


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


def _apply(connection: Connection[TupleRow], schema: str, pending: list[Migration]) -> None:
    role = CONTROL_ROLE if schema == CONTROL else role_of(TenantId(schema.removeprefix("t_")))
    _make_role(connection, role)
    _format(connection, "CREATE SCHEMA IF NOT EXISTS {schema}", schema, role)
    _format(connection, _DIRECTORY, schema, role)
    noted = SQL("INSERT INTO {}.migrations (name, checksum) VALUES (%s, %s)")
    for migration in pending:
        _format(connection, migration.text, schema, role)
        row = (migration.name, migration.checksum)
        connection.execute(noted.format(Identifier(schema)), row)
    _grant(connection, schema, role)


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


def _format(connection: Connection[TupleRow], text: str, schema: str, role: str) -> None:
    """Run a text of this package; both names go in quoted."""
    statement = SQL(text).format(schema=Identifier(schema), role=Identifier(role))
    connection.execute(statement)


def _exists(connection: Connection[TupleRow], schema: str, table: str) -> bool:
    query = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s"
    return connection.execute(query, (schema, table)).fetchone() is not None
