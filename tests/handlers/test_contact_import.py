"""CSV files as people have them: good rows are kept, bad ones told with line, reason and mend."""

import codecs

from hypothesis import given
from hypothesis import strategies as st

from handlers.contact_import import CsvContacts, import_contacts, read_contacts
from tests.handlers.web_fakes import Book

HEAD = "external_id,email,first_name,timezone,tags,company.industry\n"


def read(text: str) -> CsvContacts:
    return read_contacts(text.encode())


def told(text: str) -> list[tuple[int, str]]:
    return [(fault.line, fault.column) for fault in read(text).faults]


def test_known_columns_are_fields_and_others_become_attributes() -> None:
    found = read(HEAD + "c1,ada@example.com, Ada ,Europe/Paris,a; b,hotels\n")
    (row,) = found.rows
    assert found.faults == ()
    assert (row.line, row.contact.external_id, row.contact.first_name) == (2, "c1", "Ada")
    assert row.contact.tags == ("a", "b")
    assert row.contact.attributes == {"company.industry": "hotels"}


def test_an_empty_cell_is_an_unknown_field() -> None:
    (row,) = read(HEAD + "c1,,,,,\n").rows
    assert (row.contact.email, row.contact.timezone, row.contact.attributes) == (None, None, {})


def test_bad_rows_are_told_by_line_and_column_and_good_ones_kept() -> None:
    text = HEAD + "c1,not an address,,,,\nc2,bo@example.com,,PST,,\n\nc3,cy@example.com,,,,\n"
    found = read(text)
    assert [row.contact.external_id for row in found.rows] == ["c3"]
    assert told(text) == [(2, "email"), (3, "timezone")]
    assert found.rows[0].line == 5
    assert "name@domain" in found.faults[0].mend
    assert "not an address" not in found.faults[0].reason


def test_a_row_with_too_few_or_too_many_cells_is_told_with_both_counts() -> None:
    (few, many) = read(HEAD + "c1,a@b.example\nc2,a@b.example,,,,,,\n").faults
    assert few.reason == "2 cells, but the header has 6"
    assert many.line == 3


def test_the_second_of_two_rows_with_one_key_is_refused_and_names_the_first() -> None:
    found = read(HEAD + "c1,a@b.example,,,,\nc1,c@d.example,,,,\n")
    assert [row.line for row in found.rows] == [2]
    assert "line 2" in found.faults[0].reason


def test_a_file_without_keys_takes_the_address_as_key() -> None:
    found = read("email\nAda@Example.com\nada@example.com\n")
    assert [row.contact.external_id for row in found.rows] == ["ada@example.com"]
    assert found.faults[0].column == "external_id"


def test_a_file_without_a_header_says_what_to_begin_with() -> None:
    (fault,) = read("c1,ada@example.com\n").faults
    assert (fault.line, fault.column) == (1, "")
    assert "external_id" in fault.mend
    assert "empty" in read("").faults[0].reason


def test_a_header_needs_a_key_and_names_each_column_once() -> None:
    assert "neither" in read("first_name\nAda\n").faults[0].reason
    assert "twice" in read("email,email\na,b\n").faults[0].reason
    assert "no name" in read("email,\na,b\n").faults[0].reason


def test_a_row_that_is_not_utf8_spoils_only_itself() -> None:
    raw = HEAD.encode() + "c1,,Zoë,,,\n".encode("latin-1") + b"c2,,Zo,,,\n"
    found = read_contacts(raw)
    assert [row.contact.external_id for row in found.rows] == ["c2"]
    assert (found.faults[0].line, found.faults[0].column) == (2, "first_name")
    assert "UTF-8" in found.faults[0].mend


def test_files_of_spreadsheets_are_read() -> None:
    with_mark = codecs.BOM_UTF8 + HEAD.replace(",", ";").encode() + b"c1;ada@example.com;;;;\r\n"
    assert len(read_contacts(with_mark).rows) == 1
    assert "UTF-16" in read_contacts(HEAD.encode("utf-16")).faults[0].reason


def test_a_cell_with_a_line_break_is_refused_and_lines_still_count() -> None:
    text = HEAD + 'c1,,"Ada\nLovelace",,,\nc2,,,,,\nc3,x,,,,\n'
    assert told(text) == [(2, "first_name"), (5, "email")]


def test_a_quote_that_is_never_closed_is_told_where_it_began() -> None:
    assert told(HEAD + 'c1,,,,,\nc2,,"Ada,,,\nc3,,,,,\n') == [(3, "")]


def test_an_import_counts_what_it_made_and_a_repetition_makes_nothing() -> None:
    book, raw = Book(), (HEAD + "c1,a@b.example,,,,\nc2,bad,,,,\n").encode()
    first = import_contacts(book, raw, dry_run=False)
    again = import_contacts(book, raw, dry_run=False)
    assert (first.accepted, first.created, first.updated, first.refused) == (1, 1, 0, 1)
    assert (again.created, again.updated) == (0, 1)


def test_a_dry_run_writes_nothing() -> None:
    book = Book()
    report = import_contacts(book, (HEAD + "c1,a@b.example,,,,\n").encode(), dry_run=True)
    assert (report.accepted, report.created, book.people_by_id) == (1, 0, {})


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_the_answer_is_rows_and_faults(raw: bytes) -> None:
    assert isinstance(read_contacts(raw), CsvContacts)
    found = read_contacts(HEAD.encode() + raw)
    assert len(found.rows) + len(found.faults) <= 6 * (raw.count(b"\n") + raw.count(b"\r") + 1)
