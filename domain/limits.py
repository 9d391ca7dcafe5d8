"""The windows in which sends are counted, and when a full one can have room again.

What was sent is counted in buckets of one grain. A bucket counts as long as any of its instants can
still be inside the window, and so do buckets of the future, where the clock was set back: a limit
is kept in every window of its length, wherever that begins.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from domain.taxonomy import CapName
from domain.timing.zones import in_utc, local, regimes

GRAINS_KEPT: Final = 3600
"""How long a bucket is kept when it counts no more, in grains: the clock may be set back so far."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


class Window(NamedTuple):
    """How long a limit looks back: a rolling time, or from local midnight where `span` is None."""

    name: CapName
    span: timedelta | None
    grain: timedelta


class Counter(NamedTuple):
    """What one more send adds to (`bucket`), and from which bucket on all of them count."""

    name: CapName
    key: str
    bucket: datetime
    since: datetime


def _minute(name: CapName) -> Window:
    return Window(name, timedelta(seconds=60), timedelta(seconds=1))


def _hour(name: CapName) -> Window:
    return Window(name, timedelta(hours=1), timedelta(seconds=60))


def _day(name: CapName) -> Window:
    # Midnight is at a quarter of an hour of UTC in every zone; so where the zone of a sender is
    # changed, each quarter goes to the new day or to the old one as a whole.
    return Window(name, None, timedelta(minutes=15))


WINDOWS: Final[Mapping[CapName, Window]] = {
    window.name: window
    for window in (
        _minute(CapName.SENDER_MINUTE),
        _hour(CapName.SENDER_HOUR),
        _day(CapName.SENDER_DAY),
        _day(CapName.WARMUP_DAY),
        _hour(CapName.TENANT_HOUR),
        _hour(CapName.GLOBAL_HOUR),
        _hour(CapName.DOMAIN_HOUR),
        _day(CapName.CAMPAIGN_DAY),
    )
}


def counter(name: CapName, key: str, now: datetime, zone: str = "UTC") -> Counter:
    """Where a send of this instant is counted; `zone` says when the day of a day window begins."""
    window = WINDOWS[name]
    bucket = _floor(now, window.grain)
    if window.span is not None:
        return Counter(name, key, bucket, bucket - window.span)
    since = day_start(local(now, zone).date(), zone)
    return Counter(name, key, max(bucket, since), since)


def frees_at(counted: Counter, oldest: datetime | None, zone: str = "UTC") -> datetime:
    """The first instant at which less can count than now; always later than `counted` is.

    `oldest` is the oldest bucket that counts; where there is none, one window later.
    """
    window = WINDOWS[counted.name]
    if window.span is not None:
        return (oldest or counted.bucket) + window.span + window.grain
    tomorrow = local(counted.since, zone).date() + _DAY
    return max(day_start(tomorrow, zone), counted.bucket + window.grain)


def needless_before(name: CapName, now: datetime) -> datetime:
    """Buckets older than this count in no window, also when the clock is set back a little."""
    window = WINDOWS[name]
    return in_utc(now) - (window.span or 2 * _DAY) - GRAINS_KEPT * window.grain


def day_start(day: date, zone: str) -> datetime:
    """The first instant of a local day, also where the clock skips its midnight or has it twice."""
    midnight = datetime.combine(day, time(), UTC)
    return next(
        start
        for begin, until, offset in regimes(day, zone)
        if (start := max(begin, midnight - offset)) < until
    )


def _floor(instant: datetime, grain: timedelta) -> datetime:
    instant = in_utc(instant)
    return instant - (instant - _EPOCH) % grain
