"""What the clocks where the recipient is keep back: weekends and the hours of the law."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.gates import Seen, with_clocks
from domain.gates.clocks import FOREVER
from domain.taxonomy import Channel

TICK = timedelta(microseconds=1)
AUCKLAND, HONOLULU, LA = "Pacific/Auckland", "Pacific/Honolulu", "America/Los_Angeles"
STOPS = Seen(looked=True, weekend="hard_stop")
TEXT = Seen(looked=True, channel=Channel.SMS, consent="express")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SATURDAY, MONDAY = utc("2026-09-12"), utc("2026-09-14")
WEEKENDS: dict[str, tuple[tuple[str, ...], datetime, datetime | None]] = {
    "friday, to the last instant": (("UTC",), SATURDAY - TICK, None),
    "saturday, from the first": (("UTC",), SATURDAY, MONDAY),
    "sunday, to the last": (("UTC",), MONDAY - TICK, MONDAY),
    "monday, from the first": (("UTC",), MONDAY, None),
    "saturday far in the east": ((AUCKLAND,), SATURDAY - timedelta(hours=12), utc("2026-09-13T12")),
    "friday still in the west": ((HONOLULU,), SATURDAY + timedelta(hours=10) - TICK, None),
    "saturday in one of two": (
        (AUCKLAND, HONOLULU),
        SATURDAY - timedelta(hours=12),
        utc("2026-09-13T12"),
    ),
    "sunday in the other one": ((AUCKLAND, HONOLULU), utc("2026-09-13T12"), utc("2026-09-14T10")),
    "monday in both": ((AUCKLAND, HONOLULU), utc("2026-09-14T10"), None),
    "a monday without its midnight": (
        ("Africa/Cairo",),
        utc("2026-04-25T12"),
        utc("2026-04-26T21"),
    ),
}


@pytest.mark.parametrize("case", WEEKENDS)
def test_a_weekend_lasts_until_it_is_monday_where_the_recipient_may_be(case: str) -> None:
    zones, now, until = WEEKENDS[case]
    assert with_clocks(STOPS, zones, now).weekend_until == until


@pytest.mark.parametrize("rule", ["none", "reduced"])
def test_a_tenant_that_works_at_weekends_is_not_kept_back(rule: str) -> None:
    seen = replace(STOPS, weekend=rule)
    assert with_clocks(seen, ("UTC",), SATURDAY).weekend_until is None


LAW: dict[str, tuple[dict[str, Any], tuple[str, ...], datetime, datetime | None]] = {
    "an e-mail": ({"channel": Channel.EMAIL}, (LA,), utc("2026-09-09T08"), None),
    "before eight": ({}, (LA,), utc("2026-09-09T15") - TICK, utc("2026-09-09T15")),
    "at eight": ({}, (LA,), utc("2026-09-09T15"), None),
    "before nine in the evening": ({}, (LA,), utc("2026-09-10T04") - TICK, None),
    "at nine in the evening": ({}, (LA,), utc("2026-09-10T04"), utc("2026-09-10T15")),
    "the morning that is an hour shorter": ({}, (LA,), utc("2027-03-14T05"), utc("2027-03-14T15")),
    "the morning that is an hour longer": ({}, (LA,), utc("2026-11-01T05"), utc("2026-11-01T16")),
    "eight in one of two": (
        {},
        ("America/New_York", LA),
        utc("2026-09-09T12"),
        utc("2026-09-09T15"),
    ),
    "no zone known": ({}, (), utc("2026-09-09T18"), utc("2026-09-09T18") + FOREVER),
    "no hour that all have": (
        {"jurisdiction": "RU"},
        ("Europe/Kaliningrad", "Asia/Kamchatka"),
        utc("2026-09-09T12"),
        utc("2026-09-09T12") + FOREVER,
    ),
}


@pytest.mark.parametrize("case", LAW)
def test_the_law_lets_a_text_out_only_at_decent_hours(case: str) -> None:
    fields, zones, now, until = LAW[case]
    seen = replace(TEXT, **({"jurisdiction": "US-CA"} | fields))
    assert with_clocks(seen, zones, now).region_until == until


def test_a_simulation_reads_no_clock_but_the_plans() -> None:
    seen = Seen(weekend="hard_stop", channel=Channel.SMS, jurisdiction="US-CA")
    assert with_clocks(seen, (LA,), SATURDAY) == seen


def test_what_was_seen_before_is_read_anew() -> None:
    stale = replace(STOPS, weekend_until=MONDAY, region_until=MONDAY)
    assert with_clocks(stale, ("UTC",), MONDAY) == STOPS
