"""SendGrid's words for what happened to a mail, in ours."""

from collections.abc import Mapping

from handlers.webhooks import words
from handlers.webhooks.words import Meaning

MEANING_OF: Mapping[str, Meaning] = {
    "processed": words.TAKEN,
    "dropped": words.DROPPED,
    "delivered": words.DELIVERED,
    "deferred": words.DEFERRED,
    "bounce": words.BOUNCED,
    "open": words.OPENED,
    "click": words.CLICKED,
    "spamreport": words.SPAM_REPORTED,
    "unsubscribe": words.UNSUBSCRIBED,
    "group_unsubscribe": words.UNSUBSCRIBED,
    "group_resubscribe": words.RESUBSCRIBED,
    "account_status_change": words.ACCOUNT_CHANGED,
}
"""All twelve types of the event webhook."""

GROUP_KINDS = ("group_unsubscribe", "group_resubscribe")
"""About one group of mails only, whose id is their ground."""

BLOCKED = "blocked"
"""The type of a bounce that is none: the address stays good."""

DROP_REASONS: Mapping[str, tuple[str, Meaning]] = {
    "invalid smtpapi header": ("invalid_smtpapi", words.DROPPED),
    "spam content": ("spam_content", words.DROPPED),
    "unsubscribed address": ("unsubscribed_address", words.DROPPED_FOR_ADDRESS),
    "bounced address": ("bounced_address", words.DROPPED_FOR_ADDRESS),
    "spam reporting address": ("spam_reporting_address", words.DROPPED_FOR_ADDRESS),
    "invalid": ("invalid", words.DROPPED),
    "recipient list over package quota": ("over_quota", words.DROPPED),
}
"""`over_quota` opens the circuit of the sender."""

BOUNCE_CLASSES: Mapping[str, str] = {
    "content": "content",
    "frequency or volume too high": "volume",
    "invalid address": "invalid_address",
    "mailbox unavailable": "mailbox_unavailable",
    "reputation": "reputation",
    "technical failure": "technical",
    "unclassified": "unclassified",
}


def meaning_of(kind: str, *, type_: str, reason: str) -> Meaning:
    """What an event of this kind means; a word that is not in the tables is kept and means nothing.

    A bounce without a known type is a hard one: in doubt the address is not written to again.
    """
    if kind == "bounce" and type_.casefold() == BLOCKED:
        return words.DEFERRED
    if kind == "dropped":
        return DROP_REASONS.get(_plain(reason), ("", words.DROPPED))[1]
    return MEANING_OF.get(kind, words.UNKNOWN)


def reason_class(kind: str, *, type_: str, reason: str, classification: str) -> str:
    """Why, as a word without personal data; the provider's text stays in the raw report."""
    match kind:
        case "dropped":
            return DROP_REASONS.get(_plain(reason), ("other", words.DROPPED))[0]
        case "bounce":
            if type_.casefold() == BLOCKED:
                return BLOCKED
            return BOUNCE_CLASSES.get(_plain(classification), "unclassified")
        case "account_status_change":
            return "_".join(_plain(type_).split())[:40] or "unknown"
        case _:
            return ""


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
