from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow, dict_row

from domain.ids import StreamId
from domain.taxonomy import MessageState
from infra.changes import StaleRow, _sorted_out, _statements, apply
from infra.tenancy import Database
from projections.projection import Add, Change, Clear, Move, Put, Table

pytestmark = pytest.mark.postgres

SCHEMA = "changes under test"
ROWS = Table(
    "rows",
    key=("stream_id", "index"),
    columns={"stream_id": "uuid", "index": "integer", "word": "text", "at": "timestamptz"},
)
COUNTS = Table("counts", key=("place",), columns={"place": "text", "a": "bigint", "b": "bigint"})
CREATE = f"""
CREATE SCHEMA "{SCHEMA}";
CREATE TABLE "{SCHEMA}".rows (stream_id uuid, index integer, word text DEFAULT 'new',
    at timestamptz, PRIMARY KEY (stream_id, index));
CREATE TABLE "{SCHEMA}".counts (place text PRIMARY KEY, a bigint NOT NULL DEFAULT 0,
    b bigint NOT NULL DEFAULT 0);
"""
WORDS = ("x", "y", None)
S1, S2 = StreamId(UUID(int=1)), StreamId(UUID(int=2))
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)

Pair = tuple[StreamId, Change]


@pytest.fixture(scope="module")
def tables(database: Database) -> Iterator[Connection[TupleRow]]:
    with database.direct() as connection:
        connection.execute(CREATE.encode())
        yield connection
        connection.execute(f'DROP SCHEMA "{SCHEMA}" CASCADE'.encode())


@pytest.fixture
def connection(tables: Connection[TupleRow]) -> Iterator[Connection[TupleRow]]:
    with tables.transaction(force_rollback=True):
        yield tables


def put(stream: StreamId, index: int, **row: object) -> Pair:
    return stream, Put(ROWS, {"stream_id": stream, "index": index, **row})


def move(stream: StreamId, index: int, *expected: str, **row: object) -> Pair:
    expect = {"word": expected} if expected else {}
    return stream, Move(ROWS, {"stream_id": stream, "index": index}, expect, row)


def clear(stream: StreamId, **where: object) -> Pair:
    return stream, Clear(ROWS, {"stream_id": stream, **where})


def add(place: str, **amounts: int) -> Pair:
    return S1, Add(COUNTS, {"place": place}, amounts)


def applied(connection: Connection[TupleRow], *pairs: Pair) -> list[TupleRow]:
    apply(connection.cursor(), SCHEMA, pairs)
    return shown(connection)


def shown(connection: Connection[TupleRow]) -> list[TupleRow]:
    rows = f'SELECT stream_id, index, word, at FROM "{SCHEMA}".rows ORDER BY 1, 2'
    counts = f'SELECT place, a, b FROM "{SCHEMA}".counts ORDER BY 1'
    return [
        *connection.execute(rows.encode()).fetchall(),
        *connection.execute(counts.encode()).fetchall(),
    ]


def test_a_put_writes_its_columns_whether_the_row_is_there_or_not(
    connection: Connection[TupleRow],
) -> None:
    assert applied(connection, put(S1, 1, at=AT)) == [(S1, 1, "new", AT)]
    assert applied(connection, put(S1, 1, word="x")) == [(S1, 1, "x", AT)]
    assert applied(connection, put(S1, 1)) == [(S1, 1, "x", AT)]


def test_a_move_needs_its_row_as_expected(connection: Connection[TupleRow]) -> None:
    applied(connection, put(S1, 1, word="x"))
    assert applied(connection, move(S1, 1, "x", "y", word="z")) == [(S1, 1, "z", None)]
    with pytest.raises(StaleRow, match=r"rows .*'index': 1.*\['x'\].*found \{'word': 'z'\}"):
        applied(connection, move(S1, 1, "x", word="y"))


def test_a_move_of_a_missing_row_is_refused_though_others_were_there(
    connection: Connection[TupleRow],
) -> None:
    applied(connection, put(S1, 1), put(S2, 1))
    with pytest.raises(StaleRow, match="expected a row, found no such row"):
        applied(connection, move(S1, 1, word="x"), move(S1, 2, word="x"), move(S2, 1, word="x"))


def test_a_clear_takes_all_rows_with_its_values_and_none_is_no_error(
    connection: Connection[TupleRow],
) -> None:
    rows = [put(S1, 1, word="x"), put(S1, 2, word="y"), put(S2, 1, word="x")]
    assert applied(connection, *rows, clear(S1, word="x"), clear(S1, word="z")) == [
        (S1, 2, "y", None),
        (S2, 1, "x", None),
    ]


def test_amounts_are_summed_per_key_from_nought(connection: Connection[TupleRow]) -> None:
    applied(connection, add("p", a=1), add("q", b=1), add("p", a=1, b=5))
    assert applied(connection, add("p", b=1)) == [("p", 2, 6), ("q", 0, 1)]


def test_words_of_a_list_are_bound_as_texts(connection: Connection[TupleRow]) -> None:
    rows = applied(connection, put(S1, 1, word=MessageState.QUEUED), put(S1, 2, word="x"))
    assert [row[2] for row in rows] == ["QUEUED", "x"]
    queued = move(S1, 1, MessageState.QUEUED, word=MessageState.SENDING)
    assert applied(connection, queued)[0][2] == "SENDING"


def test_any_cursor_of_a_transaction_will_do(connection: Connection[TupleRow]) -> None:
    with connection.cursor(row_factory=dict_row) as curs:
        apply(curs, SCHEMA, [put(S1, 1, word="x"), move(S1, 1, "x", word="y")])
    assert shown(connection) == [(S1, 1, "y", None)]


def test_a_value_of_another_type_is_an_error_and_writes_nothing(
    connection: Connection[TupleRow],
) -> None:
    with pytest.raises(psycopg.Error), connection.transaction():
        applied(connection, put(S1, 1), put(S1, 2, word="x", at="no instant"))
    assert shown(connection) == []


def test_changes_of_many_streams_are_as_few_statements_as_those_of_one() -> None:
    streams = [StreamId(UUID(int=n)) for n in range(500)]
    pairs: list[Pair] = []
    for s in streams:
        pairs.append((s, Put(ROWS, {"stream_id": s, "index": 1, "word": "x"})))
        pairs.append((s, Move(ROWS, {"stream_id": s, "index": 1}, {}, {"word": "y"})))
        pairs.append((s, Put(ROWS, {"stream_id": s, "index": 2, "word": "x"})))
        pairs.append((s, Clear(ROWS, {"stream_id": s, "index": 1})))
    written, _ = _sorted_out(pairs)
    shapes = [(shape.kind, len(writes)) for _, shape, writes in _statements(written)]
    assert shapes == [(Put, 1_000), (Clear, 500)]  # what is moved is put so at once


STREAMS = st.sampled_from([S1, S2])
INDEXES = st.integers(0, 1)
VALUES = st.fixed_dictionaries(
    {}, optional={"word": st.sampled_from(WORDS), "at": st.just(AT) | st.none()}
)
MOVED = st.fixed_dictionaries({"word": st.sampled_from(WORDS)}, optional={"at": st.just(AT)})
PAIRS = st.one_of(
    st.builds(lambda s, i, row: put(s, i, **row), STREAMS, INDEXES, VALUES),
    st.builds(lambda s, i, row: move(s, i, **row), STREAMS, INDEXES, MOVED),
    st.builds(lambda s, i, row: move(s, i, "x", "new", **row), STREAMS, INDEXES, MOVED),
    st.builds(clear, STREAMS),
    st.builds(lambda s, word: clear(s, word=word), STREAMS, st.sampled_from(["x", "y"])),
    st.builds(lambda p, a: add(p, a=a), st.sampled_from(["p", "q"]), st.integers(1, 3)),
    st.builds(lambda p, b: add(p, b=b), st.sampled_from(["p", "q"]), st.integers(1, 3)),
)
FIRST = [put(s, i, word="new") for s in (S1, S2) for i in (0, 1)]


@given(pairs=st.lists(PAIRS, max_size=12), there=st.booleans())
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_together_has_the_effect_of_one_by_one(
    tables: Connection[TupleRow],
    pairs: list[Pair],
    there: bool,  # noqa: FBT001  # hypothesis gives arguments by name
) -> None:
    pairs = [*FIRST, *pairs] if there else pairs
    assert outcome(tables, [pairs]) == outcome(tables, [[pair] for pair in pairs])


def outcome(tables: Connection[TupleRow], portions: list[list[Pair]]) -> object:
    with tables.transaction(force_rollback=True):
        try:
            for portion in portions:
                apply(tables.cursor(), SCHEMA, portion)
        except StaleRow:
            return "stale"
        return shown(tables)
