"""Addresses: what is one, and how what is found out about them is asked for and kept."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.ids import ContactId
from handlers.addresses import (
    AGAIN_AFTER,
    Addresses,
    AddressVerdict,
    Checked,
    ToCheck,
    check_syntax,
)
from tests.handlers.web_fakes import NOON, StandingClock

VALID, RISKY, INVALID, UNCHECKED = AddressVerdict
ADA, BO = ContactId(UUID(int=1)), ContactId(UUID(int=2))


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada.Lovelace+a@Example.COM", "Ada.Lovelace+a@example.com"),
        ("o'neil@mail.example", "o'neil@mail.example"),
        ("dana@harbor.test", "dana@harbor.test"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_stored_in_ascii_with_its_domain_in_small_letters(
    text: str, stored: str
) -> None:
    assert check_syntax(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@test",
        "ada..l@example.com",
        ".ada@example.com",
        "ada@-example.com",
        "ada@localhost",
        "ada@host.local",
        "ada@[192.0.2.1]",
        '"ada l"@example.com',
        "Ada <ada@example.com>",
        "a@b.example, c@d.example",
        "ada@example.com\n",
        "ädä@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "a" * 64 + ".com",
        "ada@" + "abcdefgh." * 30 + "com",
    ],
)
def test_what_no_mail_server_takes_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is not an e-mail address such as ada@example\.com$"):
        check_syntax(text)


class Checks:
    """Implements AddressChecks on a dict by address; the digest of an address is its bytes."""

    def __init__(self, *addresses: str) -> None:
        self.due = dict.fromkeys(addresses, NOON)
        self.known: dict[str, tuple[AddressVerdict, str]] = {}

    def verdicts(self, ids: Iterable[ContactId]) -> dict[ContactId, AddressVerdict]:
        held = [verdict for verdict, _ in self.known.values()] or [UNCHECKED]
        return dict.fromkeys(ids, held[0])

    def take(self, now: datetime, again_at: datetime, limit: int) -> list[ToCheck]:
        found = [address for address, due in self.due.items() if due <= now][:limit]
        self.due.update(dict.fromkeys(found, again_at))
        return [ToCheck(address.encode(), address) for address in found]

    def keep(self, checked: Sequence[Checked], now: datetime, due_at: datetime) -> None:
        assert now == NOON
        for one in checked:
            self.known[one.key.decode()] = (one.verdict, one.source)
            self.due[one.key.decode()] = due_at


class Told:
    """Implements Domains and Validation: answers as told and notes whom it was asked about."""

    name = "played"

    def __init__(self, **verdicts: AddressVerdict) -> None:
        self.verdicts = verdicts
        self.asked: list[str] = []

    def verdict(self, address: str) -> AddressVerdict:
        self.asked.append(address)
        return self.verdicts.get(address.partition(".")[0].partition("@")[0], VALID)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_the_domain_is_asked_first_and_the_provider_only_about_what_may_be_good(
    threads: ThreadPoolExecutor,
) -> None:
    checks = Checks("ada@good.example", "bo@bad.example", "cy@slow.example")
    domains, provider = Told(bad=INVALID, slow=UNCHECKED), Told(ada=RISKY)
    found = Addresses(checks, StandingClock(), threads, domains=domains, validation=provider)
    assert found.check_batch() == 3
    assert sorted(domains.asked) == ["bad.example", "good.example", "slow.example"]
    assert sorted(provider.asked) == ["ada@good.example", "cy@slow.example"]
    assert checks.known == {
        "ada@good.example": (RISKY, "played"),
        "bo@bad.example": (INVALID, "dns"),
        "cy@slow.example": (VALID, "played"),
    }


def test_a_verdict_is_kept_for_its_days_and_no_answer_is_asked_for_again_sooner(
    threads: ThreadPoolExecutor,
) -> None:
    checks = Checks("ada@good.example", "cy@slow.example")
    found = Addresses(checks, StandingClock(), threads, domains=Told(slow=UNCHECKED))
    assert [found.check_batch(max_age_days=30), found.check_batch()] == [2, 0]
    assert checks.known == {"ada@good.example": (VALID, "dns")}
    assert checks.due["ada@good.example"] == NOON + timedelta(days=30)
    assert checks.due["cy@slow.example"] == NOON + AGAIN_AFTER


def test_where_nobody_looks_an_unchecked_address_may_be_written_to_and_an_invalid_one_not(
    threads: ThreadPoolExecutor,
) -> None:
    checks = Checks("ada@good.example")
    nobody = Addresses(checks, StandingClock(), threads)
    assert nobody.check_batch() == 0
    assert checks.due == {"ada@good.example": NOON}
    assert nobody.verdicts([ADA, BO]) == {ADA: VALID, BO: VALID}
    checks.known["ada@good.example"] = (INVALID, "dns")
    assert nobody.verdicts([ADA]) == {ADA: INVALID}


def test_where_somebody_looks_an_unchecked_address_stays_unchecked(
    threads: ThreadPoolExecutor,
) -> None:
    assert Addresses(Checks(), StandingClock(), threads, domains=Told()).verdicts([ADA]) == {
        ADA: UNCHECKED
    }
