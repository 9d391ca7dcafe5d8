"""Row changes into SQL, set-based: few statements for many facts, with the effect of one by one.

Counters are summed per key. A change joins the one before it of the same row where both are one
write to the database. The others are sorted into levels: a change stands one level above the last
one that touches the same row, and a level is one statement for each shape. So two changes of one
row never meet in a statement, and their order stays.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, cast
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow, tuple_row

from domain.ids import StreamId
from handlers.ports import Broken
from infra.row_texts import add_text, clear_text, find_text, move_text, named, put_text
from projections.projection import Add, Change, Clear, Move, Put, Row, Table

Names = tuple[str, ...]
Key = tuple[Any, ...]
Expected = tuple[tuple[str, tuple[Any, ...]], ...]


class StaleRow(Broken):
    """A row that had to be there was missing or not as expected: an invariant is broken."""


class _Shape(NamedTuple):
    """What writes of a table must share to be one statement."""

    level: int
    kind: type[Put | Move | Clear]
    columns: Names
    expected: Expected


class _Write:
    """A change on its way: it may take later ones of its row along."""

    __slots__ = ("change", "level", "place", "row")

    def __init__(self, level: int, place: Any, change: Put | Move | Clear) -> None:  # noqa: ANN401  # whatever sorts as the keys do
        self.level = level
        self.place = place
        self.change = change
        self.row = change.where if isinstance(change, Clear) else change.row

    def joined_by(self, later: Put | Move) -> bool:
        """Whether a later change of this row is no write of its own.

        A put makes sure of the row, and what was just written need not be asked for.
        """
        if isinstance(later, Put):
            if not isinstance(self.change, Put):
                return False
        else:
            for name, values in later.expect.items():
                now = self.row.get(name)
                if now is None or now not in values:
                    return False
        self.row = {**self.row, **later.row}
        return True


class _Rows:
    """The writes to one table, in the order of their levels and places."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.writes: list[_Write] = []
        self._place = _place_in(table)
        self._latest: dict[Any, _Write] = {}
        self._cleared: dict[int, int] = {}
        self._highest: dict[int, int] = {}

    def take(self, stream: StreamId, change: Put | Move | Clear) -> None:
        """The next change, of a fact of this stream."""
        scope = stream.int
        if isinstance(change, Clear):
            level = self._highest.get(scope, 0) + 1
            self._cleared[scope] = self._highest[scope] = level
            self.writes.append(_Write(level, scope, change))
            return
        place = self._place(change.row if isinstance(change, Put) else change.key)
        before = self._latest.get(place)
        floor = self._cleared.get(scope, 0)
        if before is not None:
            if before.level > floor and before.joined_by(change):
                return
            floor = max(before.level, floor)
        write = self._latest[place] = _Write(floor + 1, place, change)
        self._highest[scope] = max(self._highest.get(scope, 0), write.level)
        self.writes.append(write)


def apply(curs: Cursor[Any], schema: str, changes: Iterable[tuple[StreamId, Change]]) -> None:
    """Write the changes of many facts, given in the order of the log with the stream of each.

    A table is either counted (`Add`) or written; a `Clear` reaches rows of its own stream only.
    """
    written, counted = _sorted_out(changes)
    with curs.connection.cursor(row_factory=tuple_row) as own:
        for table, shape, writes in _statements(written):
            _WRITE[shape.kind](own, schema, table, shape, writes)
        for table, sums in _sums(counted):
            _add(own, schema, table, sums)


def _sorted_out(
    changes: Iterable[tuple[StreamId, Change]],
) -> tuple[Collection[_Rows], list[Add]]:
    written: dict[str, _Rows] = {}
    counted: list[Add] = []
    for stream, change in changes:
        if isinstance(change, Add):
            counted.append(change)
            continue
        rows = written.get(change.table.name)
        if rows is None:
            rows = written[change.table.name] = _Rows(change.table)
        rows.take(stream, change)
    return written.values(), counted


def _statements(written: Iterable[_Rows]) -> Iterator[tuple[Table, _Shape, list[_Write]]]:
    """Writes that go into one statement each, level by level; the same input, the same order."""
    groups: list[tuple[Table, _Shape, list[_Write]]] = []
    for rows in written:
        alike: defaultdict[tuple[Any, ...], list[_Write]] = defaultdict(list)
        for write in rows.writes:
            alike[write.level, type(write.change), tuple(write.row), _expected(write)].append(write)
        groups += [(rows.table, _Shape(*shape), writes) for shape, writes in alike.items()]
    yield from sorted(groups, key=_order)


def _expected(write: _Write) -> Expected:
    if not isinstance(write.change, Move):
        return ()
    return tuple((name, tuple(_plain(values))) for name, values in write.change.expect.items())


def _order(group: tuple[Table, _Shape, list[_Write]]) -> tuple[int, str, str, str]:
    table, shape, _ = group
    return shape.level, table.name, shape.kind.__name__, repr(shape)


# --- statements -----------------------------------------------------------------------------------


def _put(
    curs: Cursor[TupleRow], schema: str, table: Table, shape: _Shape, puts: list[_Write]
) -> None:
    puts.sort(key=_PLACE)
    arrays = [_array(table, name, [put.row[name] for put in puts]) for name in shape.columns]
    curs.execute(put_text(named(schema, table, shape.columns)), arrays)


def _move(
    curs: Cursor[TupleRow], schema: str, table: Table, shape: _Shape, moves: list[_Write]
) -> None:
    moves.sort(key=_PLACE)
    columns = tuple(name for name in shape.columns if name not in table.key)
    asked = [cast(Move, move.change).key for move in moves]
    keys = [_array(table, name, [key[name] for key in asked]) for name in table.key]
    rows = [_array(table, name, [move.row[name] for move in moves]) for name in columns]
    allowed = [list(values) for _, values in shape.expected]
    names = named(schema, table, (*table.key, *columns))
    text = move_text(names, tuple((name, table.columns[name]) for name, _ in shape.expected))
    found = curs.execute(text, [*keys, *rows, *allowed]).fetchall()
    if len(found) != len(moves):
        hit = set(found)
        each = zip(moves, zip(*keys, strict=True), strict=True)
        missed = next(key for _, key in each if key not in hit)
        raise StaleRow(_complaint(curs, schema, table, missed, shape.expected))


def _complaint(
    curs: Cursor[TupleRow], schema: str, table: Table, key: Key, expected: Expected
) -> str:
    wanted = {name: list(values) for name, values in expected}
    asked = tuple(wanted) or table.key
    names = named(schema, table, table.key)
    row = curs.execute(find_text(names, asked), key).fetchone()
    found = "no such row" if row is None else dict(zip(asked, row, strict=True))
    missed = dict(zip(table.key, key, strict=True))
    return f"{table.name} {missed}: expected {wanted or 'a row'}, found {found}"


def _clear(
    curs: Cursor[TupleRow], schema: str, table: Table, shape: _Shape, clears: list[_Write]
) -> None:
    arrays = [_array(table, name, [clear.row[name] for clear in clears]) for name in shape.columns]
    curs.execute(clear_text(named(schema, table, shape.columns)), arrays)


_WRITE: Mapping[type[Change], Callable[..., None]] = {Put: _put, Move: _move, Clear: _clear}
_PLACE = attrgetter("place")


def _sums(counted: Iterable[Add]) -> Iterator[tuple[Table, dict[Key, dict[str, int]]]]:
    """For each table the amounts by key: sorted, so that no two writers wait crosswise."""
    tables: defaultdict[str, list[Add]] = defaultdict(list)
    for add in counted:
        tables[add.table.name].append(add)
    for name in sorted(tables):
        yield tables[name][0].table, _summed(tables[name])


def _summed(adds: Sequence[Add]) -> dict[Key, dict[str, int]]:
    key_of = _key_of(adds[0].table)
    sums: defaultdict[Key, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for add in adds:
        amounts = sums[key_of(add.key)]
        for counter, amount in add.amounts.items():
            amounts[counter] += amount
    return {key: sums[key] for key in sorted(sums)}


def _add(
    curs: Cursor[TupleRow], schema: str, table: Table, sums: dict[Key, dict[str, int]]
) -> None:
    counters = sorted({counter for amounts in sums.values() for counter in amounts})
    columns = zip(table.key, zip(*sums, strict=True), strict=True)
    keys = [_array(table, name, values) for name, values in columns]
    amounts = [[row.get(name, 0) for row in sums.values()] for name in counters]
    curs.execute(add_text(named(schema, table, (*table.key, *counters))), [*keys, *amounts])


# --- values ---------------------------------------------------------------------------------------


def _array(table: Table, name: str, values: Sequence[Any]) -> list[Any]:
    return _plain(values) if table.columns[name] == "text" else list(values)


def _plain(values: Iterable[Any]) -> list[Any]:
    """Words as the texts they are: a list of mixed types cannot be bound."""
    return [value.value if isinstance(value, Enum) else value for value in values]


def _key_of(table: Table) -> Callable[[Row], Key]:
    if len(table.key) > 1:
        return itemgetter(*table.key)
    (name,) = table.key
    return lambda row: (row[name],)


def _place_in(table: Table) -> Callable[[Row], Any]:
    """Tells rows apart and sorts as their keys do; a number does so faster than its UUID."""
    if len(table.key) == 1:
        (name,) = table.key
        return lambda row: _number(row[name])
    key_of = _key_of(table)
    return lambda row: tuple(map(_number, key_of(row)))


def _number(value: Any) -> Any:  # noqa: ANN401  # a value of a key
    return value.int if isinstance(value, UUID) else value
