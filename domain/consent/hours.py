"""The hours in which the law of a place lets people be written to, wherever in it they may be."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.consent.rules import DAY_MINUTES, EVERY_DAY, Ruling
from domain.timing.opening import Hours, Window, is_open, open_from

_SEARCH = timedelta(days=8)
"""Every weekday has come by then; a clock change or two do not matter."""


def in_region_hours(at: datetime, zones: Sequence[str], rule: Ruling) -> bool:
    """Whether it is a permitted hour in each of the zones; without a zone it is not."""
    if _always(rule):
        return True
    return bool(zones) and all(is_open(at, _hours(zone, rule)) for zone in zones)


def region_opens_at(at: datetime, zones: Sequence[str], rule: Ruling) -> datetime | None:
    """The first instant from `at` on that is permitted in each of the zones.

    None when nobody knows a zone, or no hour is permitted in all of them.
    """
    if _always(rule):
        return at
    if not zones:
        return None
    wanted, last = at, at + _SEARCH
    while wanted <= last:
        opens = [open_from(wanted, _hours(zone, rule)) for zone in zones]
        found = [stretch[0] for stretch in opens if stretch is not None]
        if len(found) < len(zones):
            return None
        if max(found) == wanted:
            return wanted
        wanted = max(found)
    return None


def _always(rule: Ruling) -> bool:
    return rule.hours is None and rule.weekdays == EVERY_DAY


def _hours(zone: str, rule: Ruling) -> Hours:
    start, end = rule.hours or (0, DAY_MINUTES)
    return Hours(zone=zone, window=Window(rule.weekdays, start, end))
