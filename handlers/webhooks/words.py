"""What reports and replies of any provider mean to us: the words their adapters translate into."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from domain.ids import MessageId
from domain.taxonomy import Signal


class Meaning(msgspec.Struct, frozen=True):
    """What a kind of report means: a signal, proof of acceptance, a ban or the end of one."""

    signal: Signal | None = None
    accepted: bool = False
    suppresses: bool = False
    lifts: bool = False


TAKEN = Meaning(accepted=True)
"""The provider has the message; no news for a plan."""
DELIVERED = Meaning(Signal.DELIVERED, accepted=True)
DEFERRED = Meaning(Signal.DEFERRED, accepted=True)
"""Also soft bounces and blocks (A12): they count for reputation, the address stays good."""
BOUNCED = Meaning(Signal.BOUNCED, accepted=True, suppresses=True)
DROPPED = Meaning(Signal.BOUNCED, accepted=True)
"""The provider took the request and threw the message away for a reason other than the address."""
DROPPED_FOR_ADDRESS = Meaning(Signal.BOUNCED, accepted=True, suppresses=True)
OPENED = Meaning(Signal.OPENED, accepted=True)
CLICKED = Meaning(Signal.CLICKED, accepted=True)
SPAM_REPORTED = Meaning(Signal.SPAM_REPORTED, accepted=True, suppresses=True)
UNSUBSCRIBED = Meaning(Signal.UNSUBSCRIBED, accepted=True, suppresses=True)
RESUBSCRIBED = Meaning(accepted=True, lifts=True)
"""The person came back to one group of mails: only what that group had set is lifted."""
ACCOUNT_CHANGED = Meaning()
"""About the account, not about a message: its senders are paused."""
UNKNOWN = Meaning()
"""A word we do not know: kept and counted, never an error."""


class ReplyClass(StrEnum):
    """Who or what wrote an inbound message; only a human reply stops a plan."""

    HUMAN = "human"
    AUTOMATIC = "automatic"
    BOUNCE_REPORT = "bounce_report"
    OWN = "own"


class MatchedBy(StrEnum):
    """Where an inbound message names the message it answers."""

    TOKEN = "token"  # noqa: S105  # a word, no secret
    IN_REPLY_TO = "in_reply_to"
    REFERENCES = "references"
    NOTHING = ""


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """An inbound message in our words; `problems` says what of it could not be read.

    Without a `message_id` it is for the weak match by address and subject.
    """

    provider: str
    key: bytes
    reply_class: ReplyClass
    message_id: MessageId | None = None
    attempt: int | None = None
    tenant_tag: str | None = None
    matched_by: MatchedBy = MatchedBy.NOTHING
    address: str | None = None
    subject: str = ""
    text: str = ""
    html: str = ""
    opt_out: str = ""
    """The words that ask for no more mail, of a human reply; empty when there are none."""
    at: datetime | None = None
    returns_on: date | None = None
    """Of an automatic reply that says until when its writer is away."""
    problems: tuple[str, ...] = ()


class EncodedBody(Exception):
    """The body has a Content-Encoding, so its signed bytes are not at hand; answered with 415."""


class InboundReader(Protocol):
    """Verifies and translates the inbound messages of one provider."""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
        """As `WebhookReader.verify`."""
        ...

    def read_inbound(self, content_type: str, body: bytes, *, now: datetime) -> Inbound:
        """The message of a verified body. Total: what cannot be read is named in `problems`."""
        ...
