"""Sender accounts and the rules of a tenant's sending, and what is asked of their provider."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol, TypeVar

import msgspec

from domain.accounts import (
    Account,
    AccountRecorded,
    AccountSettings,
    AnswerCounts,
    Caps,
    Counts,
    Rules,
    SenderEvent,
    Sending,
    SendingEvent,
    caps_of,
)
from domain.recorded import Cause
from domain.taxonomy import CapName
from handlers.ports.streams import Transaction

SenderOrder = Callable[[Account], Sequence[SenderEvent]]
"""A decision about an account with its input bound: pure, and saying nothing the second time."""
SendingOrder = Callable[[Sending], Sequence[SendingEvent]]
"""The same about the tenant's sending as a whole."""
Done = TypeVar("Done")


class Why(msgspec.Struct, frozen=True):
    """What made an order happen and who gave it: a key's id or the name of a process.

    `note` is what a person said; it is kept in the vault, not in the log.
    """

    cause: Cause
    actor: str
    note: str = ""


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """A sender account as the gates read it; deleted ones have a row, too."""

    sender: str
    settings: AccountSettings
    verified: bool
    paused: str
    health: int
    warmup_max: int | None
    circuit_until: datetime | None
    circuit_needs_operator: bool
    away_until: datetime | None
    connected: bool
    deleted: bool

    def caps(self, rules: Rules) -> Caps:
        """Its own caps, and the tenant's where it has none."""
        return caps_of(self.settings, rules)

    def fit(self, health_min: int, now: datetime) -> bool:
        """Whether a new message may be given to it; its gates are asked again at every claim."""
        present = self.away_until is None or self.away_until <= now
        stands = self.verified and self.connected and not self.deleted
        return stands and present and not self.paused and self.health >= health_min


class CapNote(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that a claim found used up.

    `key` is the sender, the campaign's id, the class of the domain, or empty for the tenant.
    """

    cap: CapName
    key: str
    used: int
    limit: int
    until: datetime


class SenderAccounts(Protocol):
    """The sender accounts and rules of one tenant.

    What opens a gate makes due, in the same transaction, what that gate held.
    Whoever writes in an open transaction does so before the log of contact-campaigns is locked.
    """

    def rules(self, tx: Transaction | None = None) -> Rules: ...

    def rows(self, tx: Transaction | None = None) -> list[AccountRow]:
        """All accounts, by name."""
        ...

    def account(self, sender: str) -> Account:
        """One account as its facts make it; INITIAL when it has none."""
        ...

    def sending(self) -> Sending:
        """The tenant's sending as its facts make it."""
        ...

    def order(self, sender: str, decide: SenderOrder, why: Why) -> Sequence[SenderEvent]:
        """Decide and record, again after a conflict; a sender without an account gets one first."""
        ...

    def order_in(
        self, tx: Transaction, orders: Mapping[str, SenderOrder], why: Why
    ) -> Mapping[str, Sequence[SenderEvent]]:
        """The same for many senders in one that `together` opened; `Conflict` gives up all."""
        ...

    def order_all(self, decide: SenderOrder, why: Why) -> Mapping[str, Sequence[SenderEvent]]:
        """The same for every account that stands; only those with news are named."""
        ...

    def order_sending(self, decide: SendingOrder, why: Why) -> Sequence[SendingEvent]: ...

    def history(self, sender: str | None) -> list[AccountRecorded]:
        """The facts of an account in order; with None those of the tenant's sending."""
        ...

    def heard(
        self, counts: Mapping[str, AnswerCounts], now: datetime, jitter: float
    ) -> Mapping[str, Sequence[SenderEvent]]:
        """Count what a provider answered by sender, and open or close circuits by it."""
        ...

    def note_caps(self, tx: Transaction, reached: Sequence[CapNote], now: datetime) -> int:
        """Record which limits are used up; the number of facts, nought while all is known."""
        ...

    def together(self, work: Callable[[Transaction], Done]) -> Done:
        """Do work in one transaction, all or nothing; again after a conflict."""
        ...

    def adopt(self) -> int:
        """Give an account to every sender that has none yet."""
        ...


class Deliverability(Protocol):
    """What became of the mails of each sender."""

    def between(self, first: date, last: date) -> Mapping[str, Counts]:
        """The numbers of these days, both included, in UTC; a sender without mail is left out."""
        ...

    def waiting(self, sender: str) -> int:
        """How many messages are planned or queued to leave from a sender."""
        ...


class ProviderUnseen(Exception):
    """The provider did not answer, or not in a way that says anything: nothing is concluded."""


class ProviderAccount(Protocol):
    """The account that a tenant has with its provider; no call of it sends anything."""

    def verified(self) -> Mapping[str, bool]:
        """The addresses that the provider knows, in small letters, and whether each is verified.

        Raises ProviderUnseen.
        """
        ...

    def credentials_work(self) -> bool:
        """Whether the provider knows our credentials; raises ProviderUnseen."""
        ...
