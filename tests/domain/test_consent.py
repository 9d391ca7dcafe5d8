"""The table of the law: every place, channel, ground and hour against what was read by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from domain.consent import (
    STRICTEST,
    UNKNOWN,
    Ground,
    consent_problem,
    in_region_hours,
    region_opens_at,
    rows,
    ruling,
    valid_until,
    zones_of,
)
from domain.taxonomy import CancelReason, Channel

WINTER = datetime(2026, 1, 14, tzinfo=UTC)
SUMMER = datetime(2026, 7, 15, tzinfo=UTC)
GROUNDS = ["", *(ground.value for ground in Ground)]
SUBSCRIBERS = ["", "individual", "corporate"]
ENDS = {"fresh": timedelta(days=1), "expired": timedelta(0), "endless": None}
TIMED = {"implied_inquiry", "implied_business"}
NOWHERE = ["", "XX", "JP", "US-TX", "US-FL", "US-CT", "DE-BY"]

# Written down a second time, from trust.md 8 and the sources that the rows name.
FREE = None
EXPRESS = ({"express"}, {"express"})
CASL = ({"express", *TIMED}, {"express", *TIMED})
COMPANIES = ({"express"}, {"express", "legitimate_interest", "contract"})
RELATIONS = ({"express", "implied_business", "contract"},) * 2
LGPD = ({"express", "legitimate_interest"},) * 2
ALL_EXPRESS = "AT DE DK ES IT PL CH ZA"
ALL_COMPANIES = "BE BG CY CZ EE FI FR GB GR HR HU IE IS LI LT LU LV MT NL NO PT RO SE SI SK"
MAIL = {
    "US": FREE,
    "CA": CASL,
    "AU": RELATIONS,
    "NZ": RELATIONS,
    "BR": LGPD,
    **dict.fromkeys(ALL_EXPRESS.split(), EXPRESS),
    **dict.fromkeys(ALL_COMPANIES.split(), COMPANIES),
}
SMS = {**MAIL, "US": EXPRESS, "BR": EXPRESS, "IN": EXPRESS}
SMS_HOURS = {
    "US": (9, 20),  # somebody in the US may be in Connecticut
    "US-TX": (8, 21),
    "US-FL": (8, 20),
    "US-MD": (8, 20),
    "US-OK": (8, 20),
    "US-WA": (8, 20),
    "US-CT": (9, 20),
    "IN": (10, 21),
}
STRICT_HOURS = (10, 20)


def expected(place: str, channel: Channel) -> tuple[set[str], set[str]] | None:
    if not place and channel is Channel.EMAIL:
        return FREE
    table = SMS if channel is Channel.SMS else MAIL
    return table.get(place.partition("-")[0], EXPRESS)


def expected_hours(place: str, channel: Channel) -> tuple[int, int]:
    if channel is not Channel.SMS:
        return 0, 24
    if place.partition("-")[0] not in SMS:
        return STRICT_HOURS
    return SMS_HOURS.get(place, (8, 21))


def may(place: str, channel: Channel, ground: str, subscriber: str, end: str) -> bool:
    wants = expected(place, channel)
    if wants is None:
        return True
    timed_for_ever = ground in TIMED and end == "endless"
    suffice = wants[1] if subscriber == "corporate" else wants[0]
    return ground in suffice and end != "expired" and not timed_for_ever


def everywhere() -> Iterator[tuple[str, Channel]]:
    for channel in Channel:
        for place in sorted({*rows(channel), *NOWHERE}):
            yield place, channel


def test_the_table_has_a_row_for_each_place_that_was_read_by_hand_and_no_other() -> None:
    assert set(rows(Channel.EMAIL)) == set(MAIL) == set(rows(Channel.LINKEDIN_INVITE))
    assert set(rows(Channel.SMS)) == {*SMS, *SMS_HOURS} - {"US-TX"}


def test_no_cell_of_the_matrix_lets_through_or_stops_what_it_must_not() -> None:
    """Place x channel x ground x subscriber x fresh, expired or endless x hour: violations 0."""
    cells, wrong = 0, []
    for place, channel in everywhere():
        rule, zones = ruling(place, channel), zones_of(place) or ("Europe/Paris",)
        first, last = expected_hours(place, channel)
        open_at = {
            at: in_region_hours(at, zones, rule)
            for day, hour in product((WINTER, SUMMER), range(24))
            for at in (day + timedelta(hours=hour),)
        }
        for at, is_open in open_at.items():
            local = [at.astimezone(ZoneInfo(zone)) for zone in zones]
            lawful = all(first <= there.hour < last for there in local)
            for ground, subscriber, (name, end) in product(GROUNDS, SUBSCRIBERS, ENDS.items()):
                until = None if end is None else at + end
                found = consent_problem(rule, ground, until=until, subscriber=subscriber, at=at)
                goes = found is None and is_open
                cells += 1
                if goes != (lawful and may(place, channel, ground, subscriber, name)):
                    wrong.append((place, channel, ground, subscriber, name, at))
    assert wrong == []
    assert cells > 400_000


def test_what_ran_out_is_told_apart_from_what_never_was() -> None:
    rule = ruling("CA", Channel.EMAIL)
    at = SUMMER

    def problem(ground: str, until: datetime | None) -> CancelReason | None:
        return consent_problem(rule, ground, until=until, subscriber="", at=at)

    assert problem("implied_inquiry", at) is CancelReason.CONSENT_EXPIRED
    assert problem("implied_inquiry", at + timedelta(seconds=1)) is None
    assert problem("express", None) is None
    assert problem("", None) is CancelReason.NO_CONSENT
    assert problem("legitimate_interest", None) is CancelReason.NO_CONSENT


def test_of_a_contact_whose_country_nobody_told_only_a_mail_is_let_through_unless_strict() -> None:
    assert ruling("", Channel.EMAIL).jurisdiction_row == UNKNOWN
    assert ruling("", Channel.EMAIL, strict=True).jurisdiction_row == STRICTEST
    for channel in set(Channel) - {Channel.EMAIL}:
        assert ruling("", channel).jurisdiction_row == STRICTEST
        assert ruling("", channel).consent_required


@pytest.mark.parametrize("channel", list(Channel))
def test_a_place_without_a_row_is_under_a_rule_as_strict_as_every_row(channel: Channel) -> None:
    strict = ruling("XX", channel)
    for place in rows(channel):
        rule = ruling(place, channel)
        assert not rule.consent_required or strict.grounds <= rule.grounds
        assert not rule.consent_required or strict.corporate_grounds <= rule.corporate_grounds
        assert rule.hours is None or (
            strict.hours is not None
            and rule.hours[0] <= strict.hours[0] < strict.hours[1] <= rule.hours[1]
        )


@pytest.mark.parametrize(
    ("ground", "given", "told", "ends"),
    [
        ("implied_inquiry", "2026-01-15", None, "2026-07-15"),
        ("implied_inquiry", "2026-08-31", None, "2027-02-28"),
        ("implied_business", "2024-02-29", None, "2026-02-28"),
        ("implied_business", "2026-01-15", "2026-02-01", "2026-02-01"),
        ("implied_business", "2026-01-15", "2030-01-01", "2028-01-15"),
        ("express", "2026-01-15", None, None),
        ("express", "2026-01-15", "2027-01-15", "2027-01-15"),
    ],
)
def test_a_ground_ends_by_its_kind_or_earlier_where_that_was_told(
    ground: str, given: str, told: str | None, ends: str | None
) -> None:
    def at(day: str | None) -> datetime | None:
        return datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None

    begun = at(given)
    assert begun is not None
    assert valid_until(ground, begun, at(told)) == at(ends)


def test_one_whose_state_is_not_known_is_written_to_when_it_is_day_in_all_of_them() -> None:
    rule, zones = ruling("US", Channel.SMS), zones_of("US")
    night = datetime(2026, 7, 15, 3, tzinfo=UTC)
    opens = region_opens_at(night, zones, rule)
    assert opens == datetime(2026, 7, 15, 19, tzinfo=UTC)  # nine o'clock in Honolulu
    assert in_region_hours(opens, zones, rule)
    assert not in_region_hours(opens - timedelta(seconds=1), zones, rule)
    assert not in_region_hours(datetime(2026, 7, 16, 0, tzinfo=UTC), zones, rule)  # New York: 20


def test_the_first_open_instant_is_open_and_the_second_before_it_is_not() -> None:
    for place in rows(Channel.SMS):
        rule, zones = ruling(place, Channel.SMS), zones_of(place)
        for hour in range(0, 24 * 7, 5):
            at = WINTER + timedelta(hours=hour)
            opens = region_opens_at(at, zones, rule)
            assert opens is not None
            assert in_region_hours(opens, zones, rule)
            assert opens == at or not in_region_hours(opens - timedelta(seconds=1), zones, rule)


def test_where_no_hour_is_permitted_everywhere_or_no_zone_is_known_nothing_opens() -> None:
    rule = ruling("RU", Channel.SMS)  # ten zones apart, and no row: ten hours a day
    assert region_opens_at(WINTER, zones_of("RU"), rule) is None
    assert region_opens_at(WINTER, (), rule) is None
    assert not in_region_hours(WINTER, (), rule)
    assert in_region_hours(WINTER, (), ruling("RU", Channel.EMAIL))


def test_hours_are_those_of_the_wall_also_on_the_day_a_clock_is_changed() -> None:
    rule, zones = ruling("US-FL", Channel.SMS), ("America/New_York",)
    before, after = datetime(2026, 3, 7, 5, tzinfo=UTC), datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert region_opens_at(before, zones, rule) == datetime(2026, 3, 7, 13, tzinfo=UTC)
    assert region_opens_at(after, zones, rule) == datetime(2026, 3, 8, 12, tzinfo=UTC)
