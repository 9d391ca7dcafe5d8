from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain import events
from domain.events import Event
from domain.taxonomy import CancelReason, Outcome, Via
from projections.metrics import COUNTERS, DAILY, HOURLY, METRICS
from projections.projection import Add, Table
from tests.projections.facts_given import (
    ACCEPTED_PLAN,
    AT,
    END,
    HELLO,
    M1,
    STARTED,
    journeys,
    planned,
    recorded,
    signal,
)

MESSAGE = ("hello", "a", "sam", "gmail.com")
UNRENDERED = ("hello", "a", "sam", "")
CAMPAIGN_ROW = ("", "", "", "")
SENT = events.MessageAccepted(
    message_id=M1,
    attempt=1,
    at=AT,
    via=Via.ANSWER,
    node=HELLO,
    visit=1,
    variant="a",
    sender="sam",
    domain="gmail.com",
)


def adds_of(facts: Iterable[Event], table: Table) -> list[Add]:
    adds = []
    for position, fact in enumerate(facts, 1):
        for change in METRICS.changes(recorded(fact, position)):
            assert isinstance(change, Add)
            assert {*change.key} == {*change.table.key}
            assert change.amounts.keys() <= set(COUNTERS)
            adds.append(change)
    return [add for add in adds if add.table == table]


def counted(*facts: Event, table: Table = HOURLY) -> dict[tuple[str, ...], dict[str, int]]:
    """Counters by dimensions."""
    sums: dict[tuple[str, ...], Counter[str]] = {}
    for add in adds_of(facts, table):
        dimensions = tuple(add.key[name] for name in ("node", "variant", "sender", "domain"))
        sums.setdefault(dimensions, Counter()).update(add.amounts)
    return {dimensions: dict(sum_) for dimensions, sum_ in sums.items()}


def totals(facts: Iterable[Event], table: Table = HOURLY) -> Counter[str]:
    total: Counter[str] = Counter()
    for add in adds_of(facts, table):
        total.update(add.amounts)
    return total


def test_the_campaign_itself_counts_in_the_row_without_dimensions() -> None:
    completed = events.Completed(node=END, outcome=Outcome.CONVERTED, at=AT)
    exited = events.Exited(outcome=Outcome.REPLIED, reason="replied", at=AT)
    assert counted(ACCEPTED_PLAN, STARTED, completed, exited) == {
        CAMPAIGN_ROW: {"enrolled": 1, "started": 1, "completed": 1, "exited": 1}
    }


def test_a_message_counts_under_its_node_variant_sender_and_domain() -> None:
    cancelled = events.MessageCancelled(
        message_id=M1, reason=CancelReason.OPERATOR, at=AT, node=HELLO, variant="a", sender="sam"
    )
    assert counted(planned(), SENT, cancelled) == {
        UNRENDERED: {"planned": 1, "cancelled": 1},
        MESSAGE: {"accepted": 1},
    }


def test_a_node_without_a_message_counts_nothing() -> None:
    assert counted(events.NodeEntered(node=HELLO, visit=1, at=AT)) == {}


def test_every_open_counts_and_the_first_of_a_message_once_more() -> None:
    assert counted(signal("opened", first=True), signal("opened"), signal("opened")) == {
        MESSAGE: {"opens": 3, "unique_opens": 1}
    }


def test_an_open_that_follows_from_a_click_is_a_message_opened_but_no_report() -> None:
    derived = signal("opened", first=True, derived=True)
    assert counted(derived, signal("clicked", first=True)) == {
        MESSAGE: {"unique_opens": 1, "clicks": 1, "unique_clicks": 1}
    }


def test_machines_are_counted_apart() -> None:
    facts = [
        signal("opened", machine=True),
        signal("clicked", machine=True),
        signal("opened", machine=True, derived=True),
    ]
    assert counted(*facts) == {MESSAGE: {"machine_opens": 1, "machine_clicks": 1}}


@pytest.mark.parametrize(
    ("word", "counter"),
    [
        ("delivered", "delivered"),
        ("replied", "replies"),
        ("auto_replied", "auto_replies"),
        ("bounced", "bounces"),
        ("spam_reported", "complaints"),
        ("unsubscribed", "unsubscribes"),
    ],
)
def test_what_happens_once_to_a_message_counts_once(word: str, counter: str) -> None:
    assert counted(signal(word, first=True), signal(word)) == {MESSAGE: {counter: 1}}


def test_every_deferral_counts() -> None:
    assert counted(signal("deferred", first=True), signal("deferred")) == {
        MESSAGE: {"deferrals": 2}
    }


def test_a_reply_about_no_message_counts_for_the_campaign() -> None:
    assert counted(signal("replied", message=None)) == {CAMPAIGN_ROW: {"replies": 1}}


def test_words_without_a_counter_count_nothing() -> None:
    assert counted(signal("x_demo_seen", message=None), signal("meeting_booked")) == {}


def test_buckets_are_hours_and_days_in_utc_of_the_time_of_the_fact() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    fact = events.CampaignStarted(at=datetime(2026, 3, 3, 1, 10, tzinfo=kathmandu), expires_at=AT)
    (hour,), (day,) = adds_of([fact], HOURLY), adds_of([fact], DAILY)
    assert hour.key["bucket"] == datetime(2026, 3, 2, 19, tzinfo=UTC)
    assert day.key["bucket"] == datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(20))
def test_totals_are_folds_of_the_facts_in_hours_and_days_alike(seed: int) -> None:
    facts = [fact for _, journey in journeys(seed, 30) for fact in journey]
    total = totals(facts)
    assert total == totals(facts, DAILY)
    assert total["accepted"] == sum(isinstance(fact, events.MessageAccepted) for fact in facts)
    signals = [fact for fact in facts if isinstance(fact, events.SignalRecorded)]
    judged = [fact for fact in facts if isinstance(fact, events.SignalJudged)]
    opens = [s for s in signals if s.signal == "opened"]
    later = [one for one in judged if one.signal == "opened"]
    assert total["unique_opens"] == sum(s.first for s in opens) - sum(
        one.counted_at is not None for one in later
    )
    assert total["machine_opens"] == sum(s.machine for s in opens) + sum(
        1 if one.machine else -1 for one in later
    )
    assert min(total.values()) >= 0


@pytest.mark.parametrize("seed", range(20))
def test_no_message_is_counted_twice_for_what_happens_once(seed: int) -> None:
    facts = [fact for _, journey in journeys(seed, 30) for fact in journey]
    total = totals(facts)
    for once in ("delivered", "unique_opens", "unique_clicks", "replies", "bounces"):
        assert total[once] <= total["accepted"], once
    settled = ("accepted", "failed", "cancelled", "presumed_lost")
    assert sum(total[state] for state in settled) <= total["planned"]
