"""The text fields of an Inbound Parse post, each in its own charset, without attachments."""

import codecs
import re

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

BODY_BYTES_MAX = 31 * 1024 * 1024
"""30 MB of message and what the form adds."""
FIELDS_MAX = 200
FIELD_BYTES_MAX = 5 * 1024 * 1024

_CHARSETS = re.compile(
    r"ascii|utf-(?:8|16|16-[bl]e|32)(?:-sig)?|iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+|tis-620"
    r"|gb(?:k|2312|18030)|hz|big5(?:hkscs)?|shift_jis\w*|euc_\w+|iso2022_\w+|johab"
)
"""Charsets of mail. Python knows more codecs, some of which no stranger should choose."""
_JSON: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])


class Form(msgspec.Struct, frozen=True):
    """Fields as bytes by name, the last of a name; `problems` says what could not be read."""

    fields: dict[str, bytes]
    charsets: dict[str, object]
    problems: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """A field in the charset that the post names for it; empty when absent."""
        return decoded(self.fields.get(name, b""), self.charsets.get(name))

    def json(self, name: str) -> dict[str, object]:
        """A field that holds a JSON object; empty when it does not."""
        return _json(self.fields.get(name, b""))


def read_form(content_type: str, body: bytes) -> Form:
    """The fields of a multipart body. Total: of a broken one, those that came whole."""
    kind, options = _options(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        return Form({}, {}, ("the body is no multipart/form-data",))
    if len(body) > BODY_BYTES_MAX:
        return Form({}, {}, ("the body is too large",))
    collected = _Fields()
    problems = _parse(boundary, body, collected)
    fields = collected.whole
    return Form(fields, _json(fields.get("charsets", b"")), problems)


def decoded(raw: bytes, charset: object) -> str:
    """Text of bytes in a named charset, else in UTF-8, with replacement characters."""
    try:
        name = codecs.lookup(charset).name if isinstance(charset, str) else "utf-8"
    except (LookupError, ValueError):
        name = "utf-8"
    if not _CHARSETS.fullmatch(name):
        name = "utf-8"
    return raw.decode(name, "replace").replace("\x00", "")


class _Fields:
    """Collects parts that have a name and no file name."""

    def __init__(self) -> None:
        self.whole: dict[str, bytes] = {}
        self.cut = False
        self.ended = False
        self._header = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._data = bytearray()
        self._name: str | None = None

    def begin(self) -> None:
        self._headers = {}
        self._data = bytearray()
        self._name = None

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"").decode("latin-1")
        _, options = _options(disposition)
        if b"name" in options and b"filename" not in options:
            self._name = options[b"name"].decode("utf-8", "replace")

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._name is None:
            return
        room = FIELD_BYTES_MAX - len(self._data)
        self.cut |= end - start > room
        self._data += data[start : min(end, start + room)]

    def end(self) -> None:
        if self._name is None:
            return
        if self._name in self.whole or len(self.whole) < FIELDS_MAX:
            self.whole[self._name] = bytes(self._data)
        else:
            self.cut = True

    def end_all(self) -> None:
        self.ended = True


def _parse(boundary: bytes, body: bytes, into: _Fields) -> tuple[str, ...]:
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": into.begin,
                "on_part_data": into.data,
                "on_part_end": into.end,
                "on_header_field": into.header_field,
                "on_header_value": into.header_value,
                "on_header_end": into.header_end,
                "on_headers_finished": into.headers_finished,
                "on_end": into.end_all,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError:
        return ("the form is broken",)
    if not into.ended:
        return ("the form is cut off",)
    return ("a field was cut",) if into.cut else ()


def _options(header: str) -> tuple[bytes, dict[bytes, bytes]]:
    try:
        return parse_options_header(header)
    except ValueError:
        return b"", {}


def _json(raw: bytes) -> dict[str, object]:
    try:
        return _JSON.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
