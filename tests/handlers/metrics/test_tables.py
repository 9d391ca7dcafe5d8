"""Rows as files: what comes out is what went in, harmless for spreadsheets, in little memory."""

import csv
import io
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from handlers.metrics.tables import ROWS_AT_ONCE, Row, Table, written

COLUMNS = [("word", "text"), ("count", "integer"), ("rate", "number"), ("at", "time")]
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=9)
rows = st.lists(
    st.tuples(
        st.none() | words,
        st.none() | st.integers(-(2**62), 2**62),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)),  # noqa: DTZ001  # the zone is given beside
    ),
    max_size=30,
)


def file_of(form: Any, given: Sequence[Row]) -> bytes:
    return b"".join(written(Table("t", COLUMNS, iter(given)), form))  # type: ignore[arg-type]  # words of kinds


def read_csv(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode(), newline="")))


@given(rows)
def test_a_csv_has_every_cell_and_a_line_a_row(given: list[Row]) -> None:
    head, *lines = read_csv(file_of("csv", given))
    assert head == [name for name, _ in COLUMNS]
    for (word, count, rate, at), line in zip(given, lines, strict=True):
        assert line[0].removeprefix("'") == (word or "").removeprefix("'")
        assert line[1] == ("" if count is None else str(count))
        assert line[2] == "" if rate is None else float(line[2]) == rate
        assert line[3] == "" if at is None else datetime.fromisoformat(line[3]) == at


@settings(deadline=None)
@given(rows)
def test_a_parquet_has_every_cell_with_its_kind(given: list[Row]) -> None:
    found = parquet.read_table(io.BytesIO(file_of("parquet", given)))
    assert [tuple(row.values()) for row in found.to_pylist()] == given
    assert found.schema.types == [
        pa.string(),
        pa.int64(),
        pa.float64(),
        pa.timestamp("us", tz="UTC"),
    ]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(begin: str) -> None:
    _, line = read_csv(file_of("csv", [(f"{begin}cmd|' /C calc'!A0", -1, -0.5, None)]))
    assert line == [f"'{begin}cmd|' /C calc'!A0", "-1", "-0.5", ""]


def test_what_is_not_measured_is_empty_and_not_nought() -> None:
    raw = file_of("csv", [("a", None, None, None), ("b", 0, 0.0, None)])
    assert read_csv(raw)[1:] == [["a", "", "", ""], ["b", "0", "0.0", ""]]


def test_times_are_told_in_utc() -> None:
    at = datetime(2026, 3, 2, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert read_csv(file_of("csv", [("a", 1, 1.0, at)]))[1][3] == "2026-03-01T23:30:00Z"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_of_many_rows_is_written_in_little_memory(form: Any) -> None:
    """The rows of one piece and the piece, whatever comes before and after."""
    taken = 0

    def endless() -> Iterator[Row]:
        nonlocal taken
        while True:
            taken += 1
            yield f"word {taken}", taken, taken / 7, datetime(2026, 1, 1, tzinfo=UTC)

    pieces = written(Table("t", COLUMNS, endless()), form)  # type: ignore[arg-type]  # as above
    next(pieces)
    assert taken <= ROWS_AT_ONCE
    tracemalloc.start()
    for _ in range(100):
        next(pieces)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken >= 100 * ROWS_AT_ONCE
    assert most < 8 * 1024 * 1024
