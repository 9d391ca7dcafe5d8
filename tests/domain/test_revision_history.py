"""Section 10, 8 and 9 (A19): what carries over to another plan, and where it resumes."""

from functools import partial

import pytest

from domain import campaign
from domain.campaign import Phase
from domain.events import MessageCancelled
from domain.ids import dedupe_key
from domain.taxonomy import CancelReason, HoldReason, MessageState
from tests.domain.asking import (
    claims,
    expires,
    hears,
    mid,
    pauses,
    queues,
    resumes,
    revises,
    times_out,
)
from tests.domain.building import (
    GRACE,
    STREAM,
    SUBJECT,
    branch,
    field,
    notify,
    on,
    plan,
    send,
    stop,
    t,
    task,
    wait,
    webhook,
)
from tests.domain.revised_plans import ENDS, OLD, WAY, new, revisions, watching
from tests.domain.spec import given

# --- 8: what carries over -------------------------------------------------------------------------


def test_visits_facts_and_draws_follow_a_node_to_its_new_id() -> None:
    old = plan(
        send("intro", on("no_reply", "more", after="P1D"), variants={"a": 1, "b": 1}),
        wait("more", WAY),
        stop(),
    )
    chosen = new(
        send("hello", variants={"a": 1, "b": 999}),
        wait("rest", on("x_ask", "ask"), WAY),
        branch("ask", (field("facts.hello.opened", "exists"), "seen"), otherwise="end"),
        branch("seen", (field("state.visits.hello", "eq", 1), "won"), otherwise="end"),
    )
    story = given(old).knows(chosen).sends("intro").when(hears("opened", t(hours=1), "intro"))
    arm = story.message("intro").variant
    story.when(times_out("intro", 0, t(1)))
    story.when(revises(chosen, t(2), mapping={"intro": "hello", "more": "rest"})).then("revised")
    assert (story.state.node, story.state.drawn["hello"]) == ("rest", arm)
    story.when(hears("x_ask", t(3)))
    assert story.state.node == "won"


@pytest.mark.parametrize("number", range(4))
def test_an_arm_once_drawn_stays_though_the_new_plan_weighs_otherwise(number: int) -> None:
    key = f"tone{number}"
    old = plan(send("intro", on("sent", "more"), variants={"a": 1, "b": 1}, experiment=key))
    more = wait("more", WAY)
    old = plan(*old.nodes.values(), more, stop())
    story = given(old).sends("intro")
    arm = story.message("intro").variant
    weights = {each: 1 if each == arm else 999 for each in ("a", "b")}
    chosen = new(more, send("next", WAY, variants=weights, experiment=key))
    story.knows(chosen).when(revises(chosen, t(1), resume_at="next"))
    assert story.message("next").variant == arm


def test_visit_numbers_go_on_so_that_no_two_messages_share_an_id_or_a_key() -> None:
    old = plan(send("intro", on("sent", "more")), wait("more", WAY), stop())
    swapped = new(send("hello", WAY), wait("more", WAY), send("intro", WAY))
    story = given(old).sends("intro").knows(swapped)
    story.when(revises(swapped, t(1), mapping={"intro": "hello"}, resume_at="intro"))
    assert story.entered("intro").visit == 2
    again = plan(*swapped.nodes.values(), name="again")
    story.knows(again)
    story.when(revises(again, t(1), if_hash=swapped.hash, resume_at="hello"))
    assert story.entered("hello").visit == 2
    keys = [message.dedupe_key for message in story.state.messages.values()]
    assert len(keys) == len(set(keys)) == 3


def test_a_node_that_takes_the_place_of_another_goes_on_from_the_higher_number() -> None:
    nodes = (wait("a", on("x_go", "b"), WAY), wait("b", on("x_go", "b"), WAY))
    story = given(plan(*nodes, *ENDS)).when(hears("x_go", t(1)), hears("x_go", t(2)))
    assert story.state.visits == {"a": 1, "b": 2}
    chosen = new(*nodes)
    story.knows(chosen).when(revises(chosen, t(3), mapping={"a": "b", "b": "a"}))
    assert (story.state.node, story.state.visits) == ("a", {"a": 2, "b": 2})


def test_a_bound_of_visits_counts_those_under_the_old_plan() -> None:
    old = plan(send("intro", on("sent", "more")), wait("more", WAY), stop())
    chosen = new(
        send("intro", WAY, max_visits=1, on_max_visits="won"),
        wait("more", on("x_again", "intro"), WAY),
    )
    story = given(old).sends("intro").knows(chosen).when(revises(chosen, t(1)))
    story.when(hears("x_again", t(2))).then("x_again", "take more.0 x_again", "completed converted")


def test_limits_count_from_the_start() -> None:
    chosen = new(send("intro", on("timeout", "next", after="P1D")), send("next"), max_sends=1)
    story = watching().knows(chosen).when(revises(chosen, t(hours=1)))
    story.when(times_out("intro", 0, t(1)), queues("next"), claims("next", t(1)))
    story.then("cancelled policy", "exited undeliverable")


def test_the_end_moves_with_the_new_duration_and_keeps_the_paused_time() -> None:
    chosen = new(send("intro", WAY), max_duration="P20D")
    story = watching().knows(chosen).when(pauses(t(1)), resumes(t(4)))
    assert story.state.expires_at == t(63)
    story.when(revises(chosen, t(5)))
    assert (story.state.expires_at, revisions(story)[-1].expires_at) == (t(23), t(23))
    story.when(expires(t(22))).then()
    story.when(expires(t(23))).then("exited expired")


def test_an_end_that_is_past_by_the_new_plan_is_not_dated_before_the_revision() -> None:
    chosen = new(send("intro", WAY), max_duration="P2D")
    story = watching().knows(chosen).when(revises(chosen, t(5)))
    assert story.state.expires_at == t(5)
    story.when(expires(t(5))).then("exited expired")


# --- 9: resumeAt ----------------------------------------------------------------------------------


def test_resume_at_enters_its_node_at_the_time_of_the_revision() -> None:
    chosen = new(send("intro", WAY), wait("more", on("timeout", "won", after="P1D")))
    story = watching().knows(chosen).when(revises(chosen, t(2), resume_at="more"))
    story.then("revised", "enter more")
    assert [timer.due_at for timer in story.state.timers] == [t(3)]
    assert story.state.anchor == mid("intro")


def test_resume_at_the_node_of_the_token_is_a_new_visit() -> None:
    chosen = new(send("intro", WAY))
    story = watching().knows(chosen).when(revises(chosen, t(2), resume_at="intro"))
    story.then("revised", "enter intro")
    key = dedupe_key(SUBJECT, story.state.node, "email", 1, 2)
    assert (story.message("intro", 2).due_at, story.message("intro", 2).dedupe_key) == (t(2), key)


def test_a_waiting_message_that_the_revision_leaves_is_cancelled() -> None:
    chosen = new(send("intro", WAY), notify("tell", "won"))
    story = given(OLD).knows(chosen).when(queues("intro"), revises(chosen, t(1), resume_at="tell"))
    story.then("cancelled revised", "revised", "enter tell", "notify", "completed converted")
    gone = story.news[0]
    assert isinstance(gone, MessageCancelled)
    assert gone.reason == CancelReason.REVISED
    assert story.message("intro").state == MessageState.CANCELLED


def test_a_task_that_the_revision_leaves_is_withdrawn() -> None:
    chosen = new(wait("more", WAY))
    given(plan(task("call", WAY), stop())).knows(chosen).when(
        revises(chosen, t(1), resume_at="more")
    ).then("task withdrawn", "revised", "enter more")


def test_latched_events_are_offered_where_it_resumes() -> None:
    chosen = new(wait("more", on("clicked", "won"), WAY))
    story = watching().knows(chosen).when(hears("clicked", t(1), "intro"))
    story.when(revises(chosen, t(2), resume_at="more")).then(
        "revised", "enter more", "take more.0 clicked", "completed converted"
    )


def test_a_goal_of_the_new_plan_ends_it_where_it_resumes_too() -> None:
    chosen = new(wait("more", WAY), goal="x_won")
    watching().knows(chosen).when(
        hears("x_won", t(1)), revises(chosen, t(2), resume_at="more")
    ).then("revised", "enter more", "exited converted")


def test_a_hold_that_was_in_force_is_looked_at_again() -> None:
    chosen = new(send("intro", WAY, delay="PT6H"))
    held = partial(
        campaign.hold,
        message_id=mid("intro"),
        reason=HoldReason.CIRCUIT_OPEN,
        until=t(hours=8),
        at=t(hours=6),
    )
    story = given(OLD).knows(chosen).when(queues("intro"), held, revises(chosen, t(hours=6)))
    assert story.message("intro").due_at == t(hours=6)


def test_a_call_that_was_not_waited_for_may_be_answered_after_the_revision() -> None:
    old = plan(webhook("crm", "more"), wait("more", WAY), stop())
    chosen = new(wait("more", WAY))
    story = given(old).knows(chosen).when(revises(chosen, t(1)))
    call_id = next(iter(story.state.calls))
    called = campaign.Called(call_id=call_id, ok=True, reason="", attempts=1)
    story.when(partial(campaign.resolve_webhook, called=called, at=t(1) + GRACE)).then("called")
    assert story.grounds.stream == STREAM
    assert story.state.phase == Phase.WATCH
