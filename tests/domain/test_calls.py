"""Webhooks with `onError`: the token waits for the answer, whatever comes meanwhile."""

import pytest

from domain.campaign import Phase
from domain.events import WebhookRequested
from domain.taxonomy import Outcome
from tests.domain.asking import answers, expires, hears, pauses, resumes, stops
from tests.domain.building import field, on, plan, send, stop, t, wait, webhook
from tests.domain.spec import Story, given

ENDS = (stop("won", Outcome.CONVERTED), stop("lost", Outcome.NO_RESPONSE))
PLAN = plan(webhook("crm", "won", "lost"), *ENDS)


def calling() -> Story:
    """A mail was sent an hour ago, and an open of it made the call."""
    nodes = (
        send("intro", on("opened", "crm"), on("timeout", "lost", after="P9D")),
        webhook("crm", "more", "lost"),
        wait("more", on("clicked", "won"), on("timeout", "lost", after="P1D")),
    )
    story = given(plan(*nodes, *ENDS)).sends("intro").when(hears("opened", t(hours=1), "intro"))
    return story.then("opened", "take intro.0 opened", "enter crm", "call")


def test_the_token_waits_for_the_answer() -> None:
    story = given(PLAN).then("plan accepted", "started", "enter crm", "call")
    call = story.facts[-1]
    assert isinstance(call, WebhookRequested)
    assert (call.waits, call.give_up_at) == (True, t(hours=1))
    assert (story.state.phase, story.state.timers) == (Phase.CALLING, ())


@pytest.mark.parametrize(
    ("ok", "facts"),
    [
        (True, ["called", "completed converted"]),
        (False, ["call failed", "completed no_response"]),
    ],
)
def test_a_call_leads_on_by_what_came_of_it(ok: bool, facts: list[str]) -> None:  # noqa: FBT001  # a case
    given(PLAN).when(answers("crm", t(minutes=9), ok=ok)).then(*facts)


def test_a_second_answer_is_no_news() -> None:
    story = calling().when(answers("crm", t(hours=1, minutes=1))).then("called", "enter more")
    story.when(answers("crm", t(hours=1, minutes=2), ok=False)).then()


def test_an_answer_to_a_call_that_never_was_is_no_news() -> None:
    given(PLAN).when(answers("crm", t(1), visit=2)).then()


def test_what_is_heard_meanwhile_is_latched_and_offered_after_the_answer() -> None:
    story = calling().when(hears("clicked", t(hours=1, minutes=1), "intro")).then("clicked")
    story.when(answers("crm", t(hours=1, minutes=5))).then(
        "called", "enter more", "take more.0 clicked", "completed converted"
    )


@pytest.mark.parametrize("signal", ["replied", "bounced", "unsubscribed"])
def test_an_exit_acts_at_once_and_a_later_answer_is_only_noted(signal: str) -> None:
    story = calling().when(hears(signal, t(hours=2), "intro")).then(signal, f"exited {signal}")
    story.when(answers("crm", t(hours=3))).then("called")
    assert story.state.node == "crm"


def test_a_goal_a_stop_and_the_end_of_the_duration_act_at_once() -> None:
    calling().when(hears("meeting_booked", t(1))).then("meeting_booked", "exited converted")
    calling().when(stops(t(1))).then("exited cancelled")
    calling().when(expires(t(60))).then("exited expired")


def test_an_answer_while_paused_leads_on_at_the_resume() -> None:
    story = calling().when(pauses(t(hours=1, minutes=1)), answers("crm", t(hours=1, minutes=2)))
    story.then("called")
    story.when(resumes(t(1))).then("resumed", "enter more")
    assert [timer.due_at for timer in story.state.timers] == [t(2)]


def test_a_resume_before_the_answer_waits_on_for_it() -> None:
    story = calling().when(pauses(t(hours=2)), resumes(t(hours=3))).then("resumed")
    assert story.state.phase == Phase.CALLING
    story.when(answers("crm", t(hours=4), ok=False)).then("call failed", "completed no_response")


def test_an_out_of_office_meanwhile_puts_off_the_next_send() -> None:
    nodes = (
        send("intro", on("opened", "crm"), on("timeout", "lost", after="P9D")),
        webhook("crm", "next", "lost"),
        send("next", on("timeout", "lost", after="P1D")),
    )
    story = given(plan(*nodes, *ENDS)).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(hears("auto_replied", t(hours=1), "intro"), answers("crm", t(hours=2)))
    assert story.message("next").due_at == t(3, hours=1)


def test_a_guard_after_the_answer_sees_what_was_heard_meanwhile() -> None:
    nodes = (
        send("intro", on("opened", "crm"), on("timeout", "lost", after="P9D")),
        webhook("crm", "next", "lost"),
        send("next", on("send_skipped", "won"), send_if=field("facts.intro.clicked", "not_exists")),
    )
    story = given(plan(*nodes, *ENDS)).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(hears("clicked", t(hours=1), "intro"), answers("crm", t(hours=2))).sends("next")
    assert story.state.node == "won"
