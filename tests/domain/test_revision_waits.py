"""Section 10.6 and pauses: a revision that is kept for an outcome or a resume, and applied once."""

from functools import partial

import pytest

from domain import campaign
from domain.campaign import Acceptance, Phase
from domain.errors import RevisionStale
from domain.plan import Plan
from domain.taxonomy import CancelReason, MessageState, Via
from tests.domain.asking import (
    Decide,
    accepts,
    answers,
    claims,
    doubts,
    expires,
    hears,
    loses,
    mid,
    pauses,
    queues,
    refuses,
    report,
    resolves,
    resumes,
    returns,
    revises,
    skips,
    stops,
    times_out,
)
from tests.domain.building import SECOND, on, plan, send, t, task, wait, webhook
from tests.domain.revised_plans import ENDS, WAY, new, revisions, watching
from tests.domain.spec import Story, given

SENDS = plan(send("intro", on("send_failed", "lost"), WAY), *ENDS)


NEW = new(send("intro", on("send_failed", "won"), on("no_open", "won", after="P1D"), WAY))


def in_flight(*plans: Plan, old: Plan = SENDS) -> Story:
    """Claimed at T0; the provider has not answered yet."""
    return given(old).knows(NEW, *plans).when(queues("intro"), claims("intro", t()))


# --- 6: sending -----------------------------------------------------------------------------------


def test_while_a_message_is_on_its_way_a_revision_is_kept() -> None:
    story = in_flight().when(revises(NEW, t(minutes=1))).then("revision kept")
    assert (story.state.plan_hash, story.state.phase) == (SENDS.hash, Phase.SENDING)
    assert story.state.kept is not None


def test_it_is_applied_when_the_message_is_accepted() -> None:
    story = in_flight().when(revises(NEW, t(minutes=1)), accepts("intro", t(minutes=2)))
    story.then("sent", "revised")
    assert (story.state.plan_hash, story.state.kept) == (NEW.hash, None)
    assert [timer.due_at for timer in story.state.timers] == [t(1, minutes=2), t(9, minutes=2)]


def test_an_acceptance_dated_before_the_order_does_not_date_the_revision_back() -> None:
    chosen = new(send("intro", on("sent", "more")), wait("more", WAY))
    story = in_flight(chosen).when(revises(chosen, t(minutes=5)), accepts("intro", t(minutes=1)))
    story.then("sent", "revised", "take intro.0 sent", "enter more")
    assert (revisions(story)[0].at, story.state.t0) == (t(minutes=5), t(minutes=5))


def test_what_was_latched_meanwhile_is_offered_to_the_new_plan() -> None:
    chosen = new(send("intro", on("x_demo", "won"), WAY))
    story = in_flight(chosen).when(hears("x_demo", t(minutes=1)), revises(chosen, t(minutes=2)))
    story.when(accepts("intro", t(minutes=3))).then(
        "sent", "revised", "take intro.0 x_demo", "completed converted"
    )


def test_a_goal_of_the_new_plan_that_was_latched_ends_it_after_the_outcome() -> None:
    chosen = new(*NEW.nodes.values(), goal="x_demo")
    story = in_flight(chosen).when(hears("x_demo", t(minutes=1)), revises(chosen, t(minutes=2)))
    story.when(accepts("intro", t(minutes=3))).then("sent", "revised", "exited converted")


def test_it_is_applied_when_the_message_is_refused() -> None:
    story = in_flight().when(revises(NEW, t(minutes=1)), refuses("intro", t(minutes=2)))
    story.then("failed status_400", "revised", "take intro.0 send_failed", "completed converted")


def test_it_is_applied_when_the_message_is_taken_as_lost() -> None:
    story = in_flight().when(revises(NEW, t(minutes=1)), doubts("intro", t(minutes=2)))
    story.then("unknown")
    story.when(loses("intro", t(3))).then(
        "lost silence", "revised", "take intro.0 send_failed", "completed converted"
    )


def test_it_is_applied_when_the_attempt_came_back_and_the_back_off_holds() -> None:
    story = in_flight().when(revises(NEW, t(minutes=1)))
    story.when(returns("intro", t(minutes=2), due_at=t(minutes=9))).then("returned", "revised")
    message = story.message("intro")
    assert (message.state, message.due_at) == (MessageState.PLANNED, t(minutes=9))
    story.when(queues("intro"), claims("intro", t(minutes=9))).then("attempt 2")


def test_the_eighth_return_fails_by_the_new_plan() -> None:
    story = in_flight()
    for attempt in range(1, 8):
        story.when(returns("intro", t(minutes=attempt), attempt=attempt))
        story.when(claims("intro", t(minutes=attempt)))
    story.when(revises(NEW, t(minutes=9)), returns("intro", t(minutes=9), attempt=8))
    story.then(
        "failed refused_connection", "revised", "take intro.0 send_failed", "completed converted"
    )


def test_a_report_that_proves_the_acceptance_is_followed_by_the_new_plan() -> None:
    chosen = new(send("hello", on("opened", "won"), WAY))
    story = in_flight(chosen).when(revises(chosen, t(minutes=1), mapping={"intro": "hello"}))
    acceptance = Acceptance(message_id=mid("intro"), attempt=1, at=t(minutes=2), via=Via.WEBHOOK)
    opened = report("opened", t(minutes=2), "intro")
    heard = partial(campaign.hear, acceptance=acceptance, reported=opened, now=t(minutes=2))
    story.when(heard).then(
        "sent", "revised", "opened", "take hello.0 opened", "completed converted"
    )


@pytest.mark.parametrize(
    "outcome",
    [
        accepts("intro", t(minutes=2)),
        refuses("intro", t(minutes=2)),
        returns("intro", t(minutes=2)),
    ],
)
def test_a_kept_revision_with_resume_at_leaps_after_the_outcome(outcome: Decide) -> None:
    chosen = new(send("intro", WAY), wait("more", WAY))
    story = in_flight(chosen).when(revises(chosen, t(minutes=1), resume_at="more"), outcome)
    assert (story.state.node, story.state.visit, story.state.pending) == ("more", 1, None)
    assert len(revisions(story)) == 1


def test_the_same_revision_twice_is_kept_once_and_another_one_replaces_it() -> None:
    other = plan(send("intro", on("sent", "end")), *ENDS, name="other")
    story = in_flight(other).when(revises(NEW, t(minutes=1)), revises(NEW, t(minutes=2))).then()
    story.when(revises(other, t(minutes=3))).then("revision kept")
    story.when(accepts("intro", t(minutes=4))).then(
        "sent", "revised", "take intro.0 sent", "completed completed"
    )
    assert [fact.new_hash for fact in revisions(story)] == [other.hash]


def test_once_applied_it_is_never_applied_again() -> None:
    story = in_flight().when(revises(NEW, t(minutes=1)), accepts("intro", t(minutes=2)))
    story.when(accepts("intro", t(minutes=2))).then()
    story.when(hears("x_demo", t(minutes=3))).then("x_demo")
    assert len(revisions(story)) == 1
    with pytest.raises(RevisionStale):
        story.when(revises(NEW, t(minutes=4)))


@pytest.mark.parametrize(
    "end",
    [stops(t(1)), expires(t(60)), hears("replied", t(1), "intro"), hears("unsubscribed", t(1))],
)
def test_an_end_forgets_it(end: Decide) -> None:
    story = in_flight().when(revises(NEW, t(minutes=1)), end)
    assert (story.state.ended, story.state.kept) == (True, None)
    story.when(accepts("intro", t(2))).then("sent")
    assert revisions(story) == []


# --- 6: calling -----------------------------------------------------------------------------------

CALLS = plan(webhook("crm", "lost", "end"), *ENDS)


@pytest.mark.parametrize(("ok", "outcome"), [(True, "converted"), (False, "no_response")])
def test_while_a_call_is_not_answered_a_revision_is_kept(
    ok: bool,  # noqa: FBT001  # a case
    outcome: str,
) -> None:
    chosen = new(webhook("erp", "won", "lost"))
    story = given(CALLS).knows(chosen).when(revises(chosen, t(minutes=1), mapping={"crm": "erp"}))
    story.then("revision kept")
    story.when(answers("crm", t(minutes=2), ok=ok)).then(
        "called" if ok else "call failed", "revised", f"completed {outcome}"
    )


def test_a_failed_call_whose_failure_the_new_plan_does_not_name_goes_to_next() -> None:
    chosen = new(webhook("crm", "won"))
    story = given(CALLS).knows(chosen).when(revises(chosen, t(minutes=1)))
    story.when(answers("crm", t(minutes=2), ok=False)).then(
        "call failed", "revised", "completed converted"
    )


def test_a_kept_revision_leaps_after_the_answer() -> None:
    chosen = new(wait("more", WAY))
    story = given(CALLS).knows(chosen).when(revises(chosen, t(minutes=1), resume_at="more"))
    story.when(answers("crm", t(minutes=2))).then("called", "revised", "enter more")


def test_a_goal_of_the_new_plan_that_was_latched_ends_it_after_the_answer() -> None:
    chosen = new(webhook("crm", "more", "lost"), wait("more", WAY), goal="x_d")
    story = given(CALLS).knows(chosen).when(hears("x_d", t(minutes=1)))
    story.when(revises(chosen, t(minutes=2)), answers("crm", t(minutes=3)))
    story.then("called", "revised", "enter more", "exited converted")


# --- paused ---------------------------------------------------------------------------------------


def watched(chosen: Plan, *steps: Decide) -> Story:
    """The mail is out and clicks are asked about by nobody; paused after a day."""
    return watching().knows(chosen).when(*steps, pauses(t(1)))


def test_a_waiting_message_keeps_the_time_it_still_had() -> None:
    chosen = new(send("intro", WAY, delay="P2D"))
    story = given(plan(send("intro", WAY, delay="P3D"), *ENDS)).knows(chosen)
    story.when(queues("intro"), pauses(t(1)), revises(chosen, t(4))).then("revised")
    assert story.message("intro").state == MessageState.PLANNED
    story.when(resumes(t(6))).then("resumed")
    assert story.message("intro").due_at == t(7)


def test_a_waiting_message_that_is_past_by_the_new_plan_comes_at_the_resume() -> None:
    chosen = new(send("intro", WAY, delay="PT1H"))
    story = given(plan(send("intro", WAY, delay="P3D"), *ENDS)).knows(chosen)
    story.when(pauses(t(1)), revises(chosen, t(4)), resumes(t(6)))
    assert story.message("intro").due_at == t(6)


def test_timers_of_a_revision_while_paused_move_with_the_resume() -> None:
    chosen = new(send("intro", on("no_click", "won", after="P2D"), WAY))
    story = watched(chosen).when(revises(chosen, t(4))).then("revised")
    story.when(times_out("intro", 0, t(2))).then()
    story.when(resumes(t(6))).then("resumed")
    assert [timer.due_at for timer in story.state.timers] == [t(7), t(14)]
    story.when(times_out("intro", 0, t(7))).then("take intro.0 no_click", "completed converted")


def test_timers_past_by_a_revision_while_paused_fire_at_the_resume() -> None:
    chosen = new(send("intro", on("no_open", "won", after="PT1H"), WAY))
    story = watched(chosen).when(revises(chosen, t(4)), resumes(t(6))).then("resumed")
    story.when(times_out("intro", 0, t(6))).then("take intro.0 no_open", "completed converted")


def test_what_was_latched_before_the_pause_is_offered_to_the_new_plan_at_the_resume() -> None:
    chosen = new(send("intro", on("clicked", "won"), WAY))
    story = watched(chosen, hears("clicked", t(hours=1), "intro")).when(revises(chosen, t(4)))
    story.then("revised")
    story.when(resumes(t(6))).then("resumed", "take intro.0 clicked", "completed converted")


def test_that_it_was_sent_is_offered_to_the_new_plan_at_the_resume() -> None:
    chosen = new(send("intro", on("sent", "more")), wait("more", WAY))
    story = watched(chosen).when(revises(chosen, t(4))).then("revised")
    story.when(resumes(t(6))).then("resumed", "take intro.0 sent", "enter more")


def test_two_revisions_in_one_pause_leave_the_timers_of_the_second() -> None:
    first = new(send("intro", on("no_click", "won", after="P2D"), WAY))
    second = plan(send("intro", on("no_click", "won", after="P3D"), WAY), *ENDS, name="second")
    story = watched(first).knows(second).when(revises(first, t(2)))
    story.when(revises(second, t(3), if_hash=first.hash), resumes(t(6)))
    assert [timer.due_at for timer in story.state.timers] == [t(8), t(14)]


def test_a_timer_past_by_the_second_of_two_revisions_fires_at_the_resume() -> None:
    first = new(send("intro", WAY))
    second = plan(send("intro", on("no_open", "won", after="PT1H"), WAY), *ENDS, name="second")
    story = watched(first).knows(second)
    story.when(revises(first, t(2)), revises(second, t(3), if_hash=first.hash), resumes(t(6)))
    assert [timer.due_at for timer in story.state.timers] == [t(6), t(14)]


def test_a_wait_is_offered_at_the_resume_what_was_latched_before_the_pause() -> None:
    chosen = new(wait("more", on("clicked", "won"), WAY))
    story = given(plan(send("intro", on("sent", "more")), wait("more", WAY), *ENDS))
    story.knows(chosen).sends("intro").when(hears("clicked", t(hours=1), "intro"), pauses(t(1)))
    story.when(revises(chosen, t(2)), resumes(t(3)))
    story.then("resumed", "take more.0 clicked", "completed converted")


def test_a_goal_of_the_new_plan_that_was_latched_ends_it_at_the_resume() -> None:
    chosen = new(send("intro", WAY), goal="x_demo")
    story = watched(chosen, hears("x_demo", t(hours=1))).when(revises(chosen, t(4)))
    story.when(resumes(t(6))).then("resumed", "exited converted")


def test_resume_at_while_paused_waits_for_the_resume() -> None:
    chosen = new(wait("more", on("timeout", "won", after="P1D")))
    story = watched(chosen).when(revises(chosen, t(4), resume_at="more")).then("revision kept")
    assert story.state.node == "intro"
    story.when(resumes(t(6))).then("resumed", "revised", "enter more")
    assert [timer.due_at for timer in story.state.timers] == [t(7)]


def test_resume_at_while_paused_cancels_the_waiting_message_at_the_resume() -> None:
    chosen = new(wait("more", WAY))
    story = given(plan(send("intro", WAY, delay="P3D"), *ENDS)).knows(chosen).when(queues("intro"))
    story.when(pauses(t(1)), revises(chosen, t(2), resume_at="more")).then("revision kept")
    story.when(resumes(t(3))).then("resumed", "cancelled revised", "revised", "enter more")


def test_a_revision_without_resume_at_replaces_one_that_waited_for_the_resume() -> None:
    chosen = new(send("intro", WAY), wait("more", WAY))
    other = plan(send("intro", WAY), *ENDS, name="other")
    story = watched(chosen).knows(other).when(revises(chosen, t(2), resume_at="more"))
    story.when(revises(other, t(3))).then("revised")
    story.when(resumes(t(4))).then("resumed")
    assert (story.state.plan_hash, story.state.node, story.state.kept) == (
        other.hash,
        "intro",
        None,
    )


def test_a_task_done_in_the_pause_leads_on_by_the_new_plan() -> None:
    chosen = new(task("call", on("task_done", "won"), WAY))
    story = given(plan(task("call", WAY), *ENDS)).knows(chosen).when(pauses(t(1)))
    story.when(resolves("call", t(2)), revises(chosen, t(3)), resumes(t(4)))
    story.then("resumed", "take call.0 task_done", "completed converted")


def test_a_skip_in_the_pause_leads_on_by_the_new_plan() -> None:
    chosen = new(send("intro", on("send_skipped", "won"), delay="P3D"))
    story = given(plan(send("intro", WAY, delay="P3D"), *ENDS)).knows(chosen).when(pauses(t(1)))
    story.when(skips("intro", CancelReason.OPERATOR, t(2)), revises(chosen, t(3)))
    story.then("revised")
    story.when(resumes(t(4))).then("resumed", "take intro.0 send_skipped", "completed converted")


def test_a_limit_that_is_over_by_the_new_plan_ends_it_after_the_resume_only() -> None:
    chosen = new(send("intro", WAY), max_duration="PT12H")
    story = watched(chosen).when(revises(chosen, t(4)))
    story.when(expires(t(4))).then()
    story.when(resumes(t(6)))
    assert story.state.expires_at == t(6)
    story.when(expires(t(6))).then("exited expired")


@pytest.mark.parametrize("revised_first", [True, False])
def test_on_its_way_and_paused_the_revision_still_waits_for_the_outcome(
    revised_first: bool,  # noqa: FBT001  # a case
) -> None:
    orders = [revises(NEW, t(minutes=1)), pauses(t(minutes=2))]
    story = in_flight().when(*(orders if revised_first else reversed(orders)))
    assert story.state.kept is not None
    story.when(resumes(t(minutes=9))).then("resumed")
    assert (story.state.plan_hash, story.state.phase) == (SENDS.hash, Phase.SENDING)
    story.when(accepts("intro", t(minutes=10))).then("sent", "revised")


def test_an_acceptance_in_the_pause_brings_the_kept_revision_with_the_resume() -> None:
    chosen = new(send("intro", on("clicked", "won"), on("no_open", "won", after="P1D"), WAY))
    story = in_flight(chosen).when(hears("x_demo", t(minutes=1)), revises(chosen, t(minutes=1)))
    story.when(pauses(t(minutes=2)), accepts("intro", t(minutes=3))).then("sent")
    story.when(resumes(t(1))).then("resumed", "revised")
    assert [timer.due_at for timer in story.state.timers] == [t(2), t(10)]
    assert story.state.kept is None


def test_a_refusal_in_the_pause_brings_the_kept_revision_and_leads_on_at_the_resume() -> None:
    story = in_flight().when(revises(NEW, t(minutes=1)), pauses(t(minutes=2)))
    story.when(refuses("intro", t(minutes=3))).then("failed status_400", "revised")
    story.when(resumes(t(1))).then("resumed", "take intro.0 send_failed", "completed converted")


def test_after_an_outcome_in_the_pause_a_kept_leap_still_waits_for_the_resume() -> None:
    chosen = new(send("intro", WAY), wait("more", WAY))
    story = in_flight(chosen).when(revises(chosen, t(minutes=1), resume_at="more"))
    story.when(pauses(t(minutes=2)), refuses("intro", t(minutes=3))).then("failed status_400")
    story.when(resumes(t(1))).then("resumed", "revised", "enter more")


def test_an_answer_in_the_pause_brings_the_kept_revision_and_leads_on_at_the_resume() -> None:
    chosen = new(webhook("crm", "won", "lost"))
    story = given(CALLS).knows(chosen).when(revises(chosen, t(minutes=1)), pauses(t(minutes=2)))
    story.when(answers("crm", t(minutes=3))).then("called", "revised")
    story.when(resumes(t(1))).then("resumed", "completed converted")


def test_an_acceptance_in_the_pause_is_offered_what_came_before_the_pause() -> None:
    nodes = (
        send("intro", on("timeout", "next", after="PT1H")),
        send("next", on("clicked", "won", about="intro"), WAY, delay="PT1H"),
    )
    story = given(plan(*nodes, *ENDS)).sends("intro").when(times_out("intro", 0, t(hours=1)))
    story.when(hears("clicked", t(hours=1) + SECOND, "intro")).then("opened derived", "clicked")
    story.when(queues("next"), claims("next", t(hours=2)), pauses(t(hours=2)))
    story.when(accepts("next", t(hours=3)), resumes(t(hours=4)))
    story.then("resumed", "take next.0 clicked", "completed converted")
