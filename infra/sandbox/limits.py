"""The documented limits of Mail Send: what the provider answers 400 to, and with which words."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec

from infra.sandbox.mail_send import MailSend, Personalization

BODY_BYTES_MAX = 30 * 1024 * 1024
PERSONALIZATIONS_MAX = 1000
RECIPIENTS_MAX = 1000
CATEGORIES_MAX = 10
CATEGORY_CHARACTERS_MAX = 255
CUSTOM_ARGS_BYTES_MAX = 10_000
GROUPS_MAX = 25
POOL_NAME_CHARACTERS = range(2, 65)
SEND_AHEAD_MAX = timedelta(hours=72)
RESERVED_HEADERS = frozenset(
    {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    }
)
CONTENT_ORDER = {"text/plain": 0, "text/html": 1}
_MAILBOX = re.compile(r"[^@\s<>]+@[^@\s<>]+")


class Refusal(msgspec.Struct, frozen=True):
    """One entry of the `errors` list."""

    message: str
    field: str | None = None
    help: str | None = None


Refusals = Iterator[Refusal]


def refusals(request: MailSend, now: datetime) -> list[Refusal]:
    """All that is wrong with the request; empty means the provider takes it."""
    found = [refusal for check in CHECKS for refusal in check(request)]
    return [*found, *_too_far_ahead(request, now)]


def _personalizations(request: MailSend) -> Refusals:
    count = len(request.personalizations)
    if not 1 <= count <= PERSONALIZATIONS_MAX:
        yield Refusal(
            "The personalizations field is required and must have between 1 and 1000 items.",
            "personalizations",
        )
    if sum(len(one.recipients()) for one in request.personalizations) > RECIPIENTS_MAX:
        yield Refusal("There is a limit of 1000 total recipients.", "personalizations")


def _recipients(request: MailSend) -> Refusals:
    for index, one in enumerate(request.personalizations):
        field = f"personalizations.{index}.to"
        if not one.to:
            yield Refusal("The to array is required for all personalization objects.", field)
        seen = [address.email.lower() for address in one.recipients()]
        if len(seen) != len(set(seen)):
            yield Refusal("Each email address in the personalization block must be unique.", field)
        for address in one.recipients():
            if not _MAILBOX.fullmatch(address.email):
                yield Refusal("Does not contain a valid address.", f"{field}.email")


def _senders(request: MailSend) -> Refusals:
    if not _MAILBOX.fullmatch(request.sender.email):
        yield Refusal("The from email does not contain a valid address.", "from.email")
    if request.reply_to is not None and request.reply_to_list:
        yield Refusal("Only one of reply_to and reply_to_list may be used.", "reply_to")
    if len(request.reply_to_list) > RECIPIENTS_MAX:
        yield Refusal("The reply_to_list may have at most 1000 addresses.", "reply_to_list")
    if request.reply_to is not None and not _MAILBOX.fullmatch(request.reply_to.email):
        yield Refusal("The reply_to email does not contain a valid address.", "reply_to.email")


def _subject(request: MailSend) -> Refusals:
    templated = request.template_id is not None
    if not templated and not all(
        one.subject or request.subject for one in request.personalizations
    ):
        yield Refusal("The subject is required unless a template is used.", "subject")


def _content(request: MailSend) -> Refusals:
    if not request.content and request.template_id is None:
        yield Refusal("Unless a valid template_id is provided, content is required.", "content")
    order = [CONTENT_ORDER.get(part.type, len(CONTENT_ORDER)) for part in request.content]
    if order != sorted(order):
        yield Refusal("text/plain must be first, followed by text/html.", "content")
    for index, part in enumerate(request.content):
        if not part.value or not part.type:
            yield Refusal(
                "The content value must be a string at least one character in length.",
                f"content.{index}.value",
            )


def _categories(request: MailSend) -> Refusals:
    if len(request.categories) > CATEGORIES_MAX:
        yield Refusal("There may be at most 10 categories.", "categories")
    if any(len(category) > CATEGORY_CHARACTERS_MAX for category in request.categories):
        yield Refusal("A category may have at most 255 characters.", "categories")


def _custom_args(request: MailSend) -> Refusals:
    for index, one in enumerate(request.personalizations):
        size = len(json.dumps({**request.custom_args, **one.custom_args}).encode())
        if size >= CUSTOM_ARGS_BYTES_MAX:
            yield Refusal(
                "The custom_args must be under 10,000 bytes.",
                f"personalizations.{index}.custom_args",
            )


def _headers(request: MailSend) -> Refusals:
    places: list[MailSend | Personalization] = [request, *request.personalizations]
    for place in places:
        for name, value in place.headers.items():
            if name.lower() in RESERVED_HEADERS:
                yield Refusal(f"The header {name} is reserved.", "headers")
            if any(sign in name + value for sign in "\r\n\0"):
                yield Refusal("A header may not contain line breaks.", "headers")


def _names(request: MailSend) -> Refusals:
    if request.asm is not None and len(request.asm.groups_to_display) > GROUPS_MAX:
        yield Refusal("There may be at most 25 groups to display.", "asm.groups_to_display")
    if request.ip_pool_name is not None and len(request.ip_pool_name) not in POOL_NAME_CHARACTERS:
        yield Refusal("The ip_pool_name must have 2 to 64 characters.", "ip_pool_name")


def _too_far_ahead(request: MailSend, now: datetime) -> Refusals:
    latest = (now + SEND_AHEAD_MAX).timestamp()
    places: list[MailSend | Personalization] = [request, *request.personalizations]
    if any(place.send_at is not None and place.send_at > latest for place in places):
        yield Refusal("Scheduling more than 72 hours in advance is not allowed.", "send_at")


CHECKS: tuple[Callable[[MailSend], Refusals], ...] = (
    _personalizations,
    _recipients,
    _senders,
    _subject,
    _content,
    _categories,
    _custom_args,
    _headers,
    _names,
)
