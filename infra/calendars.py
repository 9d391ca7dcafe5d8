"""Public holidays from the library `holidays`, by ISO 3166 names such as US, US-CA or PT."""

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import holidays
from typing_extensions import override

from handlers.ports import Calendars

_NAME = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


class LibraryCalendars(Calendars):
    """Every country and subdivision that the library knows."""

    @override
    def dates(self, name: str, since: date, until: date) -> Sequence[date] | None:
        if not _NAME.fullmatch(name):
            return None
        country, _, part = name.partition("-")
        closed: list[date] = []
        for year in range(since.year, until.year + 1):
            of_year = _of_year(country, part or None, year)
            if of_year is None:
                return None
            closed += of_year
        return [day for day in closed if since <= day <= until]


@lru_cache(maxsize=4096)
def _of_year(country: str, part: str | None, year: int) -> tuple[date, ...] | None:
    try:
        return tuple(sorted(holidays.country_holidays(country, subdiv=part, years=year)))
    except NotImplementedError:  # what the library says of a name that it does not have
        return None
