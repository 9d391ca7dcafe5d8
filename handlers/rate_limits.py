"""How often a key may call: a bucket a key, which fills up again within a minute."""

from collections.abc import Callable
from math import ceil
from threading import Lock
from time import monotonic

import msgspec

from handlers.errors import TooManyCalls

WINDOW_S = 60.0
KEYS_MAX = 10_000
"""Keys that are kept in mind; the one that called longest ago is forgotten first, and is full."""


class Left(msgspec.Struct, frozen=True):
    """What a key has left: calls of its limit, and the seconds until all of them are back."""

    limit: int
    remaining: int
    reset_s: int


class RateLimits:
    """The buckets of this process; several web processes allow as many times as much."""

    def __init__(self, per_minute: int, ticks: Callable[[], float] = monotonic) -> None:
        self._limit = per_minute
        self._ticks = ticks
        self._lock = Lock()
        self._full_at: dict[str, float] = {}
        """When the bucket of a key is full again, if nobody takes from it."""

    def take(self, key_id: str) -> Left:
        """Count a call; raises TooManyCalls with the time to wait when none is left."""
        one = WINDOW_S / self._limit
        with self._lock:
            now = self._ticks()
            full_at = max(self._full_at.pop(key_id, now), now)
            if full_at + one > now + WINDOW_S + one / 2:
                self._full_at[key_id] = full_at
                wait = ceil(full_at + one - now - WINDOW_S)
                raise TooManyCalls(
                    f"at most {self._limit} calls a minute with one key", max(wait, 1)
                )
            self._full_at[key_id] = full_at + one
            if len(self._full_at) > KEYS_MAX:
                del self._full_at[next(iter(self._full_at))]
        missing = full_at + one - now
        return Left(self._limit, int((WINDOW_S - missing) / one + 0.5), ceil(missing))
