"""The texts of the statements that write rows, each made once for its table and columns."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from psycopg.sql import SQL, Composable, Composed, Identifier

from projections.projection import Table

Names = tuple[str, ...]

_PUT = SQL(
    "INSERT INTO {table} AS t ({columns}) SELECT * FROM unnest({arrays}) "
    "ON CONFLICT ({key}) DO {do}"
)
_MOVE = SQL(
    "UPDATE {table} AS t SET {sets} FROM unnest({arrays}) AS v ({columns}) "
    "WHERE {same} RETURNING {key}"
)
_CLEAR = SQL("DELETE FROM {table} AS t USING unnest({arrays}) AS v ({columns}) WHERE {same}")
_FIND = SQL("SELECT {columns} FROM {table} AS t WHERE {same}")


class Named(NamedTuple):
    """Everything that a statement's text depends on; hashable, so that texts are made once."""

    schema: str
    table: str
    key: Names
    columns: Names
    types: Names


def named(schema: str, table: Table, columns: Names) -> Named:
    """These columns of a table."""
    types = tuple(table.columns[name] for name in columns)
    return Named(schema, table.name, table.key, columns, types)


@lru_cache(maxsize=4096)
def put_text(names: Named) -> bytes:
    """Write whole rows, whether they are there or not."""
    return _insert_text(names, lambda name: SQL("EXCLUDED.{}").format(name)).as_bytes(None)


@lru_cache(maxsize=4096)
def add_text(names: Named) -> bytes:
    """Add to counters, which begin at nought."""
    added = _insert_text(names, lambda name: SQL("t.{0} + EXCLUDED.{0}").format(name))
    return added.as_bytes(None)


def _insert_text(names: Named, value: Callable[[Identifier], Composable]) -> Composed:
    rest = [Identifier(name) for name in names.columns if name not in names.key]
    sets = SQL(", ").join(SQL("{} = {}").format(name, value(name)) for name in rest)
    return _PUT.format(
        table=Identifier(names.schema, names.table),
        columns=_listed(names.columns),
        arrays=_typed(names),
        key=_listed(names.key),
        do=SQL("UPDATE SET {}").format(sets) if rest else SQL("NOTHING"),
    )


@lru_cache(maxsize=4096)
def move_text(names: Named, expected: tuple[tuple[str, str], ...]) -> bytes:
    """Change rows that are there, and are as expected: their keys say which were."""
    rest = [Identifier(name) for name in names.columns if name not in names.key]
    # CASE hides this from the indexes and from the statistics. Where these are old, the planner
    # took an index of the state for a few rows that the key finds; or it took the whole table for
    # one row, since there were none of that state, and compared each with every key.
    as_expected = [
        SQL("CASE WHEN t.{} = ANY (%b::{}[]) THEN true END").format(Identifier(name), _type(kind))
        for name, kind in expected
    ]
    return _MOVE.format(
        table=Identifier(names.schema, names.table),
        sets=SQL(", ").join(SQL("{0} = v.{0}").format(name) for name in rest),
        arrays=_typed(names),
        columns=_listed(names.columns),
        same=SQL(" AND ").join([*_same(names.key), *as_expected]),
        key=SQL(", ").join(SQL("t.{}").format(Identifier(name)) for name in names.key),
    ).as_bytes(None)


@lru_cache(maxsize=4096)
def clear_text(names: Named) -> bytes:
    """Delete all rows with these values."""
    return _CLEAR.format(
        table=Identifier(names.schema, names.table),
        arrays=_typed(names),
        columns=_listed(names.columns),
        same=SQL(" AND ").join(_same(names.columns)),
    ).as_bytes(None)


@lru_cache(maxsize=4096)
def find_text(names: Named, asked: Names) -> bytes:
    """What a row has in some columns."""
    tests = (
        SQL("t.{} = %s::{}").format(Identifier(name), _type(kind))
        for name, kind in zip(names.columns, names.types, strict=True)
    )
    return _FIND.format(
        columns=_listed(asked),
        table=Identifier(names.schema, names.table),
        same=SQL(" AND ").join(tests),
    ).as_bytes(None)


def _listed(columns: Names) -> Composed:
    return SQL(", ").join(map(Identifier, columns))


def _typed(names: Named) -> Composed:
    return SQL(", ").join(SQL("%b::{}[]").format(_type(kind)) for kind in names.types)


def _type(kind: str) -> Identifier:
    return Identifier("pg_catalog", _CATALOG.get(kind, kind))


_CATALOG = {"integer": "int4", "bigint": "int8"}


def _same(columns: Names) -> list[Composed]:
    return [SQL("t.{0} = v.{0}").format(Identifier(name)) for name in columns]
