"""A12 to A14, A17, A20, A26, A27 and section 8: bounces, machines, replies, failures, ends."""

from typing import Literal

import pytest

from domain.events import Exited, MessageDeferred
from domain.plan import Policy
from domain.taxonomy import CancelReason, Channel, Outcome
from domain.timing import Window
from tests.domain.asking import (
    claims,
    expires,
    gives_up,
    hears,
    mid,
    queues,
    refuses,
    skips,
    stops,
    times_out,
)
from tests.domain.building import SECOND, field, on, plan, send, stop, t, wait
from tests.domain.spec import Story, given

NEVER_OPEN = Window(frozenset(), 0, 0)
TWO = (
    send("intro", on("no_reply", "next", after="P1D")),
    send("next", on("timeout", "end", after="P9D"), delay="PT6H"),
    stop(),
)
BY_HAND = stop("by_hand", Outcome.HANDED_OFF)


def watching() -> Story:
    return given(plan(*TWO)).sends("intro")


def waiting() -> Story:
    """The first mail is out, the second waits to be sent."""
    return watching().when(times_out("intro", 0, t(days=1))).when(queues("next"))


# --- A12 to A14 -----------------------------------------------------------------------------------


def test_a12_a_bounce_ends_it_and_a_deferral_does_not() -> None:
    story = watching().when(hears("deferred", t(minutes=1), "intro")).then("deferred")
    story.when(hears("bounced", t(minutes=2), "intro")).then("bounced", "exited bounced")


def test_a12_a_node_may_name_the_bounce() -> None:
    nodes = (send("intro", on("bounced", "by_hand"), on("timeout", "end", after="P1D")), BY_HAND)
    story = given(plan(*nodes, stop())).sends("intro").when(hears("bounced", t(1), "intro"))
    story.then("bounced", "take intro.0 bounced", "completed handed_off")


def test_a13_an_out_of_office_puts_off_the_pending_send() -> None:
    story = waiting().when(hears("auto_replied", t(days=1, hours=1), "intro"))
    story.then("auto_replied", "deferred auto_replied")
    assert story.message("next").due_at == t(days=4, hours=1)
    assert story.message("next").expires_at == t(days=7, hours=1)


def test_a13_an_out_of_office_puts_off_the_next_send_when_none_is_pending() -> None:
    story = watching().when(hears("auto_replied", t(hours=1), "intro")).then("auto_replied")
    story.when(times_out("intro", 0, t(days=1)))
    assert story.message("next").due_at == t(days=3, hours=1)


def test_a13_a_send_that_is_late_enough_is_left_where_it_is() -> None:
    nodes = (TWO[0], send("next", on("timeout", "end", after="P9D"), delay="P9D"), stop())
    story = given(plan(*nodes, jitter_s=(60, 600))).sends("intro")
    due = story.state.timers[0].due_at
    story.when(times_out("intro", 0, due)).when(hears("auto_replied", due, "intro"))
    story.then("auto_replied late")


def test_a13_a_put_off_send_keeps_to_quiet_hours_and_jitter() -> None:
    quiet = plan(*TWO, zone="America/Los_Angeles", quiet=("10:30", "12:00"), jitter_s=(60, 60))
    story = given(quiet).sends("intro")
    story.when(times_out("intro", 0, story.state.timers[0].due_at))
    story.when(hears("auto_replied", t(days=1, hours=2), "intro"))
    story.then("auto_replied", "deferred auto_replied")
    assert story.message("next").due_at == t(days=4, hours=3, minutes=1)


def test_a13_ignore_does_nothing_and_exit_ends_it() -> None:
    def heard(action: Literal["ignore", "defer", "exit"]) -> Story:
        story = given(plan(*TWO, auto_reply=action)).sends("intro")
        story.when(times_out("intro", 0, t(days=1)))
        return story.when(hears("auto_replied", t(days=1, hours=1), "intro"))

    heard("ignore").then("auto_replied")
    story = heard("exit").then("auto_replied", "cancelled ended", "exited no_response")
    last = story.facts[-1]
    assert isinstance(last, Exited)
    assert last.reason == "auto_replied"


def test_a13_a_node_may_name_the_auto_reply() -> None:
    nodes = (
        send("intro", on("auto_replied", "by_hand"), on("timeout", "end", after="P1D")),
        BY_HAND,
    )
    story = given(plan(*nodes, stop(), auto_reply="exit")).sends("intro")
    story.when(hears("auto_replied", t(hours=1), "intro"))
    story.then("auto_replied", "take intro.0 auto_replied", "completed handed_off")


MACHINES = (
    send("intro", on("clicked", "hot"), on("opened", "hot"), on("no_open", "cold", after="P1D")),
    stop("hot"),
    stop("cold"),
)


@pytest.mark.parametrize("signal", ["opened", "clicked"])
def test_a14_what_machines_do_is_stored_and_moves_nothing(signal: str) -> None:
    story = given(plan(*MACHINES)).sends("intro")
    story.when(hears(signal, t(hours=1), "intro", machine=True))
    derived = ["opened derived machine"] if signal == "clicked" else []
    story.then(*derived, f"{signal} machine")
    story.when(times_out("intro", 2, t(days=1)))
    story.then("take intro.2 no_open", "completed completed")


def test_a14_a_policy_may_count_machines_as_people() -> None:
    story = given(plan(*MACHINES), Policy(machine_events_count=True)).sends("intro")
    story.when(hears("opened", t(hours=1), "intro", machine=True))
    story.then("opened", "take intro.1 opened", "completed completed")


def test_a14_a_person_may_open_after_a_machine_did() -> None:
    story = given(plan(*MACHINES)).sends("intro")
    story.when(hears("opened", t(hours=1), "intro", machine=True))
    story.when(hears("clicked", t(hours=2), "intro"))
    story.then("opened derived", "clicked", "take intro.1 opened", "completed completed")


def test_a14_a_guard_does_not_see_machines() -> None:
    gold = field("facts.intro.clicked", "not_exists")
    nodes = (send("intro", on("timeout", "hot", after="P1D", when=gold)), stop("hot"))
    story = given(plan(*nodes)).sends("intro")
    story.when(hears("clicked", t(hours=2), "intro", machine=True))
    story.when(times_out("intro", 0, t(days=1)))
    story.then("take intro.0 timeout", "completed completed")


# --- A17, A20, A26 --------------------------------------------------------------------------------


def test_a17_the_dedupe_key_names_run_and_visit_unless_they_are_the_first() -> None:
    loop = send("intro", on("no_open", "intro", after="P1D"), max_visits=2, on_max_visits="end")
    story = given(plan(loop, stop()))
    assert story.message("intro").dedupe_key == "t_demo:c_1001:camp_1:intro:email"
    story.sends("intro").when(times_out("intro", 0, t(days=1)))
    assert story.message("intro", 2).dedupe_key == "t_demo:c_1001:camp_1:intro:email:1.2"
    assert mid("intro") != mid("intro", 2)


@pytest.mark.parametrize(
    "signal", ["opened", "replied", "unsubscribed", "bounced", "meeting_booked"]
)
def test_a20_after_the_end_signals_are_facts_only(signal: str) -> None:
    story = watching().when(stops(t(hours=1)), hears("opened", t(hours=1), "intro"))
    before = story.state
    about = None if signal == "meeting_booked" else "intro"
    story.when(hears(signal, t(hours=2), about)).then(signal)
    assert (story.state.stage, story.state.outcome) == (before.stage, before.outcome)


def test_a20_a_click_after_the_end_still_derives_its_open() -> None:
    story = watching().when(stops(t(hours=1))).when(hears("clicked", t(hours=2), "intro"))
    story.then("opened derived", "clicked")


@pytest.mark.parametrize("signal", ["unsubscribed", "spam_reported"])
def test_a26_an_opt_out_ends_the_plan_in_every_phase(signal: str) -> None:
    watching().when(hears(signal, t(hours=1), "intro")).then(signal, "exited unsubscribed")
    story = waiting().when(hears(signal, t(days=1, hours=1), "intro"))
    story.then(signal, "cancelled unsubscribed", "exited unsubscribed")
    story = waiting().when(claims("next", t(days=1, hours=6)))
    story.when(hears(signal, t(days=1, hours=6), "intro"))
    story.then(signal, "exited unsubscribed")


def test_a26_an_opt_out_does_not_wait_for_an_older_timer() -> None:
    story = watching().when(hears("unsubscribed", t(days=1, seconds=1), "intro"))
    story.then("unsubscribed", "exited unsubscribed")


def test_a26_an_opt_out_comes_before_a_goal() -> None:
    goals = (("unsubscribed", Outcome.CONVERTED),)
    story = given(plan(*TWO, goals=goals)).sends("intro")
    story.when(hears("unsubscribed", t(hours=1), "intro"))
    story.then("unsubscribed", "exited unsubscribed")


# --- section 8 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", ["replied", "bounced"])
def test_default_exits_act_in_every_phase(signal: str) -> None:
    def known(story: Story) -> Story:
        return story.when(hears("opened", t(seconds=1), "intro"))

    known(watching()).when(hears(signal, t(hours=1), "intro")).then(signal, f"exited {signal}")
    story = known(waiting()).when(hears(signal, t(days=1, hours=1), "intro"))
    story.then(signal, f"cancelled {signal}", f"exited {signal}")
    story = known(waiting()).when(claims("next", t(days=1, hours=6)))
    story.when(hears(signal, t(days=1, hours=6), "intro")).then(signal, f"exited {signal}")


def test_a_goal_ends_it_from_anywhere_and_before_transitions() -> None:
    nodes = (
        send("intro", on("x_signed", "end"), on("timeout", "next", after="P1D")),
        send("next", on("timeout", "end", after="P9D"), delay="PT6H"),
        stop(),
    )
    goals = (("x_signed", Outcome.CONVERTED),)
    story = given(plan(*nodes, goals=goals)).sends("intro")
    story.when(hears("x_signed", t(hours=1))).then("x_signed", "exited converted")
    story = given(plan(*nodes, goals=goals)).sends("intro")
    story.when(times_out("intro", 1, t(days=1))).when(hears("x_signed", t(days=1, hours=1)))
    story.then("x_signed", "cancelled goal", "exited converted")
    last = story.facts[-1]
    assert isinstance(last, Exited)
    assert last.reason == "goal:x_signed"


def test_a_reply_may_lead_to_a_node_instead() -> None:
    nodes = (send("intro", on("replied", "by_hand"), on("timeout", "end", after="P1D")), BY_HAND)
    story = given(plan(*nodes, stop())).sends("intro").when(hears("replied", t(hours=1), "intro"))
    story.then("opened derived", "replied", "take intro.0 replied", "completed handed_off")


def test_a_reply_outside_its_time_ends_it() -> None:
    ways = (on("replied", "by_hand", within="PT1H"), on("timeout", "end", after="P9D"))
    story = given(plan(send("intro", *ways), BY_HAND, stop())).sends("intro")
    story.when(hears("opened", t(minutes=1), "intro"))
    story.when(hears("replied", t(hours=1) + SECOND, "intro")).then("replied", "exited replied")


def test_the_longest_duration_ends_it_in_every_phase() -> None:
    end = t(days=60)
    watching().when(expires(end)).then("exited expired")
    waiting().when(expires(end)).then("cancelled ended", "exited expired")
    waiting().when(claims("next", t(days=1, hours=6)), expires(end)).then("exited expired")
    watching().when(expires(end - SECOND)).then()


def test_an_order_to_stop_ends_it_in_every_phase() -> None:
    story = watching().when(stops(t(hours=1))).then("exited cancelled")
    assert (story.state.timers, story.state.pending) == ((), None)
    waiting().when(stops(t(days=1))).then("cancelled stopped", "exited cancelled")


# --- A27 ------------------------------------------------------------------------------------------

SKIPPED = [
    CancelReason.SUPPRESSED,
    CancelReason.NO_IDENTITY,
    CancelReason.POLICY,
    CancelReason.OPERATOR,
]


@pytest.mark.parametrize("reason", SKIPPED)
def test_a27_a_skip_leads_out_as_undeliverable(reason: CancelReason) -> None:
    story = waiting().when(skips("next", reason, t(days=1, hours=1)))
    story.then(f"cancelled {reason}", "exited undeliverable")


def test_a27_a_node_may_name_the_skip_and_the_failure() -> None:
    def first(*, named: str) -> Story:
        nodes = (
            send("intro", on(named, "other"), on("timeout", "end", after="P9D")),
            send("other", on("sent", "end"), channel=Channel.SMS),
            stop(),
        )
        return given(plan(*nodes)).when(queues("intro"))

    story = first(named="send_skipped").when(skips("intro", CancelReason.SUPPRESSED, t(hours=1)))
    story.then("cancelled suppressed", "take intro.0 send_skipped", "enter other")
    assert story.message("other").due_at == t(hours=1)
    story = first(named="send_failed").when(claims("intro", t()), refuses("intro", t(seconds=1)))
    story.then("failed status_400", "take intro.0 send_failed", "enter other")
    story = first(named="send_failed").when(skips("intro", CancelReason.OPERATOR, t(hours=1)))
    story.then("cancelled operator", "exited undeliverable")


def test_a27_a_refusal_and_a_failed_rendering_are_undeliverable() -> None:
    story = waiting().when(claims("next", t(days=1, hours=6)), refuses("next", t(days=1, hours=6)))
    story.then("failed status_400", "exited undeliverable")
    story = given(plan(*TWO)).when(gives_up("intro", t()))
    story.then("failed render", "exited undeliverable")


def test_a27_the_way_out_of_a_failure_may_have_a_guard() -> None:
    gold = field("contact.tier", "eq", "gold")
    nodes = (
        send("intro", on("send_failed", "hot", when=gold), on("sent", "end")),
        stop("hot"),
        stop(),
    )
    story = given(plan(*nodes)).when(queues("intro"), claims("intro", t()))
    story.when(refuses("intro", t())).then("failed status_400", "exited undeliverable")
    story = given(plan(*nodes)).learns(tier="gold").when(queues("intro"), claims("intro", t()))
    story.when(refuses("intro", t())).then(
        "failed status_400", "take intro.0 send_failed", "completed completed"
    )


def test_a27_a_false_send_if_skips_at_dispatch() -> None:
    gold = field("contact.tier", "eq", "gold")
    nodes = (send("intro", on("sent", "end"), send_if=gold), stop())
    story = given(plan(*nodes)).learns(tier="gold").when(queues("intro")).learns(tier="free")
    story.when(claims("intro", t())).then("cancelled send_if", "exited undeliverable")


@pytest.mark.parametrize(("if_past", "then"), [("skip", "cancelled past"), ("send", None)])
def test_a27_an_absolute_time_that_is_past_at_entry(
    if_past: Literal["skip", "send"], then: str | None
) -> None:
    nodes = (send("intro", on("send_skipped", "end"), at=t(hours=-1), if_past=if_past), stop())
    story = given(plan(*nodes))
    if then is None:
        assert story.message("intro").due_at == t()
        return
    story.then(
        "plan accepted",
        "started",
        "enter intro",
        then,
        "take intro.0 send_skipped",
        "completed completed",
    )


def test_a27_a_send_without_any_open_hour_fails_closed() -> None:
    nodes = (send("intro", on("sent", "end")), stop())
    story = given(plan(*nodes, quiet=("00:00", "00:00")))
    assert story.state.node == "intro", "equal ends are no quiet hours"
    closed = given(plan(*nodes, window=NEVER_OPEN))
    closed.then(
        "plan accepted", "started", "enter intro", "failed no_window", "exited undeliverable"
    )


def test_a27_a_message_too_old_is_skipped() -> None:
    late = t(days=1, hours=6 + 72)
    waiting().when(skips("next", CancelReason.EXPIRED, late - SECOND)).then()
    story = waiting().when(skips("next", CancelReason.EXPIRED, late))
    story.then("cancelled expired", "exited undeliverable")
    story = waiting().when(claims("next", late))
    story.then("cancelled expired", "exited undeliverable")


def test_a27_a_skip_after_an_exit_is_no_news() -> None:
    waiting().when(stops(t(1)), skips("next", CancelReason.OPERATOR, t(2))).then()


def test_the_wait_after_a_failed_send_watches_the_message_before_it() -> None:
    nodes = (
        send("intro", on("timeout", "next", after="P1D")),
        send("next", on("send_failed", "more"), on("timeout", "end", after="P9D")),
        wait("more", on("opened", "end"), on("timeout", "end", after="P1D")),
        stop(),
    )
    story = given(plan(*nodes)).sends("intro").when(times_out("intro", 0, t(days=1)))
    story.when(queues("next"), claims("next", t(1)), refuses("next", t(1)))
    assert story.entered("more").anchor == mid("intro")


def test_a_deferral_says_until_when() -> None:
    story = waiting().when(hears("auto_replied", t(days=1, hours=1), "intro"))
    fact = story.facts[-1]
    assert isinstance(fact, MessageDeferred)
    assert fact.due_at == t(days=4, hours=1)
