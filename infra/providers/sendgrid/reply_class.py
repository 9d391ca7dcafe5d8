"""Who or what wrote an inbound mail: we, a mail server, an automaton, or else a human."""

import re
from collections.abc import Mapping

import msgspec

from handlers.webhooks.words import ReplyClass

_AUTOMATIC_PRECEDENCE = ("auto_reply", "bulk", "junk")
_REPORTERS = ("mailer-daemon", "postmaster")
_AWAY_SUBJECT = re.compile(
    r"\s*(?:auto(?:matic|mated)?[- ]?(?:reply|response)|auto:|out[- ]of[- ](?:the[- ])?office|ooo\b"
    r"|abwesenheits|automatische antwort|réponse automatique|absence du bureau"
    r"|respuesta automática|risposta automatica|automatisch antwoord|autosvar)",
    re.IGNORECASE,
)


class Envelope(msgspec.Struct, frozen=True):
    """To whom a mail was delivered and who wrote it, in lower case.

    `bounces_nowhere`: the reverse path is known and empty, as of mail that machines write.
    """

    to: tuple[str, ...]
    writer: str
    bounces_nowhere: bool


def classify_reply(
    envelope: Envelope, headers: Mapping[str, str], *, subject: str, is_own: bool
) -> ReplyClass:
    """The class of an inbound mail; in doubt a human wrote it, because that stops the sends.

    Delivery reports come before automatic answers, since they too have an empty reverse path.
    """
    if is_own:
        return ReplyClass.OWN
    if _is_delivery_report(envelope, headers):
        return ReplyClass.BOUNCE_REPORT
    if envelope.bounces_nowhere or _says_automatic(headers) or _AWAY_SUBJECT.match(subject):
        return ReplyClass.AUTOMATIC
    return ReplyClass.HUMAN


def _is_delivery_report(envelope: Envelope, headers: Mapping[str, str]) -> bool:
    content_type = headers.get("content-type", "").lower()
    if "multipart/report" in content_type and "delivery-status" in content_type:
        return True
    return envelope.bounces_nowhere and envelope.writer.partition("@")[0] in _REPORTERS


def _says_automatic(headers: Mapping[str, str]) -> bool:
    submitted = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    return (
        submitted not in ("", "no")
        or "x-autoreply" in headers
        or "x-autorespond" in headers
        or headers.get("precedence", "").strip().lower() in _AUTOMATIC_PRECEDENCE
    )
