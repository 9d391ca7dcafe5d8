"""Headers and bodies of a mail, from its header text or from the whole of it; total."""

from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser, HeaderParser
from email.policy import compat32

import msgspec

from infra.providers.sendgrid.form import decoded

PARTS_MAX = 200


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote: headers by lower-case name (the first of a name), plain text, HTML."""

    headers: dict[str, str]
    text: str = ""
    html: str = ""
    problems: tuple[str, ...] = ()


def header_fields(text: str) -> dict[str, str]:
    """The headers of a header block."""
    return _headers(HeaderParser(policy=compat32).parsestr(text.replace("\r\n", "\n")))


def read_mime(raw: bytes) -> Written:
    """The headers and the first plain and HTML body of a whole mail."""
    try:
        mail = BytesParser(policy=compat32).parsebytes(raw)
        headers, bodies = _headers(mail), _bodies(mail)
    except Exception:  # noqa: BLE001  # the parser raises anything on hostile mail; this is total
        return Written(headers={}, problems=("the mail is broken",))
    return Written(
        headers=headers,
        text=bodies.get("text/plain", ""),
        html=bodies.get("text/html", ""),
    )


def _bodies(mail: Message) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, part in enumerate(mail.walk()):
        if number >= PARTS_MAX:
            break
        kind = part.get_content_type()
        payload = None if part.is_multipart() else part.get_payload(decode=True)
        if kind not in found and isinstance(payload, bytes) and part.get_filename() is None:
            found[kind] = decoded(payload, part.get_content_charset())
    return found


def _headers(mail: Message) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in mail.items():
        fields.setdefault(name.lower(), _value(str(value)))
    return fields


def _value(text: str) -> str:
    """A header on one line, with encoded words decoded."""
    line = " ".join(text.split())
    if "=?" not in line:
        return decoded(line.encode("utf-8", "surrogateescape"), None)
    try:
        parts = decode_header(line)
    except (HeaderParseError, ValueError):
        return decoded(line.encode("utf-8", "surrogateescape"), None)
    return "".join(_word(part, charset) for part, charset in parts)


def _word(part: bytes | str, charset: str | None) -> str:
    raw = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
    return decoded(raw, charset)
