"""Answers as tables: rows in streams of CSV or Parquet, whatever their number in little memory.

A text in a CSV that a spreadsheet would take for a formula gets an apostrophe before it: texts that
begin with = + - @, a tabulator or a carriage return. Numbers stay numbers; what is not measured is
an empty cell. Times are in UTC.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

import msgspec
from typing_extensions import override

Format = Literal["json", "csv", "parquet"]
Kind = Literal["text", "integer", "number", "time"]
Cell = str | int | float | datetime | None
Row = Sequence[Cell]

MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
ROWS_AT_ONCE = 2_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Table(msgspec.Struct, frozen=True):
    """A name for the file, the columns with their kinds, and the rows as they come."""

    name: str
    columns: Sequence[tuple[str, Kind]]
    rows: Iterable[Row]


def written(table: Table, form: Format) -> Iterator[bytes]:
    """The file, piece by piece; the first piece comes after the first rows."""
    return _parquet(table) if form == "parquet" else _csv(table)


def _csv(table: Table) -> Iterator[bytes]:
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    lines.writerow([name for name, _ in table.columns])
    for rows in _batches(table.rows):
        lines.writerows([_cell(value) for value in row] for row in rows)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()


def _cell(value: Cell) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case str() if value.startswith(_FORMULA):
            return f"'{value}"
        case _:
            return str(value)


def _parquet(table: Table) -> Iterator[bytes]:
    # Half a second and 60 MB, for those who ask for it.
    import pyarrow as pa  # noqa: PLC0415  # see above
    from pyarrow import parquet  # noqa: PLC0415  # see above

    kinds = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in table.columns])
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema) as writer:
        for rows in _batches(table.rows):
            columns: Sequence[Any] = list(zip(*rows, strict=True)) or [()] * len(schema)
            arrays = [
                pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield sink.taken()
    yield sink.taken()


def _batches(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    """Some rows at a time; where there are none, none once."""
    coming = iter(rows)
    batch = list(islice(coming, ROWS_AT_ONCE))
    yield batch
    while batch := list(islice(coming, ROWS_AT_ONCE)):
        yield batch


class _Sink(io.RawIOBase):
    """A file that is read while it is written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, piece: Any, /) -> int:  # any buffer
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        """What was written since."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
