"""How many posts a tenant may make in a minute: a bucket each, in this process only."""

from collections.abc import Callable
from threading import Lock
from time import monotonic

from domain.ids import TenantId

TENANTS_MAX = 10_000
"""Buckets that are kept; the longest unused goes first, and it is full again by then."""
MINUTE_S = 60.0


class PostLimit:
    """Buckets of posts, filled evenly over a minute.

    Only posts that are signed take from a bucket: who has not the key cannot use it up. Processes
    share nothing, so several web processes together let as many times more through; the limit keeps
    one tenant from taking a process away from the others, and is no quota.
    """

    def __init__(self, per_minute: int, ticks: Callable[[], float] = monotonic) -> None:
        self._most = float(per_minute)
        self._ticks = ticks
        self._lock = Lock()
        self._left: dict[TenantId, tuple[float, float]] = {}

    def admits(self, tenant: TenantId) -> bool:
        """Take one post from the tenant's bucket; False when it is empty."""
        with self._lock:
            now = self._ticks()
            left, at = self._left.pop(tenant, (self._most, now))
            left = min(self._most, left + (now - at) * self._most / MINUTE_S)
            admitted = left >= 1.0
            self._left[tenant] = (left - admitted, now)
            if len(self._left) > TENANTS_MAX:
                del self._left[next(iter(self._left))]
            return admitted
