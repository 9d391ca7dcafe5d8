"""A provider of messages and the reader of its reports."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from domain.ids import MessageId, TenantId
from domain.taxonomy import AnswerClass


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One e-mail as rendered and kept in the vault; what is sent is exactly this."""

    message_id: MessageId
    from_email: str
    from_name: str
    to_email: str
    to_name: str
    reply_to: str
    subject: str
    text: str
    html: str | None
    headers: Mapping[str, str]
    """Without Message-ID, which names the attempt and is added at the call."""
    sender_domain: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a call came to: `reason` is a class word for the log, `detail` is for the vault only."""

    kind: AnswerClass
    reason: str = ""
    provider_id: str = ""
    detail: str = ""
    retry_after_s: float | None = None
    counted: bool = True
    """Whether a NOT_SENT counts to the eight attempts (429, 401 and 403 do not)."""
    opens_circuit: bool = False


class Provider(Protocol):
    """Sends one message by one call, without retry, within its time-out; never raises."""

    def send(self, mail: Mail, *, attempt: int, tenant_tag: str) -> Answer: ...


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One open or click as it was observed; who was behind it is judged with its history."""

    signal: str
    at: datetime | None = None
    flagged: bool = False
    """The provider itself says that a machine opened."""
    useragent: str = ""
    ip: str = ""
    method: str = "GET"
    prefetch: bool = False
    link: str = ""
    """Which link of the mail was followed."""
    hidden: bool = False
    """A link that no person sees."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One event as a provider reported it, in our words; `problem` says why it cannot be used.

    `signal` is None for events that tell a plan nothing, and for kinds that are not known.
    """

    provider: str
    kind: str
    raw: bytes
    key: bytes
    signal: str | None = None
    at: datetime | None = None
    message_id: MessageId | None = None
    attempt: int | None = None
    tenant_tag: str | None = None
    provider_id: str | None = None
    smtp_id: str | None = None
    address: str | None = None
    url: str | None = None
    sight: Sight | None = None
    suppresses: bool = False
    lifts: bool = False
    """It takes back the ban of its ground, and no other."""
    ground: str = ""
    accepted: bool = False
    """The event proves that the provider took the message (settles UNKNOWN)."""
    reason: str = ""
    problem: str | None = None


class InvalidSignature(Exception):
    """The request is not from the provider, or not as it was sent; answered with 401."""


class WebhookReader(Protocol):
    """Verifies and translates the event webhooks of one provider."""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
        """Raise InvalidSignature unless the raw bytes are signed; True when late but accepted."""
        ...

    def read(self, body: bytes, *, tenant: TenantId) -> list[Report]:
        """The events of a verified body. Total: what cannot be read is a report with a problem."""
        ...

    def translate(self, raw: bytes, *, tenant: TenantId) -> Report:
        """One kept event again, as `read` gave it."""
        ...
