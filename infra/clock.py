"""The only reader of time: the database's, as it is or scaled, or none at all."""

import time
from datetime import date, datetime, timedelta
from importlib.metadata import version
from threading import Lock
from typing import Protocol

SAMPLES = 5
COMPARE_EVERY_S = 5.0


def today() -> date:
    """The date (UTC) by this machine's own clock, for commands that need no database."""
    now = time.gmtime()
    return date(now.tm_year, now.tm_mon, now.tm_mday)


class TimeSource(Protocol):
    """Whoever keeps the time that all processes share; in production the database."""

    def now(self) -> datetime: ...


class SystemClock:
    """The database's time, the same for all processes; it never goes back.

    Between two comparisons with the database it goes on by the monotonic clock of this process.
    """

    def __init__(self, database: TimeSource) -> None:
        self._database = database
        self._lock = Lock()
        self._base: datetime | None = None
        self._base_at = 0.0
        self._last: datetime | None = None

    def now(self) -> datetime:
        with self._lock:
            base = self._base
            if base is None or time.monotonic() - self._base_at > COMPARE_EVERY_S:
                base = self._base = self._compare()
            now = base + timedelta(seconds=time.monotonic() - self._base_at)
            self._last = now if self._last is None else max(now, self._last)
            return self._last

    def _compare(self) -> datetime:
        """Of some readings the quickest: its answer is the least late."""
        quickest = float("inf")
        base = self._base
        for _ in range(SAMPLES):
            before = time.monotonic()
            answer = self._database.now()
            after = time.monotonic()
            if after - before < quickest:
                quickest, base, self._base_at = after - before, answer, (before + after) / 2
        assert base is not None
        return base


class ScaledClock:
    """A clock for demonstrations: from an origin on, time runs `factor` times as fast."""

    def __init__(
        self,
        database: TimeSource,
        *,
        origin_real: datetime,
        origin_simulated: datetime,
        factor: float,
    ) -> None:
        self._real = SystemClock(database)
        self._origin_real = origin_real
        self._origin_simulated = origin_simulated
        self._factor = factor

    def now(self) -> datetime:
        return self._origin_simulated + (self._real.now() - self._origin_real) * self._factor


class VirtualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move on; never back."""
        assert by >= timedelta(0)
        self._now += by


def tzdata_version() -> str:
    """The release of the time zone database that due times are reckoned with."""
    return version("tzdata")
