"""A18: a pause in each phase; the case of plan-dsl.md 4.4; what comes while it lasts."""

from datetime import datetime, timedelta

import pytest

from domain.errors import CampaignEnded, CampaignNotStarted
from domain.events import Paused, Resumed
from domain.taxonomy import CancelReason, Outcome
from domain.timing import Window
from tests.domain.asking import (
    accepts,
    claims,
    expires,
    hears,
    mid,
    pauses,
    queues,
    refuses,
    resumes,
    returns,
    skips,
    stops,
    times_out,
)
from tests.domain.building import SECOND, field, on, plan, send, stop, t, wait
from tests.domain.spec import Story, drafted, given

LA = "America/Los_Angeles"
CLICKS = plan(
    send("intro", on("clicked", "warm", within="P2D"), on("no_click", "cold", after="P3D")),
    stop("warm"),
    stop("cold"),
)
LATER = plan(send("intro", on("timeout", "end", after="P1D"), delay="PT6H"), stop())


def test_a18_the_pause_case_of_4_4() -> None:
    story = given(CLICKS).sends("intro").when(pauses(t(days=1))).then("paused")
    story.when(hears("clicked", t(days=2), "intro")).then("opened derived", "clicked")
    story.when(resumes(t(days=5)))
    story.then("resumed", "take intro.0 clicked", "completed completed")
    resumed = story.news[0]
    assert isinstance(resumed, Resumed)
    assert resumed.shift_s == timedelta(days=4).total_seconds()


def test_a18_timers_t0_and_the_end_shift_by_the_paused_time() -> None:
    story = given(CLICKS).sends("intro").when(pauses(t(days=1)), resumes(t(days=5)))
    story.then("resumed")
    assert story.state.t0 == t(days=4)
    assert [timer.due_at for timer in story.state.timers] == [t(days=7)]
    assert story.state.expires_at == t(days=64)
    story.when(times_out("intro", 1, t(days=3))).then()  # the old timer is stale
    story.when(times_out("intro", 1, t(days=7))).then(
        "take intro.1 no_click", "completed completed"
    )


@pytest.mark.parametrize(("at", "node"), [(t(days=6), "warm"), (t(days=6) + SECOND, "intro")])
def test_a18_after_a_pause_bounds_count_from_the_shifted_clock(at: datetime, node: str) -> None:
    story = given(CLICKS).sends("intro").when(pauses(t(days=1)), resumes(t(days=5)))
    story.when(hears("opened", t(days=5), "intro"), hears("clicked", at, "intro"))
    assert story.state.node == node


def test_a18_what_no_transition_took_before_the_pause_is_not_offered_again() -> None:
    ways = (on("clicked", "warm", within="PT1H"), on("timeout", "cold", after="P9D"))
    story = given(plan(send("intro", *ways), stop("warm"), stop("cold"))).sends("intro")
    story.when(hears("clicked", t(hours=2), "intro")).then("opened derived", "clicked")
    story.when(pauses(t(days=1)), resumes(t(days=5))).then("resumed")


def test_a18_no_timer_goes_while_it_lasts() -> None:
    story = given(CLICKS).sends("intro").when(pauses(t(days=1)))
    story.when(times_out("intro", 1, t(days=3))).then()
    story.when(expires(t(days=60))).then()


def test_a18_a_fact_that_came_meanwhile_silences_a_shifted_timer() -> None:
    ways = (on("no_open", "cold", after="P3D"), on("timeout", "warm", after="P9D"))
    story = given(plan(send("intro", *ways), stop("warm"), stop("cold"))).sends("intro")
    story.when(pauses(t(days=1)), hears("opened", t(days=4), "intro"), resumes(t(days=5)))
    assert [timer.kind for timer in story.state.timers] == ["timeout"]


def test_a18_a_second_pause_shifts_again() -> None:
    story = given(CLICKS).sends("intro").when(pauses(t(days=1)), resumes(t(days=2)))
    story.when(pauses(t(days=3)), resumes(t(days=5)))
    assert [timer.due_at for timer in story.state.timers] == [t(days=6)]


@pytest.mark.parametrize("signal", ["unsubscribed", "spam_reported"])
def test_a18_hard_exits_act_at_once(signal: str) -> None:
    story = given(LATER).when(pauses(t(hours=1)), hears(signal, t(hours=2)))
    story.then(signal, "cancelled unsubscribed", "exited unsubscribed")


@pytest.mark.parametrize(
    ("signal", "end"),
    [("replied", "replied"), ("bounced", "bounced"), ("meeting_booked", "converted")],
)
def test_a18_a_reply_a_bounce_and_a_goal_end_it_on_resume(signal: str, end: str) -> None:
    story = given(CLICKS).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(pauses(t(days=1)), hears(signal, t(days=2), "intro")).then(signal)
    story.when(resumes(t(days=5))).then("resumed", f"exited {end}")


def test_a18_an_auto_reply_ends_it_on_resume_when_the_plan_says_so() -> None:
    story = given(plan(*CLICKS.nodes.values(), auto_reply="exit")).sends("intro")
    story.when(pauses(t(1)), hears("auto_replied", t(2), "intro")).then("auto_replied")
    story.when(resumes(t(5))).then("resumed", "exited no_response")


def test_a18_a_reply_a_node_names_leads_there_on_resume() -> None:
    nodes = (
        send("intro", on("replied", "by_hand"), on("timeout", "cold", after="P9D")),
        stop("by_hand", Outcome.HANDED_OFF),
        stop("cold"),
    )
    story = given(plan(*nodes)).sends("intro").when(pauses(t(1)), hears("replied", t(2), "intro"))
    story.when(resumes(t(5))).then("resumed", "take intro.0 replied", "completed handed_off")


def test_a18_a_pending_send_waits_and_is_placed_again() -> None:
    window = Window(frozenset(range(5)), 9 * 60, 17 * 60)
    zoned = plan(*LATER.nodes.values(), zone=LA, window=window, jitter_s=(60, 60))
    story = given(zoned).when(queues("intro"))
    assert story.message("intro").due_at == t(hours=6, minutes=1)
    story.when(pauses(t(hours=1))).then("paused")
    paused = story.news[0]
    assert isinstance(paused, Paused)
    assert paused.message_id == mid("intro")
    story.when(claims("intro", t(hours=7))).then()
    story.when(resumes(t(hours=4))).then("resumed")
    assert story.message("intro").due_at == t(days=1, minutes=1), "17:01 is closed: next morning"
    assert story.message("intro").expires_at == t(days=4, minutes=1)


def test_a18_an_expiry_does_not_run_while_it_lasts() -> None:
    story = given(LATER).when(queues("intro"), pauses(t(hours=1)))
    story.when(skips("intro", CancelReason.EXPIRED, t(days=9))).then()
    story.when(resumes(t(days=9)), claims("intro", t(days=9, hours=5))).then("attempt 1")


def test_a18_spacing_holds_for_a_placed_message() -> None:
    nodes = (
        send("intro", on("timeout", "next", after="PT1H")),
        send("next", on("timeout", "end", after="P1D")),
        stop(),
    )
    story = given(plan(*nodes, spacing="PT12H")).sends("intro")
    story.when(times_out("intro", 0, t(hours=1)), pauses(t(hours=2)), resumes(t(hours=3)))
    assert story.message("next").due_at == t(hours=13)


def test_a18_an_out_of_office_of_the_pause_puts_off_the_pending_send() -> None:
    nodes = (
        send("intro", on("timeout", "next", after="PT1H")),
        send("next", on("timeout", "end", after="P1D")),
        stop(),
    )
    story = given(plan(*nodes)).sends("intro").when(times_out("intro", 0, t(hours=1)))
    story.when(pauses(t(hours=1)), hears("auto_replied", t(hours=2), "intro"))
    story.when(resumes(t(hours=3)))
    assert story.message("next").due_at == t(days=3, hours=2)


@pytest.mark.parametrize("if_past", ["send", "skip"])
def test_a18_an_absolute_time_does_not_shift(if_past: str) -> None:
    chosen = "skip" if if_past == "skip" else "send"
    nodes = (
        send("intro", on("send_skipped", "end"), at=t(days=2), if_past=chosen),
        stop(),
    )
    story = given(plan(*nodes)).when(queues("intro"), pauses(t(hours=1)), resumes(t(days=1)))
    story.then("resumed")
    assert story.message("intro").due_at == t(days=2)
    story.when(pauses(t(days=1)), resumes(t(days=3)))
    if if_past == "send":
        story.then("resumed")
        assert story.message("intro").due_at == t(days=3)
    else:
        story.then("resumed", "cancelled past", "take intro.0 send_skipped", "completed completed")


def in_flight() -> Story:
    """Claimed at T0, paused a minute later."""
    return given(CLICKS).when(queues("intro"), claims("intro", t()), pauses(t(minutes=1)))


def test_a18_a_message_accepted_meanwhile_starts_its_clock_on_resume() -> None:
    story = in_flight().when(accepts("intro", t(minutes=2))).then("sent")
    assert (story.state.anchor, story.state.timers) == (mid("intro"), ())
    story.when(resumes(t(days=1))).then("resumed")
    assert story.state.t0 == t(days=1)
    assert [timer.due_at for timer in story.state.timers] == [t(days=4)]


def test_a18_a_message_accepted_before_but_heard_of_meanwhile_is_watched_on_resume() -> None:
    story = in_flight().when(accepts("intro", t(seconds=30))).then("sent")
    story.when(resumes(t(days=1, minutes=1))).then("resumed")
    assert story.state.t0 == t(days=1, seconds=30)
    assert [timer.due_at for timer in story.state.timers] == [t(days=4, seconds=30)]


def test_a18_sent_is_taken_on_resume() -> None:
    nodes = (
        send("intro", on("sent", "more")),
        wait("more", on("timeout", "end", after="P1D")),
        stop(),
    )
    story = given(plan(*nodes)).when(queues("intro"), claims("intro", t()), pauses(t(minutes=1)))
    story.when(accepts("intro", t(minutes=2))).then("sent")
    story.when(resumes(t(days=1))).then("resumed", "take intro.0 sent", "enter more")
    assert [timer.due_at for timer in story.state.timers] == [t(days=2)]


def test_a18_sent_whose_guard_was_false_is_not_taken_at_a_later_resume() -> None:
    gold = field("contact.tier", "eq", "gold")
    ways = (on("sent", "end", when=gold), on("timeout", "end", after="P9D"))
    story = given(plan(send("intro", *ways), stop()))
    story.when(queues("intro"), claims("intro", t()), pauses(t(minutes=1)))
    story.when(accepts("intro", t(minutes=2)), resumes(t(days=1))).then("resumed")
    assert [timer.due_at for timer in story.state.timers] == [t(days=10)]
    story.learns(tier="gold").when(pauses(t(days=2)), resumes(t(days=3))).then("resumed")


def test_a18_a_failure_meanwhile_is_taken_on_resume() -> None:
    story = in_flight().when(refuses("intro", t(minutes=2))).then("failed status_400")
    story.when(resumes(t(days=1))).then("resumed", "exited undeliverable")


def test_a18_a_skip_meanwhile_is_taken_on_resume() -> None:
    nodes = (send("intro", on("send_skipped", "end"), delay="PT6H"), stop())
    story = given(plan(*nodes)).when(pauses(t(hours=1)))
    story.when(skips("intro", CancelReason.OPERATOR, t(hours=2))).then("cancelled operator")
    story.when(resumes(t(days=1))).then(
        "resumed", "take intro.0 send_skipped", "completed completed"
    )


def test_a18_an_attempt_returned_meanwhile_is_placed_again_on_resume() -> None:
    story = in_flight().when(returns("intro", t(minutes=2), due_at=t(minutes=3))).then("returned")
    story.when(claims("intro", t(minutes=3))).then()
    story.when(resumes(t(days=1))).then("resumed")
    assert story.message("intro").due_at >= t(days=1)
    story.when(claims("intro", story.message("intro").due_at)).then("attempt 2")


def test_a18_a_timer_that_was_about_to_go_when_it_began_goes_after_it() -> None:
    story = given(CLICKS).sends("intro").when(pauses(t(days=3, seconds=10)))
    story.when(resumes(t(days=4)))
    due_at = t(days=4, seconds=-10)
    story.when(times_out("intro", 1, due_at)).then("take intro.1 no_click", "completed completed")


def test_pause_and_resume_are_safe_to_repeat_and_an_end_is_final() -> None:
    story = given(CLICKS).sends("intro").when(pauses(t(1)), pauses(t(2))).then()
    story.when(resumes(t(3)), resumes(t(4))).then()
    story.when(stops(t(5)))
    for order in (pauses(t(6)), resumes(t(6))):
        with pytest.raises(CampaignEnded):
            story.when(order)
        with pytest.raises(CampaignNotStarted):
            drafted(CLICKS).when(order)


def test_a_stop_ends_a_pause() -> None:
    story = given(LATER).when(pauses(t(hours=1)), stops(t(hours=2)))
    story.then("cancelled stopped", "exited cancelled")


def test_a_duration_that_was_over_before_the_pause_ends_it() -> None:
    story = given(CLICKS).sends("intro").when(pauses(t(days=61)), expires(t(days=60)))
    story.then("exited expired")
