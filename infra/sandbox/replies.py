"""Answers of recipients as Inbound Parse posts: multipart form fields, a charset for each."""

import json
from datetime import datetime, timedelta
from email.utils import format_datetime, formataddr
from html import escape

import msgspec

from infra.sandbox.dice import Dice
from infra.sandbox.events import smtp_id
from infra.sandbox.persons import Kind
from infra.sandbox.planning import Planned

LETTERS = (
    "Sounds good, call me on Thursday.",
    "Thanks for reaching out. Could you send me prices for a team of 20?",
    "Interesting! I am copying our head of operations, she decides on this.",
    "Not now, we have just signed with another vendor. Maybe next year.",
    "Please take me off your list.",
    "Who gave you my address?",
    "Schöne Grüße aus München - gerne, schicken Sie mir einen Termin für nächste Woche.",
    "No thanks.",
)
AWAY_DAYS = (2, 5, 9, 14)


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What the recipient's mail program sends."""

    subject: str
    text: str
    html: str | None
    charset: str
    headers: dict[str, str]


def reply_post(planned: Planned, seed: int) -> tuple[str, bytes]:
    """Content type and body of the post for a reply or an automatic answer."""
    letter = _letter(planned, Dice(seed, "letter", *planned.name))
    token = Dice(seed, "reply", *planned.name).token(15)
    boundary = f"xYzZY{token.replace('_', 'a').replace('-', 'b')}"
    parts = [
        _part(boundary, name, value.encode(_charset(letter, name)))
        for name, value in _fields(planned, letter, token).items()
    ]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def _letter(planned: Planned, dice: Dice) -> Letter:
    if planned.reaction.kind is Kind.AWAY:
        return _away_letter(planned, dice)
    words = LETTERS[planned.reaction.choice % len(LETTERS)]
    quoted = "".join(f"> {line}\n" for line in planned.mail.excerpt.splitlines())
    text = f"{words}\n\n{quoted}" if quoted else f"{words}\n"
    latin = dice.chance(0.15) and _fits_latin_1(text)
    formatted = dice.chance(0.5)
    return Letter(
        subject=f"Re: {_one_line(planned.mail.subject)}",
        text=text,
        html=f"<div>{escape(words)}</div><blockquote>{escape(quoted)}</blockquote>"
        if formatted
        else None,
        charset="iso-8859-1" if latin else "UTF-8",
        headers={},
    )


def _away_letter(planned: Planned, dice: Dice) -> Letter:
    back = planned.at + timedelta(days=dice.pick(AWAY_DAYS))
    return Letter(
        subject=f"Automatic reply: {_one_line(planned.mail.subject)}",
        text=f"I am out of the office until {back.day} {back:%B %Y}.\n",
        html=None,
        charset="UTF-8",
        headers={
            "Auto-Submitted": "auto-replied",
            "X-Autoreply": "yes",
            "Precedence": "auto_reply",
        },
    )


def _fields(planned: Planned, letter: Letter, token: str) -> dict[str, str]:
    mail = planned.mail
    domain = mail.to.rpartition("@")[2]
    sender = formataddr((mail.to_name, mail.to))
    envelope = {"to": [mail.reply_to], "from": mail.to}
    bodies = {"text": letter.text} | ({} if letter.html is None else {"html": letter.html})
    charsets = dict.fromkeys(("to", "from", "subject"), "UTF-8") | dict.fromkeys(
        bodies, letter.charset
    )
    return {
        "headers": _headers(planned, letter, f"<{token}@{domain}>", sender),
        "dkim": f"{{@{domain} : pass}}",
        "to": mail.reply_to,
        "from": sender,
        "sender_ip": "198.51.100.25",
        "spam_report": "",
        "spam_score": "0.1",
        "subject": letter.subject,
        **bodies,
        "envelope": json.dumps(envelope, separators=(",", ":")),
        "charsets": json.dumps(charsets, separators=(",", ":")),
        "attachments": "0",
        "SPF": "pass",
    }


def _headers(planned: Planned, letter: Letter, message_id: str, sender: str) -> str:
    media = "text/plain" if letter.html is None else "multipart/alternative"
    headers = {
        "Message-ID": message_id,
        "In-Reply-To": smtp_id(planned),
        "References": smtp_id(planned),
        "From": sender,
        "To": planned.mail.reply_to,
        "Subject": letter.subject,
        "Date": _date(planned.at),
        "MIME-Version": "1.0",
        "Content-Type": media,
        **letter.headers,
    }
    return "".join(f"{name}: {value}\n" for name, value in headers.items())


def _date(at: datetime) -> str:
    return format_datetime(at)


def _charset(letter: Letter, field: str) -> str:
    return letter.charset if field in {"text", "html"} else "UTF-8"


def _part(boundary: str, name: str, value: bytes) -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + value + b"\r\n"


def _fits_latin_1(text: str) -> bool:
    return text.encode("latin-1", "replace").decode("latin-1") == text


def _one_line(text: str) -> str:
    return " ".join(text.split())
