"""Contacts in PostgreSQL: consent with its evidence, one person twice, addresses to be checked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.ids import ContactId, TenantId, schema_of
from domain.taxonomy import AddressVerdict
from handlers.addresses import Checked
from handlers.contacts import ContactChange, ContactRow, NewContact, changed, row_of
from handlers.ports.vault import Consent
from infra.entropy import SystemRng
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database
from infra.vault.address_checks import SqlAddressChecks
from infra.vault.addresses import AddressMac, profile_key
from infra.vault.contacts import Contacts

pytestmark = pytest.mark.postgres

GIVEN = datetime(2026, 9, 1, tzinfo=UTC)
NOW = datetime(2026, 9, 7, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CONSENT = Consent(ground="express", at=GIVEN, source="fair", text_version="v2")
WITHDRAWN = Consent(ground="none", at=NOW)


class Vault:
    """The contacts of a tenant, with short names for what tests do."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self.database, self.tenant = database, tenant
        self.mac = AddressMac(b"pepper", tenant)
        self.book = Contacts(database, tenant, self.mac, SystemRng())
        self.checks = SqlAddressChecks(database, tenant)

    def put(self, **fields: Any) -> ContactId:
        return self.book.put([ContactRow(**fields)])[0].contact_id

    def alike(self, *rows: dict[str, Any]) -> list[tuple[str, ...]]:
        return [one.same_address_as for one in self.book.put([ContactRow(**row) for row in rows])]

    def rows(self, text: Any) -> list[Row]:
        with self.database.tenant_tx(self.tenant) as curs:
            return Statements(schema_of(self.tenant)).rows(transaction(curs), text)

    def evidence(self) -> list[Row]:
        return self.rows("SELECT ground, source FROM {s}.consents ORDER BY consent_id")


@pytest.fixture
def vault(database: Database, tenant: TenantId) -> Vault:
    return Vault(database, tenant)


def test_a_consent_is_kept_as_given_and_read_back(vault: Vault) -> None:
    fields = {"country": "CA-QC", "subscriber": "corporate", "consent": CONSENT}
    contact = vault.put(external_id="c1", **fields)
    person = vault.book.by_id([contact])[contact]
    assert (person.country, person.subscriber, person.consent) == tuple(fields.values())
    assert vault.book.page(None, 1) == [person]


def test_each_change_of_a_consent_is_evidence_and_saying_it_again_is_none(vault: Vault) -> None:
    contact = vault.put(external_id="c1", consent=CONSENT)
    vault.put(external_id="c1", consent=CONSENT, first_name="Ada")
    vault.put(external_id="c1", consent=WITHDRAWN)
    vault.book.change(contact, lambda person: replace(person, city="Porto"))
    vault.book.change(contact, lambda person: replace(person, consent=CONSENT))
    vault.book.change(contact, lambda person: replace(person, consent=None))
    vault.put(external_id="c2")
    assert vault.evidence() == [
        ("express", "fair"),
        ("none", ""),
        ("express", "fair"),
        (None, None),
    ]


def test_an_import_that_does_not_tell_country_kind_and_consent_takes_none_away(
    vault: Vault,
) -> None:
    """Without its country a contact would be under milder rules."""
    fields = {"country": "DE", "subscriber": "individual", "consent": CONSENT}
    contact = vault.put(external_id="c1", city="Bonn", **fields)
    vault.put(external_id="c1")
    person = vault.book.by_id([contact])[contact]
    assert (person.country, person.subscriber, person.consent) == tuple(fields.values())
    assert person.city is None


def test_a_later_consent_replaces_the_whole_of_the_one_before(vault: Vault) -> None:
    contact = vault.put(external_id="c1", consent=CONSENT)
    vault.put(external_id="c1", consent=WITHDRAWN)
    assert vault.book.by_id([contact])[contact].consent == WITHDRAWN


def test_an_implied_consent_ends_by_its_kind_when_nobody_told_until_when(vault: Vault) -> None:
    given = NewContact.model_validate(
        {"external_id": "c1", "consent": {"ground": "implied_inquiry", "at": "2026-09-01"}}
    )
    contact = vault.book.put([row_of(given)])[0].contact_id
    consent = vault.book.by_id([contact])[contact].consent
    assert consent is not None
    assert consent.expires_at == datetime(2027, 3, 1, tzinfo=UTC)


def test_a_person_changes_a_consent_and_clears_a_country(vault: Vault) -> None:
    contact = vault.put(external_id="c1", country="DE")
    change = ContactChange.model_validate(
        {"country": None, "consent": {"ground": "express", "at": "2026-09-01T00:00:00Z"}}
    )
    after = vault.book.change(contact, lambda person: changed(person, change))
    assert after is not None
    assert (after.country, after.consent) == (None, Consent(ground="express", at=GIVEN))


def test_a_person_under_two_contacts_is_told_by_address_and_by_profile(vault: Vault) -> None:
    assert vault.alike({"external_id": "a", "email": "Ada.L@gmail.com"}) == [()]
    assert vault.alike(
        {"external_id": "b", "email": "adal+news@googlemail.com"},
        {"external_id": "c", "linkedin_url": "https://www.linkedin.com/in/Ada/?x=1"},
        {"external_id": "d", "linkedin_url": "http://uk.linkedin.com/in/ada/de"},
        {"external_id": "e", "email": "bo@example.com"},
    ) == [("a",), ("d",), ("c",), ()]
    assert vault.alike({"external_id": "a", "email": "ada.l@gmail.com"}) == [("b",)]


def test_nothing_is_written_to_tell_who_would_be_the_same(vault: Vault) -> None:
    vault.put(external_id="a", email="ada@example.com")
    rows = [
        ContactRow(external_id="b", email="ADA@example.com"),
        ContactRow(external_id="a", email="bo@example.com"),
        ContactRow(external_id="c", email="cy@example.com"),
    ]
    assert vault.book.sharing(rows) == [(), (), ()]  # `a` has another address by then
    assert vault.book.sharing(rows[:1]) == [("a",)]
    assert vault.rows("SELECT count(*) FROM {s}.contacts") == [(1,)]


def test_no_more_than_five_of_a_shared_address_are_named(vault: Vault) -> None:
    rows = [{"external_id": f"c{number}", "email": "info@example.com"} for number in range(9)]
    assert vault.alike(*rows)[0] == ("c1", "c2", "c3", "c4", "c5")


def test_the_digest_of_a_profile_is_written_and_follows_every_change(vault: Vault) -> None:
    contact = vault.put(external_id="a", linkedin_url="https://www.linkedin.com/in/ada")
    stored = "SELECT linkedin_hmac FROM {s}.contacts"
    assert vault.rows(stored) == [(vault.mac.of_profile("linkedin.com/in/ADA/"),)]
    vault.book.change(
        contact, lambda one: replace(one, linkedin_url="https://www.linkedin.com/in/bo")
    )
    assert vault.rows(stored) == [(vault.mac.of_profile("linkedin.com/in/bo"),)]
    vault.book.change(contact, lambda person: replace(person, linkedin_url=None))
    assert vault.rows(stored) == [(None,)]


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.linkedin.com/in/Ada-L/", "linkedin.com/in/ada-l"),
        ("http://de.linkedin.com/in/ada-l?trk=x#about", "linkedin.com/in/ada-l"),
        ("LinkedIn.com/in/ada-l/en", "linkedin.com/in/ada-l"),
        ("https://linkedin.com/in/zo%C3%AB", "linkedin.com/in/zoë"),
        ("https://www.linkedin.com/pub/ada/1/2/3", "linkedin.com/pub/ada/1/2/3"),
        ("https://www.linkedin.example/in/Ada/", "linkedin.example/in/ada"),
        ("https://[broken", "https://[broken"),
    ],
)
def test_all_spellings_of_a_profile_are_one(url: str, key: str) -> None:
    assert profile_key(url) == key


def test_a_new_address_is_due_for_a_check_once_and_then_when_its_verdict_is_old(
    vault: Vault,
) -> None:
    contact = vault.put(external_id="a", email="ada@example.com")
    vault.put(external_id="b", email="ADA+x@example.com")
    assert vault.checks.verdicts([contact]) == {contact: AddressVerdict.UNCHECKED}
    (due,) = vault.checks.take(NOW, LATER, 10)
    assert due.key == vault.mac("ada@example.com")
    assert vault.checks.take(NOW, LATER, 10) == []
    vault.checks.keep([Checked(due.key, AddressVerdict.RISKY, "dns")], NOW, NOW + timedelta(90))
    assert vault.checks.verdicts([contact]) == {contact: AddressVerdict.RISKY}
    assert vault.checks.take(NOW + timedelta(days=89), LATER, 10) == []
    vault.put(external_id="a", email="ada@example.com")
    assert vault.checks.take(NOW + timedelta(days=89), LATER, 10) == []
    assert len(vault.checks.take(NOW + timedelta(days=90), LATER, 10)) == 1


def test_an_address_whose_check_gave_nothing_comes_again_with_its_old_verdict(
    vault: Vault,
) -> None:
    contact = vault.put(external_id="a", email="ada@example.com")
    (due,) = vault.checks.take(NOW, LATER, 10)
    vault.checks.keep([Checked(due.key, AddressVerdict.VALID, "dns")], NOW, NOW)
    vault.checks.take(NOW, LATER, 10)
    vault.checks.keep([], NOW, NOW)
    assert vault.checks.verdicts([contact]) == {contact: AddressVerdict.VALID}
    assert len(vault.checks.take(LATER, LATER, 10)) == 1


def test_an_address_that_nobody_has_is_not_checked_until_somebody_has_it_again(
    vault: Vault,
) -> None:
    contact = vault.put(external_id="a", email="ada@example.com")
    vault.book.change(contact, lambda person: replace(person, email=None))
    assert vault.checks.take(NOW, LATER, 10) == []
    assert vault.checks.take(LATER + timedelta(days=400), LATER, 10) == []
    assert vault.checks.verdicts([contact]) == {}
    vault.book.change(contact, lambda person: replace(person, email="ada@example.com"))
    assert [one.address for one in vault.checks.take(NOW, LATER, 10)] == ["ada@example.com"]


def test_two_who_take_at_once_take_different_addresses(vault: Vault) -> None:
    for number in range(3):
        vault.put(external_id=str(number), email=f"c{number}@example.com")
    taken = [vault.checks.take(NOW, LATER, 2), vault.checks.take(NOW, LATER, 2)]
    assert [len(each) for each in taken] == [2, 1]
    assert len({one.key for each in taken for one in each}) == 3
