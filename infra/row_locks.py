"""Takes the rows that changes will touch before the log is locked.

An append that waited for a row while it holds the log would stop the whole tenant, and might wait
for one who wants the log. So rows come first, in one order for all writers, and the log comes last.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from psycopg import Cursor
from psycopg.sql import SQL, Identifier

from domain.ids import StreamId
from projections.projection import Change, Clear, Move, Table

_LOCK = SQL("SELECT 1 FROM {table} WHERE {column} = ANY(%b::uuid[]) ORDER BY {key} FOR UPDATE")


def lock_rows(curs: Cursor[Any], schema: str, changes: Iterable[tuple[StreamId, Change]]) -> None:
    """Wait for every row that these changes move or clear."""
    for table, column, values in _wanted(changes):
        curs.execute(_text(schema, table.name, column, table.key), (values,), prepare=True)


def _wanted(
    changes: Iterable[tuple[StreamId, Change]],
) -> list[tuple[Table, str, list[Any]]]:
    """By table, column and value, each sorted: moved rows by their key, cleared ones by stream."""
    tables: dict[str, Table] = {}
    wanted: defaultdict[tuple[str, str], set[Any]] = defaultdict(set)
    for stream, change in changes:
        tables[change.table.name] = change.table
        if isinstance(change, Move):
            (column,) = change.table.key
            wanted[change.table.name, column].add(change.key[column])
        elif isinstance(change, Clear):
            wanted[change.table.name, "stream_id"].add(stream)
    return [
        (tables[name], column, sorted(values)) for (name, column), values in sorted(wanted.items())
    ]


@lru_cache(maxsize=4096)
def _text(schema: str, table: str, column: str, key: tuple[str, ...]) -> bytes:
    return _LOCK.format(
        table=Identifier(schema, table),
        column=Identifier(column),
        key=SQL(", ").join(map(Identifier, key)),
    ).as_bytes(None)
