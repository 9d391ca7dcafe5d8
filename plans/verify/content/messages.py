"""A send has one kind of content, and the content fits its channel (plan-dsl.md 2.4)."""

from collections.abc import Iterator, Mapping

from domain.taxonomy import Channel
from plans.schema.models import Send
from plans.schema.parts import Message
from plans.verify.content.places import Sends, contents
from plans.verify.report import Issue, issue

TEXT_CHARACTERS_MAX: Mapping[Channel, int] = {
    Channel.SMS: 480,
    Channel.LINKEDIN_INVITE: 300,
    Channel.LINKEDIN_MESSAGE: 1_900,
}
"""The longest template of a text on channels that bound it; a mail may be of any length."""


def messages(sends: Sends) -> Iterator[Issue]:
    """Content that is absent, given twice, of the wrong kind or too long."""
    for at, send in sends:
        yield from _given_once(at, send)
    for at, send, message in contents(sends):
        yield from _not_allowed(at, send, message)
        yield from _missing(at, send, message)
        yield from _too_long(at, send, message)


def _given_once(at: str, send: Send) -> Iterator[Issue]:
    if send.message is None and not send.variants:
        yield issue(
            "E_MESSAGE_MISSING",
            at,
            f'"{send.id}" has nothing to send: neither message nor variants',
            node=send.id,
            suggestion=f"add {_example(send.channel)}",
        )
    if send.message is not None and send.variants:
        yield issue(
            "E_MESSAGE_AND_VARIANTS",
            at,
            f'"{send.id}" has both a message and variants',
            node=send.id,
            suggestion="keep one of them",
        )


def _example(channel: Channel) -> str:
    return '{"message": {"subject": …, "text": …}}' if channel is Channel.EMAIL else _TEXT_EXAMPLE


_TEXT_EXAMPLE = '{"message": {"text": …}}'


def _not_allowed(at: str, send: Send, message: Message) -> Iterator[Issue]:
    if send.channel is Channel.EMAIL:
        return
    wrong = [
        at + path
        for path, given in (("/subject", message.subject), ("/html", message.html))
        if given is not None
    ]
    if wrong:
        yield issue(
            "E_MESSAGE_FIELD",
            wrong[0],
            f"a message on {send.channel} has a text only",
            node=send.id,
            expected=["text"],
            suggestion="remove it",
            patch=tuple({"op": "remove", "path": path} for path in wrong),
        )


def _missing(at: str, send: Send, message: Message) -> Iterator[Issue]:
    wanted = list(_wanted(send.channel, message))
    if wanted:
        yield issue(
            "E_MESSAGE_FIELD",
            at,
            f"a message on {send.channel} needs {' and '.join(wanted)}",
            node=send.id,
            expected=wanted,
            suggestion=f"add {' and '.join(wanted)}",
        )


def _wanted(channel: Channel, message: Message) -> Iterator[str]:
    if channel is Channel.EMAIL:
        if message.reply_to is None and _blank(message.subject):
            yield "subject or replyTo"
        if _blank(message.html) and _blank(message.text):
            yield "html or text"
    elif channel is not Channel.LINKEDIN_INVITE and _blank(message.text):
        yield "text"


def _blank(text: str | None) -> bool:
    """Whether nothing would be sent: a mail of blanks alone is refused when it is rendered."""
    return text is None or not text.strip()


def _too_long(at: str, send: Send, message: Message) -> Iterator[Issue]:
    longest = TEXT_CHARACTERS_MAX.get(send.channel)
    if longest is not None and message.text is not None and len(message.text) > longest:
        yield issue(
            "E_MESSAGE_TOO_LONG",
            at + "/text",
            f"a text on {send.channel} has at most {longest} characters",
            node=send.id,
            expected=longest,
            got=len(message.text),
            suggestion=f"shorten it by {len(message.text) - longest} characters",
        )
