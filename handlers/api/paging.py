"""Lists a page at a time: where the next page begins travels as an opaque cursor."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from handlers.errors import Fault, NotUnderstood

T = TypeVar("T")


PLACE_MAX = 2**63 - 1
"""A greater number is none of a row's."""


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """A page of a list; no cursor: it was the last one."""

    items: list[T]
    next_cursor: str | None = None


def listed(items: Sequence[T], limit: int, place: Callable[[T], object]) -> Listed[T]:
    """The first `limit` of the items, of which one more was asked for than is shown."""
    kept = list(items[:limit])
    more = len(items) > limit
    return Listed(kept, _cursor(place(kept[-1])) if more else None)


def place_of(cursor: str | None, kind: type[T]) -> T | None:
    """The place that a cursor stands for; raises NotUnderstood when it is none of ours."""
    if cursor is None:
        return None
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        place = msgspec.json.decode(raw, type=kind)
    except (ValueError, msgspec.MsgspecError):
        place = None
    if place is None or (isinstance(place, int) and abs(place) > PLACE_MAX):
        fault = Fault("/cursor", "cursor", "give the next_cursor of the page before, unchanged")
        raise NotUnderstood("the cursor is none of ours", [fault])
    return place


def _cursor(place: Any) -> str:  # noqa: ANN401  # any value that JSON can hold
    return urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()
