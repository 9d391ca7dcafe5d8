"""What a claim makes of a verdict: an attempt, a wait said once, a new due time, or an end."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from domain import campaign
from domain.campaign.dispatch import LOOK_AGAIN, WOKEN_AT_LATEST
from domain.campaign.placing import EXPIRES_AFTER
from domain.events import MessageCancelled, MessageDeferred, SendAttemptStarted
from domain.gates import Cap, Seen
from domain.lifecycle import Stage
from domain.taxonomy import CapName, Channel, MessageState
from domain.timing import Window
from tests.domain.asking import Decide, claims, doubts, mid, queues
from tests.domain.building import SECOND, field, on, plan, send, stop, t
from tests.domain.spec import Story, given

OFFICE = Window(frozenset(range(5)), 9 * 60, 17 * 60)
"""The contact is enrolled at 16:00 UTC on a Monday: an hour before the office closes."""
MORNING = t(hours=17)
SATURDAY = t(5)
EVERY_DAY = Window(frozenset(range(7)), 9 * 60, 17 * 60)
SKIPPED = ("take intro.1 send_skipped", "completed completed")


def sees(now: datetime, zones: tuple[str, ...] = (), **seen: Any) -> Decide:
    """The mail comes to be claimed, and this was seen of it."""
    return partial(
        campaign.start_attempt,
        message_id=mid("intro"),
        now=now,
        seen=Seen(looked=True, **seen),
        zones=zones,
    )


def waiting(**fields: Any) -> Story:
    """One mail, rendered, due at once, with ways out for a skip and a failure."""
    nodes = (
        send("intro", on("sent", "end"), on("send_skipped", "skipped"), on("send_failed", "lost")),
        stop(),
        stop("skipped"),
        stop("lost"),
    )
    return given(plan(*nodes, **fields)).when(queues("intro"))


def deferred(story: Story) -> MessageDeferred:
    fact = story.news[-1]
    assert isinstance(fact, MessageDeferred)
    return fact


def test_a_message_that_no_gate_stops_is_claimed_with_what_was_seen() -> None:
    story = waiting().when(sees(t(), jurisdiction="US", sends=99))
    story.then("attempt 1")
    fact = story.news[0]
    assert isinstance(fact, SendAttemptStarted)
    assert fact.seen is not None
    assert (fact.seen.looked, fact.seen.jurisdiction, fact.seen.channel) == (True, "US", "email")
    assert (fact.seen.sends, fact.seen.sends_max) == (0, 10)  # the plan is asked anew
    assert fact.seen.expires_at == story.message("intro").expires_at


def test_a_message_is_looked_at_only_when_it_is_due() -> None:
    story = waiting().when(sees(t(), paced_until=t(hours=1)))
    story.when(sees(t(hours=1) - SECOND)).then()
    story.when(sees(t(hours=1))).then("attempt 1")


# --- what waits -----------------------------------------------------------------------------------

FULL = (Cap(CapName.CAMPAIGN_DAY, 50, 50),)
WAITS: dict[str, tuple[dict[str, Any], str, timedelta]] = {
    "campaign": ({"campaign": "paused"}, "campaign_paused", WOKEN_AT_LATEST),
    "tenant": ({"tenant_paused": "operator"}, "tenant_paused", WOKEN_AT_LATEST),
    "everybody": ({"global_paused": True}, "global_paused", LOOK_AGAIN),
    "address": ({"address": "unchecked"}, "address_unchecked", LOOK_AGAIN),
    "sender": ({"sender_paused": "bounces"}, "sender_paused", WOKEN_AT_LATEST),
    "credentials": ({"circuit_needs_operator": True}, "circuit_open", WOKEN_AT_LATEST),
    "away": ({"away_until": t(2)}, "sender_away", timedelta(days=2)),
    "circuit": ({"circuit_until": t(seconds=30)}, "circuit_open", timedelta(seconds=30)),
    "mail": ({"opt_out": False}, "mail_incomplete", LOOK_AGAIN),
    "cap": ({"caps": FULL, "free_at": t(hours=8)}, "campaign_day", timedelta(hours=8)),
    "cap without a time": ({"caps": FULL}, "campaign_day", LOOK_AGAIN),
    "limits": ({"limits_seen": False}, "limits_unseen", LOOK_AGAIN),
    "pace": ({"paced_until": t(seconds=61)}, "pacing", timedelta(seconds=61)),
    "turn": ({"smoothed_by": "x", "smoothed_until": t(seconds=9)}, "smoothed", SECOND * 9),
    "broken": ({"health": None}, "gate_error", LOOK_AGAIN),
}


@pytest.mark.parametrize("case", WAITS)
def test_caps_and_pauses_say_their_reason_once_and_keep_the_expiry(case: str) -> None:
    seen, word, wait = WAITS[case]
    story = waiting()
    before = story.message("intro").expires_at
    story.when(sees(t(), **seen)).then(f"deferred {word}")
    fact = deferred(story)
    assert (fact.due_at, fact.expires_at) == (t() + wait, before)
    assert fact.seen is not None
    assert fact.seen.looked
    assert story.message("intro").expires_at == before
    later = _moved(seen, wait)
    assert story.when(sees(t() + wait, **later)).news == []  # for the same reason: no news


def _moved(seen: dict[str, Any], wait: timedelta) -> dict[str, Any]:
    """Closed for as long again."""
    return {
        name: value + wait if isinstance(value, datetime) else value for name, value in seen.items()
    }


def test_another_reason_is_news_and_so_is_the_first_one_again() -> None:
    story = waiting().when(sees(t(), campaign="paused"))
    story.when(sees(t(minutes=5), campaign="paused")).then()
    story.when(sees(t(minutes=5), sender_verified=False)).then("deferred sender_unverified")
    story.when(sees(t(minutes=10), campaign="paused")).then("deferred campaign_paused")
    story.when(sees(t(minutes=15))).then("attempt 1")


def test_a_wait_that_outlives_the_expiry_ends_in_a_skip() -> None:
    story = waiting().when(sees(t(), sender_verified=False))
    before = t() + EXPIRES_AFTER - SECOND
    assert story.when(sees(before, sender_verified=False)).news == []
    story.when(sees(t() + EXPIRES_AFTER, sender_verified=False))
    story.then("cancelled expired", *SKIPPED)


# --- what gets a new due time ---------------------------------------------------------------------

LA = "America/Los_Angeles"
TEXT: dict[str, Any] = {"jurisdiction": "US-CA", "consent": "express"}


def test_a_closed_hour_of_the_plan_gives_a_new_due_time_in_its_window() -> None:
    story = waiting(window=OFFICE).when(sees(t(hours=1)))
    story.then("deferred hours")
    assert deferred(story).due_at == MORNING
    assert deferred(story).expires_at == MORNING + EXPIRES_AFTER
    story.when(sees(MORNING - SECOND)).then()
    story.when(sees(MORNING)).then("attempt 1")


def test_a_weekend_of_the_recipient_puts_the_message_off_to_monday() -> None:
    story = _due_on_saturday()
    story.when(sees(SATURDAY, weekend="hard_stop")).then("deferred weekend")
    assert deferred(story).due_at == t(6, hours=17)  # Monday, nine o'clock
    assert deferred(story).expires_at == t(6, hours=17) + EXPIRES_AFTER
    story.when(sees(t(6, hours=17), weekend="hard_stop")).then("attempt 1")


def _due_on_saturday(delay: str = "P5D") -> Story:
    nodes = (send("intro", on("sent", "end"), delay=delay), stop())
    return given(plan(*nodes, window=EVERY_DAY)).when(queues("intro"))


def test_a_monday_that_comes_later_in_another_zone_is_waited_for_step_by_step() -> None:
    zones = ("Pacific/Auckland", "Pacific/Honolulu")
    friday = t(3, hours=21)  # 13:00 UTC: Saturday in Auckland, Friday in Honolulu
    story = _due_on_saturday("P3DT21H")
    story.when(sees(friday, zones, weekend="hard_stop")).then("deferred weekend")
    sunday = t(5, hours=20)  # 12:00 UTC: Monday in Auckland, Sunday in Honolulu
    assert deferred(story).due_at == sunday
    story.when(sees(sunday, zones, weekend="hard_stop")).then("deferred weekend")
    assert deferred(story).due_at == t(6, hours=18)  # when it is Monday in Honolulu
    story.when(sees(t(6, hours=18), zones, weekend="hard_stop")).then("attempt 1")


def test_without_a_place_the_zone_of_the_plan_counts() -> None:
    here = _due_on_saturday()
    here.when(sees(SATURDAY, (), weekend="hard_stop")).then("deferred weekend")
    assert deferred(here).due_at == t(6, hours=17)
    abroad = _due_on_saturday()
    abroad.when(sees(SATURDAY, ("Pacific/Kiritimati",), weekend="hard_stop"))
    abroad.then("deferred weekend")
    assert deferred(abroad).due_at == t(5, hours=18)  # Sunday 10:00 UTC: there it is Monday


def test_hours_of_the_law_give_a_new_due_time_that_the_plan_allows_too() -> None:
    nodes = (send("intro", on("sent", "end"), channel=Channel.SMS), stop())
    story = given(plan(*nodes, window=EVERY_DAY)).when(queues("intro"))
    early = t(days=1) - timedelta(hours=2)  # seven in the morning there
    story.when(sees(early, (LA,), **TEXT)).then("deferred region_hours")
    assert deferred(story).due_at == t(days=1, hours=-1)
    assert deferred(story).expires_at == t(days=1, hours=-1) + EXPIRES_AFTER
    story.when(sees(t(days=1, hours=-1), (LA,), **TEXT)).then("attempt 1")


def test_where_no_hour_is_permitted_the_message_waits_and_does_not_turn_in_circles() -> None:
    nodes = (send("intro", on("sent", "end"), channel=Channel.SMS), stop())
    story = given(plan(*nodes)).when(queues("intro"))
    russia = ("Europe/Kaliningrad", "Asia/Kamchatka")
    seen = {"jurisdiction": "RU", "consent": "express"}
    story.when(sees(t(), russia, **seen)).then("deferred region_hours")
    assert deferred(story).due_at >= t(1)


def test_the_tenants_gap_gives_a_new_due_time_in_the_window() -> None:
    story = waiting(window=OFFICE)
    story.when(sees(t(), touched_at=t(hours=-23), touch_gap_h=24)).then("deferred touch_gap")
    assert deferred(story).due_at == MORNING
    free = waiting()
    free.when(sees(t(), touched_at=t(hours=-23), touch_gap_h=24)).then("deferred touch_gap")
    assert deferred(free).due_at == t(hours=1)
    assert deferred(free).expires_at == t(hours=1) + EXPIRES_AFTER
    touched = {"touched_at": t(hours=-23), "touch_gap_h": 24}
    free.when(sees(t(hours=1) - SECOND, **touched)).then()
    free.when(sees(t(hours=1), **touched)).then("attempt 1")


# --- what is never sent ---------------------------------------------------------------------------

NEVER: dict[str, dict[str, Any]] = {
    "suppressed": {"suppressed": "unsubscribed"},
    "no_identity": {"reachable": False},
    "no_consent": {"jurisdiction": "DE"},
    "consent_expired": {"jurisdiction": "DE", "consent": "express", "consent_until": t()},
    "contacted_elsewhere": {"contacted_at": t(-59)},
    "address_invalid": {"address": "invalid"},
}


@pytest.mark.parametrize("word", NEVER)
def test_what_must_not_be_sent_is_cancelled_with_what_was_seen_and_the_plan_goes_on(
    word: str,
) -> None:
    story = waiting().when(sees(t(), **NEVER[word]))
    story.then(f"cancelled {word}", *SKIPPED)
    fact = story.news[0]
    assert isinstance(fact, MessageCancelled)
    assert fact.seen is not None
    told = {name: getattr(fact.seen, name) for name in NEVER[word]}
    assert told == NEVER[word]
    assert story.message("intro").state == MessageState.CANCELLED


def test_without_a_way_for_a_skip_the_plan_ends_as_undeliverable() -> None:
    story = given(plan(send("intro", on("sent", "end")), stop())).when(queues("intro"))
    story.when(sees(t(), suppressed="hard_bounce"))
    story.then("cancelled suppressed", "exited undeliverable")


def test_an_erased_contact_is_sent_nothing_and_no_skip_follows() -> None:
    story = waiting().when(sees(t(), known=False)).then("cancelled erased")
    assert story.message("intro").state == MessageState.CANCELLED
    story.when(sees(t(hours=1))).then()


def test_a_stopped_campaign_ends_the_plan() -> None:
    story = waiting().when(sees(t(), campaign="stopped"))
    story.then("cancelled stopped", "exited cancelled")
    assert story.state.stage == Stage.EXITED


def test_what_the_plan_asks_right_before_is_recorded_too() -> None:
    wants_city = field("contact.city", "eq", "Lisbon")
    nodes = (send("intro", on("sent", "end"), send_if=wants_city), stop())
    story = given(plan(*nodes)).learns(city="Porto").when(queues("intro"))
    story.when(sees(t())).then("cancelled send_if", "exited undeliverable")
    fact = story.news[0]
    assert isinstance(fact, MessageCancelled)
    assert fact.seen is not None
    assert not fact.seen.send_if


# --- a simulation ---------------------------------------------------------------------------------


def test_a_simulation_records_nothing_seen_and_asks_no_law() -> None:
    nodes = (send("intro", on("sent", "end"), channel=Channel.SMS), stop())
    story = given(plan(*nodes)).when(queues("intro"), claims("intro", t(hours=7)))
    story.then("attempt 1")  # a text at 23:00 to nobody knows where
    fact = story.news[0]
    assert isinstance(fact, SendAttemptStarted)
    assert fact.seen is None


def test_a_simulation_keeps_to_the_hours_of_the_plan_and_says_so_without_inputs() -> None:
    story = waiting(window=OFFICE).when(claims("intro", t(hours=1))).then("deferred hours")
    assert deferred(story).seen is None
    assert story.message("intro").due_at == MORNING


# --- what is rendered anew ------------------------------------------------------------------------


def test_a_mail_made_out_to_an_address_of_before_is_rendered_anew() -> None:
    story = waiting().when(sees(t(), readdressed=True)).then("reopened readdressed")
    assert story.message("intro").state == MessageState.PLANNED
    story.when(sees(t())).then()  # what is not rendered is not claimed
    story.when(queues("intro"), sees(t())).then("attempt 1")


def test_who_may_not_be_written_to_is_not_rendered_for_anew() -> None:
    waiting().when(sees(t(), readdressed=True, suppressed="unsubscribed")).then(
        "cancelled suppressed", *SKIPPED
    )


def test_a_message_in_doubt_that_is_ordered_again_goes_to_the_address_of_now() -> None:
    again = partial(campaign.resend, message_id=mid("intro"), author="key-1", at=t(4))
    story = waiting().when(sees(t()), doubts("intro", t()), again)
    story.when(sees(t(4), readdressed=True)).then("reopened readdressed")
    story.when(queues("intro"), sees(t(4))).then("attempt 2")


def test_what_is_rendered_anew_is_due_now_whatever_held_it_before() -> None:
    woken = t(minutes=10)
    story = waiting().when(sees(t(), campaign="paused")).then("deferred campaign_paused")
    story.when(sees(woken, readdressed=True)).then("reopened readdressed")
    assert story.message("intro").due_at == woken
    story.when(queues("intro"), sees(woken)).then("attempt 1")
