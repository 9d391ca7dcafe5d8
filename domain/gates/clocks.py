"""What the clocks on the walls of the recipient say; the log is told the answer, not the place."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from domain.consent import in_region_hours, region_opens_at, ruling
from domain.gates.seen import Seen
from domain.timing import wall_to_instant
from domain.timing.zones import local

FOREVER = timedelta(days=3)
"""How long to wait where no permitted hour can be found: as long as a message may wait."""
LENIENT = ("none", "reduced")
"""Rules for weekends that let messages leave; any other word stops them."""
_SATURDAY = 5


def with_clocks(seen: Seen, zones: Sequence[str], now: datetime) -> Seen:
    """What was seen, and until when a weekend or the law of the place keeps a message back."""
    if not seen.looked:
        return seen
    return replace(
        seen,
        weekend_until=None if seen.weekend in LENIENT else weekend_until(zones, now),
        region_until=region_until(seen, zones, now),
    )


def weekend_until(zones: Sequence[str], now: datetime) -> datetime | None:
    """When it is Monday in each of these zones; None where it is no weekend in any."""
    mondays = [_monday(now, zone) for zone in zones if _is_weekend(now, zone)]
    return max(mondays, default=None)


def region_until(seen: Seen, zones: Sequence[str], now: datetime) -> datetime | None:
    """When the law lets this person be written to; None where it does now."""
    rule = ruling(seen.jurisdiction, seen.channel, strict=seen.strict_consent)
    if in_region_hours(now, zones, rule):
        return None
    return region_opens_at(now, zones, rule) or now + FOREVER


def _is_weekend(now: datetime, zone: str) -> bool:
    return local(now, zone).date().weekday() >= _SATURDAY


def _monday(now: datetime, zone: str) -> datetime:
    day = local(now, zone).date()
    return wall_to_instant(day + timedelta(days=7 - day.weekday()), 0, zone)
