"""Who a request is from; an address that gives too many wrong keys waits."""

import re
from collections.abc import Callable
from threading import Lock
from time import monotonic

from handlers.access import KeyHolder
from handlers.errors import NotAuthenticated, TooManyWrongKeys

WRONG_KEYS_MAX = 20
WINDOW_S = 60.0
ADDRESSES_MAX = 10_000
_BEARER = re.compile(r"Bearer +(\S{1,200}) *", re.IGNORECASE)


class Gatekeeper:
    """Tells who a request is from; after 20 wrong keys in a minute an address waits."""

    def __init__(
        self, check: Callable[[str], KeyHolder | None], ticks: Callable[[], float] = monotonic
    ) -> None:
        self._check = check
        self._ticks = ticks
        self._lock = Lock()
        self._wrong: dict[str, tuple[float, int]] = {}

    def holder(self, authorization: str, address: str) -> KeyHolder:
        """Who the key belongs to; raises NotAuthenticated or TooManyWrongKeys."""
        self.require_patience(address)
        given = _BEARER.fullmatch(authorization)
        if given is None:
            raise NotAuthenticated("send the header Authorization: Bearer KEY")
        found = self._check(given[1])
        if found is None:
            self.note_wrong(address)
            raise NotAuthenticated("this key is not known, expired or revoked")
        return found

    def require_patience(self, address: str) -> None:
        """Raise TooManyWrongKeys where too many wrong keys or passwords came from lately."""
        with self._lock:
            wrong = self._recent(address)[1]
        if wrong >= WRONG_KEYS_MAX:
            raise TooManyWrongKeys("wait a minute")

    def note_wrong(self, address: str) -> None:
        """Count a wrong key or password."""
        with self._lock:
            since, count = self._recent(address)
            self._wrong.pop(address, None)
            self._wrong[address] = since, count + 1
            if len(self._wrong) > ADDRESSES_MAX:
                del self._wrong[next(iter(self._wrong))]

    def _recent(self, address: str) -> tuple[float, int]:
        now = self._ticks()
        since, count = self._wrong.get(address, (now, 0))
        return (since, count) if now - since < WINDOW_S else (now, 0)
