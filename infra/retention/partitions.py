"""Raw deliveries by week: partitions are made ahead, and dropped when their time is over.

A row for which there is no partition goes into the one named `_rest`, so that nothing is lost when
nobody has made any. What came there stays there until its time is over, too.
"""

import re
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal

from domain.ids import TenantId, schema_of
from infra.tenancy import Database, role_of

TABLE = "webhook_deliveries"
REST = "webhook_deliveries_rest"
WEEK = timedelta(days=7)
WEEKS_AHEAD = 4
LOCK_TIMEOUT = "1s"
"""Deliveries that arrive wait behind us while we wait; what cannot be had is tried again."""

_BOUND = re.compile(r"FROM \((?:MINVALUE|'([^']+)')\) TO \('([^']+)'\)")


class Partition(msgspec.Struct, frozen=True):
    """A table of deliveries from `begins` (None: ever) to before `ends` (None: the rest)."""

    name: str
    begins: datetime | None
    ends: datetime | None


class KeptUp(msgspec.Struct, frozen=True):
    """What was made and what was dropped."""

    made: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def keep_up(database: Database, tenant: TenantId, kept: timedelta) -> KeptUp:
    """Make the partitions of the weeks ahead, drop those that are wholly older than `kept`.

    Needs the rights of the owner of the schema. Safe to repeat and to run twice at once.
    """
    schema = schema_of(tenant)
    with closing(database.direct()) as connection:
        connection.execute(SQL("SET lock_timeout = {}").format(Literal(LOCK_TIMEOUT)))
        if not _one(connection, _TURN, (f"{schema}.{TABLE}",)):
            return KeptUp()  # somebody else is at it
        found = partitions(connection, schema)
        if not found:
            return KeptUp()  # not migrated yet
        now: datetime = _one(connection, "SELECT now()")
        made = [
            _make(connection, tenant, begins) for begins in weeks_missing(found, now, WEEKS_AHEAD)
        ]
        old = [one.name for one in found if one.ends is not None and one.ends <= now - kept]
        for name in old:
            connection.execute(SQL("DROP TABLE {}").format(Identifier(schema, name)))
    return KeptUp(tuple(made), tuple(old))


def partitions(connection: Connection[TupleRow], schema: str) -> list[Partition]:
    """The partitions of a tenant's deliveries by time, the rest last; none before the migration."""
    table = Identifier(schema, TABLE).as_string(connection)
    found = [
        _read(name, bound) for name, bound in connection.execute(_PARTITIONS, (table,)).fetchall()
    ]
    return sorted(found, key=lambda one: (one.ends is None, one.ends))


def weeks_missing(found: Sequence[Partition], now: datetime, ahead: int) -> list[datetime]:
    """The beginnings of the weeks up to `ahead` weeks from now that have no partition yet.

    A week that has begun without one is left to the rest, where its rows are already.
    """
    monday = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=now.weekday())
    end = max((one.ends for one in found if one.ends is not None), default=monday)
    begins = end if end > monday else monday + WEEK
    missing = []
    while begins <= now + ahead * WEEK:
        missing.append(begins)
        begins += WEEK
    return missing


def _make(connection: Connection[TupleRow], tenant: TenantId, begins: datetime) -> str:
    """Made by itself and then attached: deliveries go on coming in meanwhile."""
    schema = schema_of(tenant)
    name = f"{TABLE}_{begins:%Y%m%d}"
    names = {
        "table": Identifier(schema, TABLE),
        "fresh": Identifier(schema, name),
        "role": Identifier(role_of(tenant)),
        "begins": Literal(begins.isoformat()),
        "ends": Literal((begins + WEEK).isoformat()),
    }
    with connection.transaction():
        for text in (_MAKE, _GRANT, _ATTACH):
            connection.execute(text.format(**names))
    return name


def _read(name: str, bound: str) -> Partition:
    found = _BOUND.search(bound)
    if found is None:
        return Partition(name, None, None)
    begins, ends = found.groups()
    return Partition(
        name, datetime.fromisoformat(begins) if begins else None, datetime.fromisoformat(ends)
    )


def _one(connection: Connection[TupleRow], text: str, values: tuple[object, ...] = ()) -> Any:  # noqa: ANN401  # one value of SQL
    row = connection.execute(text, values).fetchone()
    assert row is not None
    return row[0]


_TURN = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"

_PARTITIONS = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = to_regclass(%s)
"""

_MAKE = SQL("CREATE TABLE {fresh} (LIKE {table} INCLUDING DEFAULTS INCLUDING INDEXES)")
_GRANT = SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {fresh} TO {role}")
_ATTACH = SQL("ALTER TABLE {table} ATTACH PARTITION {fresh} FOR VALUES FROM ({begins}) TO ({ends})")
