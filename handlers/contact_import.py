"""Reads a CSV of contacts: good rows are kept, each bad one is told with line, reason and mend.

Total: whatever the bytes are, the answer is rows and faults.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

import msgspec
from pydantic import ValidationError

from handlers.consent_columns import (
    COLUMN_OF,
    FIELD_OF,
    MENDS,
    RENAME,
    column_named,
    consent_of,
    sounds_like_consent,
)
from handlers.contacts import ContactBook, ContactRow, NewContact, row_of
from handlers.wording import words_of

COLUMNS = (
    "external_id",
    "email",
    "first_name",
    "last_name",
    "title",
    "company",
    "city",
    "timezone",
    "linkedin_url",
    "phone",
    "country",
    "subscriber",
    "consent_ground",
    "consent_at",
    "consent_expires_at",
    "consent_source",
    "consent_text",
    "tags",
)
"""All other columns become attributes; `company.x` is about the company."""

DELIMITERS = ",;\t"
BATCH = 1000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MENDS = {
    "email": "write it as name@domain.tld, without a name or brackets around it",
    "timezone": "write an IANA name such as Europe/Paris, or leave the cell empty",
    "linkedin_url": "write the whole address with https://, or leave the cell empty",
    "phone": "write it with country code, such as +14155550123, or leave the cell empty",
    "country": "write the code of ISO 3166 such as GB (not UK), DE or US-CA, or leave it empty",
    "subscriber": "write individual or corporate, or leave the cell empty",
    **MENDS,
}
_MEND = "shorten or correct this cell"
_NO_CONSENT = "nothing in this column would count as a consent"
_RESAVE = "save the file as CSV in UTF-8"


class RowFault(msgspec.Struct, frozen=True):
    """Why a row, or with an empty column the whole line, was not taken, and what mends it."""

    line: int
    column: str
    reason: str
    mend: str


class RowNote(msgspec.Struct, frozen=True):
    """A row that was taken though other contacts seem to be the same person."""

    line: int
    same_address_as: tuple[str, ...]


class GivenRow(msgspec.Struct, frozen=True):
    """A good row and the line it began on."""

    line: int
    contact: ContactRow


class CsvContacts(msgspec.Struct, frozen=True):
    """What a file comes to."""

    rows: tuple[GivenRow, ...]
    faults: tuple[RowFault, ...]


class ImportReport(msgspec.Struct, frozen=True):
    """What an import did; in a dry run what is good was only counted."""

    accepted: int
    created: int
    updated: int
    refused: int
    faults: tuple[RowFault, ...]
    shared: int = 0
    """Rows whose address or profile another contact has too."""
    notes: tuple[RowNote, ...] = ()


def import_contacts(book: ContactBook, raw: bytes, *, dry_run: bool) -> ImportReport:
    """Write the good rows of a file, a thousand at a time, and tell the others. Safe to repeat."""
    read = read_contacts(raw)
    contacts = [row.contact for row in read.rows]
    written = [] if dry_run else [one for rows in _batches(contacts) for one in book.put(rows)]
    created = sum(one.created for one in written)
    shared = book.sharing(contacts) if dry_run else [one.same_address_as for one in written]
    notes = tuple(
        RowNote(row.line, tuple(others))
        for row, others in zip(read.rows, shared, strict=True)
        if others
    )
    return ImportReport(
        accepted=len(read.rows),
        created=created,
        updated=len(written) - created,
        refused=len({fault.line for fault in read.faults}),
        faults=read.faults,
        shared=len(notes),
        notes=notes,
    )


def read_contacts(raw: bytes) -> CsvContacts:
    """The good rows and the faults of a file, both in the order of their lines."""
    if raw.startswith(_UTF16):
        return _unreadable("the file is in UTF-16", _RESAVE)
    # a byte that is no UTF-8 spoils its own row only
    text = raw.decode("utf-8-sig", "surrogateescape")
    lines = _records(text, _delimiter(text))
    head = next(lines, None)
    if head is None:
        return _unreadable("the file is empty", "begin it with a line that names the columns")
    if isinstance(head, RowFault):
        return CsvContacts((), (head,))
    header = [column_named(cell.strip()) for cell in head[1]]
    problem = _header_problem(header)
    if problem is not None:
        return CsvContacts((), (problem,))
    return _sorted_out(header, lines)


_Record = tuple[int, list[str]]


def _records(text: str, delimiter: str) -> Iterator[_Record | RowFault]:
    """Each record with the line it begins on; the reader goes on behind a broken one."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            mend = 'write a quote inside a cell twice ("") and close each quoted cell'
            yield RowFault(line, "", f"the quotes or the length are wrong: {error}", mend)
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(DELIMITERS, key=head.count)


def _header_problem(header: Sequence[str]) -> RowFault | None:
    names = [name.lower() for name in header]
    if not set(names) & set(COLUMNS):
        known = ", ".join(COLUMNS)
        return RowFault(1, "", "the first line names no known column", f"begin with: {known}")
    if "external_id" not in names and "email" not in names:
        mend = "add external_id, your own key of each contact; it makes an import repeatable"
        return RowFault(1, "", "there is neither external_id nor email", mend)
    for index, name in enumerate(names):
        if not name:
            return RowFault(1, "", f"column {index + 1} has no name", "name it or remove it")
        if name in names[:index]:
            return RowFault(1, header[index], "the column is there twice", "remove one of them")
        if sounds_like_consent(name):
            return RowFault(1, header[index], _NO_CONSENT, RENAME)
    return None


def _sorted_out(header: Sequence[str], records: Iterator[_Record | RowFault]) -> CsvContacts:
    rows: list[GivenRow] = []
    faults: list[RowFault] = []
    seen: dict[str, int] = {}
    for record in records:
        found = record if isinstance(record, RowFault) else _row(header, *record, seen)
        if isinstance(found, GivenRow):
            rows.append(found)
        else:
            faults.extend((found,) if isinstance(found, RowFault) else found)
    return CsvContacts(tuple(rows), tuple(faults))


def _row(
    header: Sequence[str], line: int, cells: Sequence[str], seen: dict[str, int]
) -> GivenRow | list[RowFault]:
    if len(cells) != len(header):
        reason = f"{len(cells)} cells, but the header has {len(header)}"
        mend = "give each row as many cells as the header; quote a cell with a delimiter in it"
        return [RowFault(line, "", reason, mend)]
    values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    broken = [name for name, cell in values.items() if not _is_utf8(cell)]
    if broken:
        return [RowFault(line, name, "the cell is not in UTF-8", _RESAVE) for name in broken]
    try:
        given = NewContact.model_validate(_fields(values))
    except ValidationError as error:
        return _faults(line, error)
    key = given.external_id
    if key is None:
        return [RowFault(line, "external_id", "there is no key and no e-mail", "fill one of them")]
    if key in seen:
        reason = f"the same external_id is on line {seen[key]}"
        return [RowFault(line, "external_id", reason, "keep one of the two rows")]
    seen[key] = line
    return GivenRow(line, row_of(given))


def _fields(values: Mapping[str, str]) -> dict[str, object]:
    known = {name.lower(): cell for name, cell in values.items() if name.lower() in COLUMNS}
    others = {name: cell for name, cell in values.items() if name.lower() not in COLUMNS and cell}
    consent = consent_of({name: known.pop(name) for name in FIELD_OF if name in known})
    tags = known.pop("tags", "").replace(";", ",").split(",")
    key = known.get("external_id") or known.get("email", "").lower()
    return {
        **known,
        "external_id": key,
        "consent": consent,
        "tags": [tag.strip() for tag in tags if tag.strip()],
        "attributes": others,
    }


def _faults(line: int, error: ValidationError) -> list[RowFault]:
    told = []
    for found in error.errors(include_input=False, include_url=False):
        column = _column(found["loc"])
        told.append(RowFault(line, column, words_of(found), _MENDS.get(column, _MEND)))
    return told


def _column(place: tuple[int | str, ...]) -> str:
    """The column that a field of a contact came from; a consent has several."""
    match place:
        case ("consent", str(field), *_):
            return COLUMN_OF[field]
        case ("consent",):
            return "consent_expires_at"
        case (first, *_):
            return str(first)
        case _:
            return ""


def _is_utf8(cell: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in cell)


def _unreadable(reason: str, mend: str) -> CsvContacts:
    return CsvContacts((), (RowFault(1, "", reason, mend),))


def _batches(rows: Sequence[ContactRow]) -> Iterator[Sequence[ContactRow]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
