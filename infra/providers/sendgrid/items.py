"""Takes a posted batch apart into events and fields, and does so with whatever was posted.

The quick decoder is strict; what it refuses is read once more with the lenient one, so that a
broken character costs that character and a broken event costs that event.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec


class Item(msgspec.Struct, gc=False):
    """The fields of an event that are looked at, of any type: one odd field spoils no event."""

    event: Any = None
    email: Any = None
    timestamp: Any = None
    sg_message_id: Any = None
    smtp_id: Any = msgspec.field(default=None, name="smtp-id")
    antiphon_message: Any = None
    antiphon_attempt: Any = None
    antiphon_tenant: Any = None
    type: Any = None
    reason: Any = None
    bounce_classification: Any = None
    response: Any = None
    attempt: Any = None
    url: Any = None
    url_offset: Any = None
    ip: Any = None
    useragent: Any = None
    sg_machine_open: Any = None
    asm_group_id: Any = None


_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_ITEM: msgspec.json.Decoder[Item] = msgspec.json.Decoder(Item)
_UNDECODABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
_LENIENT = json.JSONDecoder()
_BETWEEN = " \t\r\n,"


def split(body: bytes) -> list[bytes]:
    """The raw events of a body as posted; what is no array is one event, a broken rest another."""
    try:
        return [bytes(raw) for raw in _ITEMS.decode(body)]
    except msgspec.ValidationError:
        return [body]
    except _UNDECODABLE:
        return list(_salvaged(body))


def decode(raw: bytes) -> Item | None:
    """The fields of one event; None when it is not a JSON object."""
    try:
        return _ITEM.decode(raw)
    except msgspec.ValidationError:
        return None
    except _UNDECODABLE:
        return _decoded_leniently(raw)


def text(value: object) -> str:
    """The text of a field, of a number as in JSON; nothing for a shape that is no text.

    Without NUL and halves of characters, which no text column takes.
    """
    if value is None:  # most fields of most events
        return ""
    match value:
        case str():
            return value if value.isprintable() else _storable(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return ""


def optional(value: object) -> str | None:
    """The trimmed text of a field; None when there is none."""
    return text(value).strip() or None


def _storable(value: str) -> str:
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _salvaged(body: bytes) -> Iterator[bytes]:
    whole = body.decode("utf-8", "surrogateescape").strip()
    if not whole.startswith("["):
        yield body
        return
    at = _next(whole, 1)
    while at < len(whole) and whole[at] != "]":
        try:
            end = _LENIENT.raw_decode(whole, at)[1]
        except (ValueError, RecursionError):
            end = len(whole)
        yield whole[at:end].encode("utf-8", "surrogateescape")
        at = _next(whole, end)


def _next(whole: str, at: int) -> int:
    while at < len(whole) and whole[at] in _BETWEEN:
        at += 1
    return at


def _decoded_leniently(raw: bytes) -> Item | None:
    try:
        return msgspec.convert(_LENIENT.decode(raw.decode("utf-8", "replace")), Item)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
