"""One instant of a tenant, read only: all invariants are judged on the same rows.

The facts are unpacked once into a temporary table, so that no invariant reads the log by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import Connection, Cursor, IsolationLevel
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from domain.ids import TenantId, schema_of
from infra.invariants.finding import EXAMPLES_MAX, Finding
from infra.statements import Row, composed
from infra.tenancy import Database, UnknownTenant, role_of
from projections.registry import ALL

TEMPORARY = "pg_temp"
"""The schema of what exists in this session only."""

_SETTINGS = """
SET statement_timeout = '10min';
SET idle_in_transaction_session_timeout = '2min';
SET work_mem = '64MB';
SET jit = off
"""

_TABLES = """
CREATE TEMPORARY TABLE facts (
    stream uuid NOT NULL, version bigint NOT NULL, position bigint NOT NULL, topic text NOT NULL,
    campaign uuid, message uuid, attempt integer, node text, word text, key text,
    machine boolean NOT NULL, derived boolean NOT NULL, first boolean NOT NULL);
CREATE TEMPORARY TABLE stages (stream uuid PRIMARY KEY, stage text NOT NULL);
CREATE TEMPORARY TABLE looked_at (stream_id uuid PRIMARY KEY);
CREATE FUNCTION pg_temp.fact_of(state bytea) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE fact jsonb;
BEGIN
    fact := convert_from(state, 'UTF8')::jsonb -> 'f';
    PERFORM (fact ->> 'message_id')::uuid, (fact ->> 'attempt')::integer;
    RETURN fact;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$
"""
_LIKE = SQL("CREATE TEMPORARY TABLE {name} (LIKE {live} INCLUDING ALL)")

_FILL = """
INSERT INTO pg_temp.facts
SELECT e.originator_id, e.originator_version, e.notification_id, e.topic, s.campaign_id,
       (f ->> 'message_id')::uuid, (f ->> 'attempt')::integer, f ->> 'node', f ->> 'signal',
       f ->> 'key', coalesce(f ->> 'machine' = 'true', false),
       coalesce(f ->> 'derived' = 'true', false), coalesce(f ->> 'first' = 'true', false)
  FROM {s}.events e LEFT JOIN {s}.streams s ON s.stream_id = e.originator_id
"""
_FAST = _FILL + "CROSS JOIN LATERAL (SELECT convert_from(e.state, 'UTF8')::jsonb -> 'f' AS f) u"
# Ten times slower: an event that is no JSON is left empty here, and told by I28.
_TOLERANT = _FILL + "CROSS JOIN LATERAL (SELECT pg_temp.fact_of(e.state) AS f) u"

_STAGES = """
INSERT INTO pg_temp.stages
SELECT DISTINCT ON (stream) stream,
       CASE topic WHEN 'plan_accepted' THEN 'draft' WHEN 'start_scheduled' THEN 'scheduled'
                  WHEN 'paused' THEN 'paused' WHEN 'completed' THEN 'ended'
                  WHEN 'exited' THEN 'ended' ELSE 'active' END
  FROM pg_temp.facts
 WHERE topic IN ('plan_accepted', 'start_scheduled', 'campaign_started', 'paused', 'resumed',
                 'completed', 'exited')
 ORDER BY stream, version DESC
"""

_EXAMPLES = SQL("""
SELECT count(*) OVER (), example FROM ({broken}) AS b (example)
 ORDER BY example COLLATE "C" LIMIT {limit}
""")

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

    def ask(self, query: Query, params: Params) -> Finding:
        """Judge one invariant."""
        examined = self.number(query.examined, params)
        broken = _EXAMPLES.format(broken=composed(self.schema, query.broken), limit=EXAMPLES_MAX)
        found = self.curs.execute(broken, params).fetchall()
        number = int(found[0][0]) if found else 0
        examples = tuple(str(row[1]) for row in found)
        return Finding(query.id, query.title, examined, number, examples)


@contextmanager
def snapshot(database: Database, tenant: TenantId) -> Iterator[Snapshot]:
    """One read-only transaction with the rights of the tenant; only temporary tables are written."""
    with database.direct() as connection:
        connection.execute(_SETTINGS)
        _become(connection, tenant)
        _make_tables(connection, schema_of(tenant))
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction(), connection.cursor() as curs:
            taken = Snapshot(tenant, curs)
            _unpack(taken)
            yield taken


def _become(connection: Connection[TupleRow], tenant: TenantId) -> None:
    role = role_of(tenant)
    try:
        connection.execute(SQL("SET ROLE {}").format(Identifier(role)))
    except psycopg.errors.InvalidParameterValue as error:
        raise UnknownTenant(f"no database role {role}: add the tenant or migrate") from error


def _make_tables(connection: Connection[TupleRow], schema: str) -> None:
    connection.execute(_TABLES)
    for projection in ALL:
        for table in projection.tables:
            connection.execute(_like(schema, table.name))


def _like(schema: str, table: str) -> Composed:
    return _LIKE.format(name=Identifier(TEMPORARY, table), live=Identifier(schema, table))


def _unpack(taken: Snapshot) -> None:
    try:
        with taken.curs.connection.transaction():
            taken.curs.execute(composed(taken.schema, _FAST))
    except psycopg.DataError:
        taken.curs.execute(composed(taken.schema, _TOLERANT))
    taken.curs.execute(_STAGES)
    for table in ("facts", "stages"):
        taken.curs.execute(SQL("ANALYZE {}").format(Identifier(TEMPORARY, table)))


def all_of(taken: Snapshot, queries: Sequence[Query], params: Params) -> list[Finding]:
    """Judge invariants one after another."""
    return [taken.ask(query, params) for query in queries]
