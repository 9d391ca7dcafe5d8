"""Row changes into SQL, set-based: few statements for many facts, with the effect of one by one.

Counters are summed per key. The other changes are sorted into levels: a change stands one level
above the last one that touches the same row, and a level is one statement for each shape. So two
changes of one row never meet in a statement, and their order stays.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

from psycopg import Cursor
from psycopg.rows import TupleRow, tuple_row
from psycopg.sql import SQL, Composable, Composed, Identifier

from domain.ids import StreamId
from handlers.ports import Broken
from projections.projection import Add, Change, Clear, Move, Put, Row, Table

Names = tuple[str, ...]
Key = tuple[Any, ...]
Expected = tuple[tuple[str, tuple[Any, ...]], ...]

_PUT = SQL(
    "INSERT INTO {table} AS t ({columns}) SELECT * FROM unnest({arrays}) "
    "ON CONFLICT ({key}) DO {do}"
)
_MOVE = SQL(
    "UPDATE {table} AS t SET {sets} FROM unnest({arrays}) AS v ({columns}) "
    "WHERE {same} RETURNING {key}"
)
_CLEAR = SQL("DELETE FROM {table} AS t USING unnest({arrays}) AS v ({columns}) WHERE {same}")


class StaleRow(Broken):
    """A row that had to be there was missing or not as expected: an invariant is broken."""


class _Shape(NamedTuple):
    """What changes must share to be one statement."""

    kind: type[Put | Move | Clear]
    table: str
    columns: Names
    expected: Expected


class _Names(NamedTuple):
    """Everything that a statement's text depends on; hashable, so that texts are made once."""

    schema: str
    table: str
    key: Names
    columns: Names
    types: Names


def apply(curs: Cursor[Any], schema: str, changes: Iterable[tuple[StreamId, Change]]) -> None:
    """Write the changes of many facts, given in the order of the log with the stream of each.

    A table is either counted (`Add`) or written; a `Clear` reaches rows of its own stream only.
    """
    counted: list[Add] = []
    written: list[tuple[StreamId, Put | Move | Clear]] = []
    for stream, change in changes:
        if isinstance(change, Add):
            counted.append(change)
        else:
            written.append((stream, change))
    with curs.connection.cursor(row_factory=tuple_row) as own:
        for alike in _statements(written):
            _WRITE[type(alike[0])](own, schema, alike)
        for table, sums in _sums(counted):
            _add(own, schema, table, sums)


def _statements(
    written: Iterable[tuple[StreamId, Put | Move | Clear]],
) -> Iterator[list[Put | Move | Clear]]:
    """Changes that go into one statement each, level by level; the same input, the same order."""
    groups: defaultdict[tuple[int, _Shape], list[Put | Move | Clear]] = defaultdict(list)
    for level, change in _levels(written):
        groups[level, _shape(change)].append(change)
    for _, alike in sorted(groups.items(), key=lambda item: _order(*item[0])):
        yield alike


def _order(level: int, shape: _Shape) -> tuple[int, str, str, str]:
    return level, shape.table, shape.kind.__name__, repr(shape)


def _levels(
    written: Iterable[tuple[StreamId, Put | Move | Clear]],
) -> Iterator[tuple[int, Put | Move | Clear]]:
    rows: dict[tuple[str, Key], int] = {}
    cleared: dict[tuple[str, StreamId], int] = {}
    highest: defaultdict[tuple[str, StreamId], int] = defaultdict(int)
    for stream, change in written:
        scope = (change.table.name, stream)
        if isinstance(change, Clear):
            level = cleared[scope] = highest[scope] + 1
        else:
            row = (change.table.name, _key(change))
            level = rows[row] = max(rows.get(row, 0), cleared.get(scope, 0)) + 1
        highest[scope] = max(highest[scope], level)
        yield level, change


def _key(change: Put | Move) -> Key:
    values = change.row if isinstance(change, Put) else change.key
    return tuple(values[name] for name in change.table.key)


def _shape(change: Put | Move | Clear) -> _Shape:
    match change:
        case Put(table=table, row=row):
            return _Shape(Put, table.name, tuple(row), ())
        case Move(table=table, row=row, expect=expect):
            return _Shape(Move, table.name, tuple(row), tuple(expect.items()))
        case Clear(table=table, where=where):
            return _Shape(Clear, table.name, tuple(where), ())


# --- statements -----------------------------------------------------------------------------------


def _put(curs: Cursor[TupleRow], schema: str, puts: Sequence[Put]) -> None:
    table = puts[0].table
    names = _names(schema, table, tuple(puts[0].row))
    rows = sorted((put.row for put in puts), key=lambda row: _sortable(row, table.key))
    curs.execute(_put_text(names), _arrays(rows, names.columns))


def _move(curs: Cursor[TupleRow], schema: str, moves: Sequence[Move]) -> None:
    first = moves[0]
    columns = tuple(name for name in first.row if name not in first.table.key)
    names = _names(schema, first.table, (*first.table.key, *columns))
    rows = sorted(
        ({**move.row, **move.key} for move in moves),
        key=lambda row: _sortable(row, first.table.key),
    )
    expected = tuple(first.expect)
    allowed = [_plain(values) for values in first.expect.values()]
    text = _move_text(names, tuple((name, first.table.columns[name]) for name in expected))
    found = curs.execute(text, [*_arrays(rows, names.columns), *allowed]).fetchall()
    if len(found) != len(moves):
        hit = set(found)
        missed = next(move for move in moves if tuple(_plain(_key(move))) not in hit)
        raise StaleRow(_complaint(curs, schema, missed))


def _complaint(curs: Cursor[TupleRow], schema: str, missed: Move) -> str:
    where, values = _where(missed.table, missed.key)
    asked = tuple(missed.expect) or missed.table.key
    text = SQL("SELECT {} FROM {} AS t WHERE {}").format(
        SQL(", ").join(map(Identifier, asked)), Identifier(schema, missed.table.name), where
    )
    row = curs.execute(text, values).fetchone()
    found = "no such row" if row is None else dict(zip(asked, row, strict=True))
    expected = {name: list(_plain(values)) for name, values in missed.expect.items()}
    return f"{missed.table.name} {dict(missed.key)}: expected {expected or 'a row'}, found {found}"


def _clear(curs: Cursor[TupleRow], schema: str, clears: Sequence[Clear]) -> None:
    first = clears[0]
    names = _names(schema, first.table, tuple(first.where))
    curs.execute(_clear_text(names), _arrays([clear.where for clear in clears], names.columns))


_WRITE: Mapping[type[Change], Callable[..., None]] = {Put: _put, Move: _move, Clear: _clear}


def _sums(counted: Iterable[Add]) -> Iterator[tuple[Table, dict[Key, dict[str, int]]]]:
    """For each table the amounts by key: sorted, so that no two writers wait crosswise."""
    tables: dict[str, Table] = {}
    sums: defaultdict[str, defaultdict[Key, defaultdict[str, int]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(int))
    )
    for add in counted:
        tables[add.table.name] = add.table
        amounts = sums[add.table.name][tuple(add.key[name] for name in add.table.key)]
        for counter, amount in add.amounts.items():
            amounts[counter] += amount
    for name, table in sorted(tables.items()):
        yield table, {key: dict(sums[name][key]) for key in sorted(sums[name])}


def _add(
    curs: Cursor[TupleRow], schema: str, table: Table, sums: dict[Key, dict[str, int]]
) -> None:
    counters = sorted({counter for amounts in sums.values() for counter in amounts})
    names = _names(schema, table, (*table.key, *counters))
    rows = [
        dict(zip(table.key, key, strict=True)) | {name: amounts.get(name, 0) for name in counters}
        for key, amounts in sums.items()
    ]
    curs.execute(_add_text(names), _arrays(rows, names.columns))


# --- texts, as they are sent ----------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _put_text(names: _Names) -> bytes:
    return _insert_text(names, lambda name: SQL("EXCLUDED.{}").format(name)).as_bytes(None)


@lru_cache(maxsize=4096)
def _add_text(names: _Names) -> bytes:
    added = _insert_text(names, lambda name: SQL("t.{0} + EXCLUDED.{0}").format(name))
    return added.as_bytes(None)


def _insert_text(names: _Names, value: Callable[[Identifier], Composable]) -> Composed:
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
def _move_text(names: _Names, expected: tuple[tuple[str, str], ...]) -> bytes:
    rest = [Identifier(name) for name in names.columns if name not in names.key]
    as_expected = [
        SQL("t.{} = ANY (%b::{}[])").format(Identifier(name), _type(kind))
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
def _clear_text(names: _Names) -> bytes:
    return _CLEAR.format(
        table=Identifier(names.schema, names.table),
        arrays=_typed(names),
        columns=_listed(names.columns),
        same=SQL(" AND ").join(_same(names.columns)),
    ).as_bytes(None)


def _names(schema: str, table: Table, columns: Names) -> _Names:
    types = tuple(table.columns[name] for name in columns)
    return _Names(schema, table.name, table.key, columns, types)


def _listed(columns: Names) -> Composed:
    return SQL(", ").join(map(Identifier, columns))


def _typed(names: _Names) -> Composed:
    return SQL(", ").join(SQL("%b::{}[]").format(_type(kind)) for kind in names.types)


def _type(kind: str) -> Identifier:
    return Identifier("pg_catalog", _CATALOG.get(kind, kind))


_CATALOG = {"integer": "int4", "bigint": "int8"}


def _same(columns: Names) -> list[Composed]:
    return [SQL("t.{0} = v.{0}").format(Identifier(name)) for name in columns]


def _where(table: Table, key: Row) -> tuple[Composed, list[Any]]:
    tests = (
        SQL("t.{} = %s::{}").format(Identifier(name), _type(table.columns[name])) for name in key
    )
    return SQL(" AND ").join(tests), _plain(key.values())


# --- values ---------------------------------------------------------------------------------------


def _arrays(rows: Sequence[Row], columns: Names) -> list[list[Any]]:
    return [_plain(row[name] for row in rows) for name in columns]


def _plain(values: Iterable[Any]) -> list[Any]:
    """Words as the texts they are: a list of mixed types cannot be bound."""
    return [value.value if isinstance(value, Enum) else value for value in values]


def _sortable(row: Row, key: Names) -> Key:
    return tuple(row[name] for name in key)
