"""One instant of a tenant, read only: all invariants are judged on the same rows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import Connection, Cursor, IsolationLevel
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.invariants.finding import EXAMPLES_MAX, Finding
from infra.statements import Row, composed
from infra.tenancy import Database, UnknownTenant, role_of

_SETTINGS = """
SET statement_timeout = '10min';
SET idle_in_transaction_session_timeout = '10min';
SET work_mem = '256MB';
SET temp_buffers = '256MB';
SET parallel_tuple_cost = 0.001;
SET jit = off
"""

_EXAMPLES = SQL("""
SELECT count(*) OVER (), example FROM ({broken}) AS b (example)
 ORDER BY example COLLATE "C" LIMIT {limit}
""")

SKEW = timedelta(seconds=5)

Params = Mapping[str, Any]


class Query(msgspec.Struct, frozen=True):
    """An invariant in SQL: how many rows it is about, and a readable line for each violation."""

    id: str
    title: str
    examined: LiteralString
    broken: LiteralString


class Snapshot:
    """The rows of one tenant as they were at one instant."""

    def __init__(self, tenant: TenantId, curs: Cursor[TupleRow]) -> None:
        self.tenant = tenant
        self.schema = schema_of(tenant)
        self.curs = curs

    def rows(self, text: LiteralString, params: Params | None = None) -> list[Row]:
        """What a statement returns; `{s}` in it is the tenant's schema."""
        self.curs.execute(composed(self.schema, text), params or {})
        return self.curs.fetchall()

    def run(self, text: LiteralString, params: Params | None = None) -> None:
        """Write to temporary tables."""
        self.curs.execute(composed(self.schema, text), params or {})

    def number(self, text: LiteralString, params: Params | None = None) -> int:
        """The one number that a statement returns."""
        return int(self.rows(text, params)[0][0])

    def instant(self) -> str:
        """The name by which other sessions see the same rows, as long as this one is open."""
        return str(self.rows("SELECT pg_export_snapshot()")[0][0])

    def seal(self) -> None:
        """From now on write to temporary tables only."""
        self.curs.execute("SET TRANSACTION READ ONLY")

    def ask(self, query: Query, params: Params) -> Finding:
        """Judge one invariant."""
        examined = self.number(query.examined, params)
        broken = _EXAMPLES.format(broken=composed(self.schema, query.broken), limit=EXAMPLES_MAX)
        found = self.curs.execute(broken, params).fetchall()
        number = int(found[0][0]) if found else 0
        examples = tuple(str(row[1]) for row in found)
        return Finding(query.id, query.title, examined, number, examples)


@contextmanager
def snapshot(
    database: Database, tenant: TenantId, *, instant: str | None = None
) -> Iterator[Snapshot]:
    """A transaction with the rights of the tenant, at an instant that another one has told.

    It makes its temporary tables, and is to be sealed then.
    """
    with database.direct() as connection:
        connection.execute(_SETTINGS)
        _become(connection, tenant)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with connection.transaction(), connection.cursor() as curs:
            if instant is not None:
                curs.execute(SQL("SET TRANSACTION SNAPSHOT {}").format(instant))
            yield Snapshot(tenant, curs)


def _become(connection: Connection[TupleRow], tenant: TenantId) -> None:
    role = role_of(tenant)
    try:
        connection.execute(SQL("SET ROLE {}").format(Identifier(role)))
    except psycopg.errors.InvalidParameterValue as error:
        raise UnknownTenant(f"no database role {role}: add the tenant or migrate") from error


def all_of(taken: Snapshot, queries: Sequence[Query], params: Params) -> list[Finding]:
    """Judge invariants one after another."""
    return [taken.ask(query, params) for query in queries]
