"""Due times in twenty zones through a whole year, against a model that walks the clock on the wall.

By default it goes by quarters of an hour, where all clocks and all rules here change; `--long` goes
by the minute.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import holidays
import pytest
from msgspec.structs import replace

from domain import campaign
from domain.campaign import Campaign
from domain.events import MessageDeferred, SendAttemptStarted
from domain.gates import Seen, with_clocks
from domain.taxonomy import Channel
from domain.timing import Jitter, Schedule, due_time, is_open, open_from
from tests.domain.asking import mid, queues
from tests.domain.building import on, plan, send, stop
from tests.domain.spec import Story, given
from tests.domain.walked import Rule, Walked, next_open, stretches, walked

ZONES = (
    "UTC",
    "Europe/London",
    "Europe/Lisbon",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "America/Asuncion",
    "America/Los_Angeles",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
)
YEAR = 2027
START = datetime(YEAR, 1, 1, tzinfo=UTC)
DAYS = 366
"""The last open time of the year may begin in it and end on the day after."""
TICK = timedelta(microseconds=1)
NONE, NOW = Jitter(0, 0), Schedule()
WORKDAYS = frozenset(range(5))


def _closed(country: str) -> frozenset[int]:
    of_year = holidays.country_holidays(country, years=(YEAR, YEAR + 1))
    return frozenset(day.toordinal() for day in of_year)


NINE, FIVE = 9 * 60, 17 * 60
RULES = {
    "office": Rule(WORKDAYS, NINE, FIVE),
    "quiet nights": Rule(quiet=21 * 60, loud=7 * 60 + 30),
    "small hours": Rule(start=30, end=3 * 60, quiet=60, loud=2 * 60 + 30),
    "late evenings": Rule(frozenset({4, 5}), 21 * 60 + 30),
    "holidays US": Rule(WORKDAYS, NINE, FIVE, holidays=_closed("US")),
    "holidays GB": Rule(WORKDAYS, NINE, FIVE, holidays=_closed("GB")),
    "holidays IN": Rule(quiet=21 * 60, loud=7 * 60 + 30, holidays=_closed("IN")),
}
WORKS = Rule(WORKDAYS)
DECENT = Rule(start=8 * 60, end=21 * 60)
"""When a text may go to California (47 CFR 64.1200)."""


@pytest.fixture
def step(request: pytest.FixtureRequest) -> int:
    return 1 if request.config.getoption("--long") else 15


def _year(zone: str, step: int) -> Walked:
    return walked(zone, START, DAYS, step)


def _told(capsys: pytest.CaptureFixture[str], what: str, cases: int, faults: list[str]) -> None:
    with capsys.disabled():
        print(f"\ndue tables: {what}: {len(ZONES)} zones, {cases} cases, violations {len(faults)}")  # noqa: T201  # figures


# --- open time ------------------------------------------------------------------------------------


def test_a_send_may_leave_exactly_while_the_wall_shows_an_open_minute(
    step: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, faults = 0, list[str]()
    for zone in ZONES:
        year = _year(zone, step)
        for name, rule in RULES.items():
            wanted = list(stretches(year, year.opened(rule)))
            found = list(_openings(rule, year))
            cases += len(wanted)
            assert len(wanted) > 50
            differ = set(wanted) ^ set(found)
            faults += [f"{zone}, {name}: {one} to {other}" for one, other in sorted(differ)]
            faults += [f"{zone}, {name}: {one}" for one in _wrong_at_the_edges(rule, year, wanted)]
    _told(capsys, "stretches of open time", cases, faults)
    assert faults == []


def _openings(rule: Rule, year: Walked) -> Iterator[tuple[datetime, datetime]]:
    """The open time of the product, with stretches that touch at midnight as one."""
    hours, end_of_year = rule.hours(year.zone), year.at(len(year.walls))
    held: tuple[datetime, datetime] | None = None
    wanted = year.start
    while (found := open_from(wanted, hours)) is not None and found[0] < end_of_year:
        start, end = found[0], min(found[1], end_of_year)
        if held is not None and held[1] == start:
            held = held[0], end
        else:
            if held is not None:
                yield held
            held = start, end
        wanted = found[1]
    if held is not None:
        yield held


def _wrong_at_the_edges(
    rule: Rule, year: Walked, wanted: list[tuple[datetime, datetime]]
) -> Iterator[datetime]:
    hours, last = rule.hours(year.zone), year.at(len(year.walls))
    for start, end in wanted:
        inside = is_open(start, hours) and is_open(end - TICK, hours)
        before = start > year.start and is_open(start - TICK, hours)
        if not inside or before or (end < last and is_open(end, hours)):
            yield start


# --- due times ------------------------------------------------------------------------------------

EVERY = timedelta(minutes=52, seconds=30)
"""Wanted so often: mostly no full minute, and at every time of the day in turn."""
JITTER = Jitter(360, 960)


def test_a_send_is_due_at_the_first_open_instant_and_jitter_never_leaves_open_time(
    step: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, faults = 0, list[str]()
    for zone in ZONES:
        year = _year(zone, step)
        for name, rule in RULES.items():
            hours, opened = rule.hours(zone), year.opened(rule)
            following = next_open(opened)
            for base, n in _wanted(year, nth=step // 2 or 1):
                first = following[n]
                if first is None:
                    break
                cases += 1
                due = due_time(NOW, base, "key", hours, NONE)
                if due != max(base, year.at(first)):
                    faults.append(f"{zone}, {name}, {base}: {due}")
                jittered = due_time(NOW, base, f"key {n}", hours, JITTER)
                if not _inside(year, opened, jittered, due):
                    faults.append(f"{zone}, {name}, {base} with jitter: {jittered}")
    _told(capsys, "due times", cases, faults)
    assert faults == []


def _wanted(year: Walked, nth: int = 1) -> Iterator[tuple[datetime, int]]:
    base, end = year.start, year.at(len(year.walls))
    while base < end:
        yield base, (base - year.start) // timedelta(minutes=year.step)
        base += nth * EVERY


def _inside(
    year: Walked, opened: list[bool], due: datetime | None, earliest: datetime | None
) -> bool:
    if due is None or earliest is None or due < earliest:
        return False
    n = (due - year.start) // timedelta(minutes=year.step)
    return due <= earliest + timedelta(seconds=JITTER.max_s) and (n >= len(opened) or opened[n])


# --- the place of the recipient -------------------------------------------------------------------

STOPS = Seen(looked=True, weekend="hard_stop")
TEXT = Seen(looked=True, channel=Channel.SMS, jurisdiction="US-CA", consent="express")


def test_a_weekend_and_the_night_last_as_long_as_the_wall_of_the_recipient_says(
    step: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, faults = 0, list[str]()
    for zone in ZONES:
        year = _year(zone, step)
        works, decent = next_open(year.opened(WORKS)), next_open(year.opened(DECENT))
        for now, n in _wanted(year, nth=step // 5 or 1):
            monday, morning = works[n], decent[n]
            if monday is None or morning is None:
                break
            cases += 2
            weekend = with_clocks(STOPS, (zone,), now).weekend_until
            night = with_clocks(TEXT, (zone,), now).region_until
            if weekend != (None if monday == n else year.at(monday)):
                faults.append(f"{zone}, {now}: weekend until {weekend}")
            if night != (None if morning == n else year.at(morning)):
                faults.append(f"{zone}, {now}: night until {night}")
    _told(capsys, "weekends and nights", cases, faults)
    assert faults == []


def test_where_only_the_country_is_known_it_must_be_a_decent_hour_in_every_zone_of_it(
    step: int, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = list(zip(ZONES, ZONES[7:] + ZONES[:7], strict=True))
    cases, faults = 0, list[str]()
    for one, other in pairs:
        here, there = (_year(zone, step) for zone in (one, other))
        both = [a and b for a, b in zip(here.opened(DECENT), there.opened(DECENT), strict=True)]
        following = next_open(both)
        for now, n in _wanted(here, nth=step // 5 or 1):
            first = following[n]
            if first is None:
                break
            cases += 1
            until = with_clocks(TEXT, (one, other), now).region_until
            if until != (None if first == n else here.at(first)):
                faults.append(f"{one} and {other}, {now}: {until}")
    _told(capsys, "hours that two zones share", cases, faults)
    assert faults == []


# --- all together ---------------------------------------------------------------------------------

ROUNDS = 9
"""Whoever is put off more often turns in circles."""
APART = 37
"""Every so many of the wanted instants."""


def test_a_message_that_is_put_off_leaves_at_the_first_instant_that_plan_and_weekend_allow(
    step: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, faults, most = 0, list[str](), 0
    abroad = dict(zip(ZONES, ZONES[11:] + ZONES[:11], strict=True))
    for zone, away in abroad.items():
        here, there = _year(zone, step), _year(away, step)
        rule = RULES["holidays US"]._replace(days=frozenset(range(7)))
        both = [a and b for a, b in zip(here.opened(rule), there.opened(WORKS), strict=True)]
        following = next_open(both)
        state, story = _queued(rule, zone)
        for now, n in _wanted(here, nth=APART):
            first = following[n]
            if first is None:
                break
            cases += 1
            left, rounds = _sent(story, _due(state, now), now, away)
            most = max(most, rounds)
            if left != max(now, here.at(first)):
                faults.append(f"{zone} to {away}, {now}: {left}")
    _told(capsys, f"messages put off up to {most} times", cases, faults)
    assert faults == []


def _queued(rule: Rule, zone: str) -> tuple[Campaign, Story]:
    intro = replace(send("intro", on("sent", "end")), hours=rule.hours(zone))
    made = plan(intro, stop())
    story = given(replace(made, nodes={**made.nodes, intro.id: intro}), at=START)
    return story.when(queues("intro")).state, story


def _due(state: Campaign, at: datetime) -> Campaign:
    message = state.messages[mid("intro")]
    late = replace(message, due_at=at, expires_at=at + timedelta(days=3))
    return replace(state, messages={message.id: late})


def _sent(story: Story, state: Campaign, now: datetime, away: str) -> tuple[datetime | None, int]:
    """When the message leaves at last, and how often it was put off."""
    claim = partial(campaign.start_attempt, message_id=mid("intro"), seen=STOPS, zones=(away,))
    for turn in range(ROUNDS):
        fact = claim(state, story.grounds, now=now)[0]
        if isinstance(fact, SendAttemptStarted):
            return now, turn
        assert isinstance(fact, MessageDeferred)
        state, now = campaign.fold([fact], state), fact.due_at
    return None, ROUNDS
