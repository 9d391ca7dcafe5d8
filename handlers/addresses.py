"""Addresses: whether a text is one, and what its domain and the provider say about it."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from domain.ids import ContactId
from domain.taxonomy import AddressVerdict
from handlers.ports import Clock

BATCH = 100
MAX_AGE_DAYS = 90
AGAIN_AFTER = timedelta(hours=1)
"""When an address comes again that nobody could tell anything about, or whose worker died."""
DNS = "dns"


class Domains(Protocol):
    """Whether domains take mail."""

    def verdict(self, domain: str) -> AddressVerdict:
        """Valid, invalid, or unchecked where nobody answered in time. Never raises."""
        ...


class Validation(Protocol):
    """A provider that judges addresses."""

    name: str

    def verdict(self, address: str) -> AddressVerdict:
        """Its verdict, or unchecked where there is none. Never raises."""
        ...


class ToCheck(msgspec.Struct, frozen=True):
    """An address that is due to be looked at, and its keyed digest."""

    key: bytes
    address: str


class Checked(msgspec.Struct, frozen=True):
    """What was found out about an address, and by whom."""

    key: bytes
    verdict: AddressVerdict
    source: str


class AddressChecks(Protocol):
    """The verdicts of one tenant, kept by the digests of the addresses."""

    def verdicts(self, ids: Iterable[ContactId]) -> Mapping[ContactId, AddressVerdict]:
        """Those of the contacts that have an address."""
        ...

    def take(self, now: datetime, again_at: datetime, limit: int) -> list[ToCheck]:
        """Addresses that are due; each is due again only at `again_at`, unless it is kept."""
        ...

    def keep(self, checked: Sequence[Checked], now: datetime, due_at: datetime) -> None:
        """Write verdicts down, and when they are looked at again."""
        ...


class Addresses:
    """Looks at the addresses of one tenant in the background and tells what it found."""

    def __init__(
        self,
        checks: AddressChecks,
        clock: Clock,
        executor: Executor,
        *,
        domains: Domains | None = None,
        validation: Validation | None = None,
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._executor = executor
        self._domains = domains
        self._validation = validation

    @property
    def checking(self) -> bool:
        """Whether anybody looks at all; where nobody does, an unchecked address is written to."""
        return self._domains is not None or self._validation is not None

    def verdicts(self, ids: Iterable[ContactId]) -> Mapping[ContactId, AddressVerdict]:
        """What is known now of those contacts that have an address; nobody is asked for it."""
        found = self._checks.verdicts(ids)
        if self.checking:
            return found
        return {one: _unless_checked(verdict) for one, verdict in found.items()}

    def check_batch(self, max_age_days: int = MAX_AGE_DAYS) -> int:
        """Look at addresses that are due, several at once; how many were. Safe to repeat."""
        if not self.checking:
            return 0
        now = self._clock.now()
        taken = self._checks.take(now, now + AGAIN_AFTER, BATCH)
        looked = list(self._executor.map(self._look, taken))
        told = [one for one in looked if one.verdict is not AddressVerdict.UNCHECKED]
        self._checks.keep(told, now, now + timedelta(days=max_age_days))
        return len(taken)

    def _look(self, one: ToCheck) -> Checked:
        """The domain first: it costs nothing, and a provider asks a price for each address."""
        found = AddressVerdict.UNCHECKED
        if self._domains is not None:
            found = self._domains.verdict(one.address.rpartition("@")[2])
        if self._validation is None or found is AddressVerdict.INVALID:
            return Checked(one.key, found, DNS)
        return Checked(one.key, self._validation.verdict(one.address), self._validation.name)


def check_syntax(text: str) -> str:
    """The address as it is stored: in ASCII, its domain in small letters; else a ValueError.

    Whatever is reserved for tests and examples may be an address; whether mail gets there is the
    domain's answer to give.
    """
    from email_validator import EmailSyntaxError, validate_email  # noqa: PLC0415  # slow to load

    try:
        found = validate_email(
            text,
            allow_smtputf8=False,
            strict=True,
            check_deliverability=False,
            test_environment=True,
        )
    except EmailSyntaxError:
        found = None
    if found is None or found.ascii_email is None or "." not in found.ascii_domain:
        raise ValueError("is not an e-mail address such as ada@example.com")
    return found.ascii_email


def _unless_checked(verdict: AddressVerdict) -> AddressVerdict:
    return AddressVerdict.VALID if verdict is AddressVerdict.UNCHECKED else verdict
