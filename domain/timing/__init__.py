"""Due times: delays, windows, quiet hours, business days, zones, jitter by hash (plan-dsl.md 4).

Instants are aware and in UTC, and so is all arithmetic: adding to a local time would move the clock
on the wall, not the time. Minutes are minutes of the local day, seconds are elapsed time.
"""

from domain.timing.due import Jitter, Schedule, base_time, due_time, jitter_s
from domain.timing.durations import Duration, add, matches_offset, parse_duration
from domain.timing.opening import Hours, QuietHours, Window, is_open, open_from, open_minutes
from domain.timing.zones import known_zone, parse_hhmm, wall_to_instant

__all__ = [
    "Duration",
    "Hours",
    "Jitter",
    "QuietHours",
    "Schedule",
    "Window",
    "add",
    "base_time",
    "due_time",
    "is_open",
    "jitter_s",
    "known_zone",
    "matches_offset",
    "open_from",
    "open_minutes",
    "parse_duration",
    "parse_hhmm",
    "wall_to_instant",
]
