"""The marks that we put on a mail and find again in reports and replies: ids and tags only."""

import re
from uuid import UUID

import msgspec

from domain.ids import MessageId

MESSAGE = "antiphon_message"
ATTEMPT = "antiphon_attempt"
TENANT = "antiphon_tenant"

ATTEMPT_DIGITS_MAX = 9
_UUID = r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"
_REFERENCE = re.compile(rf"<({_UUID})\.([0-9]{{1,{ATTEMPT_DIGITS_MAX}}})@[^<>\s]+>", re.IGNORECASE)
_TOKEN = re.compile(rf"r\+([a-z0-9_-]+)\.({_UUID})@\S+", re.IGNORECASE)


class Mark(msgspec.Struct, frozen=True):
    """A message of ours that somebody names, with as much as they say of it."""

    message_id: MessageId
    attempt: int | None = None
    tenant_tag: str | None = None


def custom_args(message: MessageId, *, attempt: int, tenant_tag: str) -> dict[str, str]:
    """What the provider repeats in each report about the message; never an address or a name."""
    return {MESSAGE: str(message), ATTEMPT: str(attempt), TENANT: tenant_tag}


def message_id_header(message: MessageId, *, attempt: int, sender_domain: str) -> str:
    """The Message-ID of one attempt, which replies and late bounces refer to."""
    return f"<{message}.{attempt}@{sender_domain}>"


def in_references(text: str) -> list[Mark]:
    """Our messages among the Message-IDs of a header, nearest ancestor first."""
    found = _REFERENCE.findall(text)
    return [Mark(MessageId(UUID(message)), int(attempt)) for message, attempt in reversed(found)]


def in_address(address: str) -> Mark | None:
    """Our message in the plus token of a reply address `r+<tenant>.<message>@...`."""
    found = _TOKEN.fullmatch(address.strip())
    if found is None:
        return None
    return Mark(MessageId(UUID(found[2])), tenant_tag=found[1])


def message_of(text: str | None) -> MessageId | None:
    """The message id that a report repeats; None for anything else."""
    try:
        return None if text is None else MessageId(UUID(text))
    except ValueError:
        return None


def attempt_of(text: str | None) -> int | None:
    """The attempt that a report repeats; None for anything but a short decimal number."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > ATTEMPT_DIGITS_MAX:
        return None
    return int(text)
