"""Personal data and texts of a tenant, and the addresses it must not write to."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec

from domain.ids import ContactId, MessageId
from domain.plan import Plan
from domain.recorded import Cause
from handlers.ports.provider import Mail
from handlers.ports.streams import Transaction


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """Why a person may be written to (`domain.consent.Ground`), and the evidence of it."""

    ground: str
    at: datetime
    expires_at: datetime | None = None
    source: str = ""
    text_version: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A contact as the vault knows it; never leaves towards the log."""

    contact_id: ContactId
    snapshot: int
    vault_key: bytes
    external_id: str | None = None
    email: str | None = None
    email_hmac: bytes | None = None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    company: str | None = None
    city: str | None = None
    timezone: str | None = None
    linkedin_url: str | None = None
    phone: str | None = None
    country: str | None = None
    """ISO 3166: US, or a part such as US-CA."""
    subscriber: str | None = None
    """Individual or corporate."""
    consent: Consent | None = None
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """An identity that messages leave from."""

    sender: str
    from_email: str
    from_name: str
    first_name: str
    calendar_url: str
    reply_domain: str
    postal_address: str
    verified: bool
    paused: bool = False


class PlanRef(NamedTuple):
    """A plan as it was accepted: its hash, and the closed days its calendars then had."""

    plan_hash: str
    holidays: tuple[date, ...] = ()


class ReportRef(NamedTuple):
    """The report of an acceptance: the plan it is about, and its SHA-256 as the log has it."""

    plan_hash: str
    digest: str


class Note(msgspec.Struct, frozen=True):
    """Words that somebody or something left about a stream, a message, a task or a campaign."""

    subject_id: UUID
    kind: str
    text: str
    at: datetime


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered message on its way into the vault: the mail, its links by number, its proof."""

    message_id: MessageId
    contact_id: ContactId
    snapshot: int
    mail: Mail
    links: tuple[str, ...]
    body_mac: str
    sender: str


class Vault(Protocol):
    """Personal data and texts of one tenant."""

    def people(
        self, ids: Iterable[ContactId], tx: Transaction | None = None
    ) -> Mapping[ContactId, Person]: ...

    def senders(self, tx: Transaction | None = None) -> Mapping[str, Sender]: ...

    def plans(
        self, wanted: Iterable[PlanRef], tx: Transaction | None = None
    ) -> Mapping[PlanRef, Plan]:
        """Compiled plans; what the vault does not have is left out."""
        ...

    def documents(
        self, hashes: Iterable[str], tx: Transaction | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Canonical plan documents by hash."""
        ...

    def reports(self, wanted: Iterable[ReportRef]) -> Mapping[ReportRef, bytes]:
        """The reports that plans were accepted with; what the vault does not have is left out."""
        ...

    def keep_rendered(self, tx: Transaction, rendered: Sequence[Rendered]) -> None: ...

    def mails(
        self, ids: Iterable[MessageId], tx: Transaction | None = None
    ) -> Mapping[MessageId, tuple[Mail, bytes]]:
        """Rendered mails with the vault key of their contact."""
        ...

    def keep_note(self, subject: UUID, contact: ContactId | None, kind: str, text: str) -> None: ...

    def noted(self, subjects: Iterable[UUID], limit: int) -> list[Note]:
        """What was noted about these things: the latest so many, oldest first."""
        ...

    def link(self, message_id: MessageId, number: int) -> str | None:
        """The target of a link as it was rendered; clicks go nowhere else."""
        ...

    def keep_reply(self, reply_id: UUID, received: Mapping[str, Any]) -> None:
        """Keep the words of a reply: message_id, class, subject, text, html, sender."""
        ...


class Suppression(msgspec.Struct, frozen=True):
    """A ban on an address, by its HMAC; for good where nothing says until when.

    `ground` is what may be lifted by itself, as `group:17`; without one it is the reason.
    `cause` is the report or order that it came from. With a `contact_id` a person said it: it is
    about every address that the contact has or had, and `address` may be empty.
    """

    family: str
    address: str
    reason: str
    source: str
    at: datetime
    ground: str = ""
    expires_at: datetime | None = None
    cause: Cause | None = None
    contact_id: ContactId | None = None


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """A ban as it stands in the list: the digest in the place of the address."""

    family: str
    address_hmac: bytes
    ground: str
    reason: str
    source: str
    at: datetime
    expires_at: datetime | None
    """Also when it was lifted."""
    cause: Cause | None


class Lift(msgspec.Struct, frozen=True):
    """That a person may be written to again as far as this one ground goes.

    With a `contact_id` at every address that the contact has or had.
    """

    family: str
    address: str
    ground: str
    at: datetime
    contact_id: ContactId | None = None


class Suppressions(Protocol):
    """Addresses that must not be written to."""

    def add(self, tx: Transaction | None, bans: Sequence[Suppression]) -> None:
        """Write bans; the first reason stays. The address is turned into its HMAC here.

        What is dated before its ground was lifted is old news and bans nobody.
        """
        ...

    def lift(self, lifts: Sequence[Lift]) -> None:
        """Take single grounds away; another ground of the same address goes on to ban it.

        A lift that comes before the older ban it is about is remembered.
        """
        ...

    def banned(self, family: str, addresses: Iterable[str], now: datetime) -> set[str]:
        """Those of the addresses that are banned at this instant."""
        ...
