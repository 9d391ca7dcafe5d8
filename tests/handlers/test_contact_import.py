"""CSV files as people have them: good rows are kept, bad ones told with line, reason and mend."""

import codecs
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consent import Ground
from handlers.contact_import import CsvContacts, import_contacts, read_contacts
from handlers.ports.vault import Consent
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


CONSENTS = (
    "external_id,country,subscriber,consent_ground,consent_at,consent_expires_at,consent_source,"
    "consent_text\n"
)


def test_columns_about_consent_become_one_record_with_its_evidence() -> None:
    text = CONSENTS + "c1,ca-qc,corporate,implied_business,2026-09-01,2027-09-01,fair,v2\n"
    (row,) = read(text).rows
    assert (row.contact.country, row.contact.subscriber) == ("CA-QC", "corporate")
    assert row.contact.consent == Consent(
        ground="implied_business",
        at=datetime(2026, 9, 1, tzinfo=UTC),
        expires_at=datetime(2027, 9, 1, tzinfo=UTC),
        source="fair",
        text_version="v2",
    )
    assert row.contact.attributes == {}


def test_a_row_that_says_nothing_of_consent_has_none() -> None:
    (row,) = read(CONSENTS + "c1,,,,,,,\n").rows
    assert (row.contact.country, row.contact.subscriber, row.contact.consent) == (None, None, None)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ("UK,,,,,,", "country"),
        (",company,,,,,", "subscriber"),
        (",,yes,2026-09-01,,,", "consent_ground"),
        (",,express,,,,", "consent_at"),
        (",,express,2026,,,", "consent_at"),
        (",,express,01/09/2026,,,", "consent_at"),
        (",,express,2026-09-01T10:00:00,,,", "consent_at"),
        (",,express,0001-01-01,,,", "consent_at"),
        (",,express,9999-12-31,,,", "consent_at"),
        (",,express,2026-09-01,2026-08-01,,", "consent_expires_at"),
        (",,express,2026-09-01,soon,,", "consent_expires_at"),
        (",,,2026-09-01,,,", "consent_ground"),
        (",,,,,fair,", "consent_ground"),
    ],
)
def test_a_consent_that_proves_nothing_is_told_by_its_column_with_a_mend(
    cells: str, column: str
) -> None:
    found = read(CONSENTS + f"c1,{cells}\n")
    assert found.rows == ()
    fault = found.faults[0]
    assert (fault.line, fault.column) == (2, column)
    assert fault.mend.startswith(("write", "shorten"))


def test_plain_words_for_the_columns_of_a_consent_are_understood() -> None:
    head = "external_id,Consent,Consent source,consent-at,consent_expires\n"
    (row,) = read(head + "c1,Legitimate interest,fair,2026-09-01,2027-09-01\n").rows
    assert row.contact.consent == Consent(
        ground="legitimate_interest",
        at=datetime(2026, 9, 1, tzinfo=UTC),
        expires_at=datetime(2027, 9, 1, tzinfo=UTC),
        source="fair",
    )
    assert row.contact.attributes == {}


@pytest.mark.parametrize("word", ["yes", "opt-in 2026", "LI"])
def test_a_free_word_for_a_consent_is_refused_with_the_words_that_are_taken(word: str) -> None:
    found = read(f"external_id,consent\nc1,{word}\n")
    assert found.rows == ()
    told = {fault.column: fault for fault in found.faults}
    assert {"consent_ground", "consent_at"} == set(told)
    for ground in Ground:
        assert ground.value in told["consent_ground"].mend


@pytest.mark.parametrize("column", ["consent_given", "email_consent", "Opt-In", "legal basis"])
def test_a_column_that_sounds_like_a_consent_never_becomes_an_attribute(column: str) -> None:
    found = read(f"external_id,{column}\nc1,express\n")
    assert found.rows == ()
    (fault,) = found.faults
    assert (fault.line, fault.column) == (1, column)
    assert "consent_ground" in fault.mend
    assert "express" in fault.mend


def test_a_column_about_the_companys_consents_is_an_attribute() -> None:
    (row,) = read("external_id,company.consent_tool\nc1,acme\n").rows
    assert row.contact.attributes == {"company.consent_tool": "acme"}


def test_two_names_of_one_column_are_refused() -> None:
    assert "twice" in read("external_id,consent,consent_ground\nc1,a,b\n").faults[0].reason


def test_a_row_with_the_address_of_another_contact_is_kept_and_told() -> None:
    book = Book()
    raw = b"external_id,email\nc1,ada@b.example\nc2,bo@b.example\n"
    assert import_contacts(book, raw, dry_run=False).notes == ()
    again = b"external_id,email\nc1,ada@b.example\nc3,ada@b.example\n"
    for dry_run in (True, False):
        report = import_contacts(book, again, dry_run=dry_run)
        assert (report.accepted, report.refused) == (2, 0)
        assert report.shared == len(report.notes)
        (note,) = (note for note in report.notes if note.line == 3)
        assert note.same_address_as == ("c1",)
    assert len(book.people_by_id) == 3


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_the_answer_is_rows_and_faults(raw: bytes) -> None:
    assert isinstance(read_contacts(raw), CsvContacts)
    found = read_contacts(HEAD.encode() + raw)
    assert len(found.rows) + len(found.faults) <= 6 * (raw.count(b"\n") + raw.count(b"\r") + 1)
