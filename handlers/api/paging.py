"""Lists a page at a time: where the next page begins travels as an opaque cursor."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from handlers.errors import Fault, NotAcceptable

T = TypeVar("T")


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
    """The place that a cursor stands for; raises NotAcceptable when it is none of ours."""
    if cursor is None:
        return None
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, msgspec.MsgspecError):
        fault = Fault("/cursor", "cursor", "give the next_cursor of the page before, unchanged")
        raise NotAcceptable("the query cannot be taken", [fault]) from None


def _cursor(place: Any) -> str:  # noqa: ANN401  # any value that JSON can hold
    return urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()
