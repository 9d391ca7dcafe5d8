"""The zones of countries and states, against the time zone database that is installed."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from domain.consent import known_place, zones_of

FROM, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2029, 11, 1, tzinfo=UTC)
LEFT_OUT = {"AQ", "UM"}
"""Nobody lives there."""


@cache
def clock(zone: str) -> tuple[timedelta | None, ...]:
    """What the zone's clock shows in the years to come, a day at a time."""
    there = ZoneInfo(zone)
    days = (UNTIL - FROM).days
    return tuple((FROM + timedelta(days=day)).astimezone(there).utcoffset() for day in range(days))


def by_country() -> dict[str, set[tuple[timedelta | None, ...]]]:
    found: dict[str, set[tuple[timedelta | None, ...]]] = defaultdict(set)
    table = files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8")
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found[country].add(clock(zone))
    return found


def test_every_clock_of_every_country_is_that_of_one_of_its_zones_and_no_zone_is_foreign() -> None:
    for country, clocks in by_country().items():
        if country not in LEFT_OUT:
            assert {clock(zone) for zone in zones_of(country)} == clocks, country


def test_no_two_zones_of_a_place_have_the_same_clock() -> None:
    for country in by_country():
        clocks = [clock(zone) for zone in zones_of(country)]
        assert len(set(clocks)) == len(clocks), country


STATES = {
    "US": "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV"
    " NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY",
    "CA": "AB BC MB NB NL NS NT NU ON PE QC SK YT",
    "AU": "ACT NSW NT QLD SA TAS VIC WA",
}


@pytest.mark.parametrize("country", STATES)
def test_the_zones_of_its_states_together_are_those_of_the_country(country: str) -> None:
    parts = [f"{country}-{state}" for state in STATES[country].split()]
    clocks = {clock(zone) for part in parts for zone in zones_of(part)}
    assert clocks == {clock(zone) for zone in zones_of(country)}
    assert all(len(zones_of(part)) < len(zones_of(country)) for part in parts)


@pytest.mark.parametrize(
    ("place", "zones"),
    [
        ("US-CA", ("America/Los_Angeles",)),
        ("us-tx", ("America/Chicago", "America/Denver")),
        ("CA-NS", ("America/Halifax",)),
        ("DE", ("Europe/Berlin",)),
        ("DE-BY", ("Europe/Berlin",)),
        ("BR-SP", zones_of("BR")),
        ("", ()),
        ("XX", ()),
    ],
)
def test_a_place_is_found_by_its_part_or_else_by_its_country(
    place: str, zones: tuple[str, ...]
) -> None:
    assert zones_of(place) == zones


@pytest.mark.parametrize("place", ["US", "US-CA", "US-PR", "CA-QC", "AU-NSW", "DE-BY", "GB-SCT"])
def test_iso_codes_are_places(place: str) -> None:
    assert known_place(place)


@pytest.mark.parametrize("place", ["", "UK", "EU", "USA", "us", "US-ZZ", "CA-ZZ", "XX", "US-", "U"])
def test_what_is_no_iso_code_is_no_place(place: str) -> None:
    assert not known_place(place)
