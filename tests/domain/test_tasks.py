"""Tasks: made, done, skipped, withdrawn; what a person's late answer may and may not move."""

from typing import Literal

import pytest

from domain.campaign import Phase
from domain.events import NodeEntered, TaskCreated, TaskResolved
from domain.taxonomy import Outcome, TaskEnd
from tests.domain.asking import (
    Decide,
    errand,
    expires,
    hears,
    pauses,
    resolves,
    resumes,
    stops,
    times_out,
)
from tests.domain.building import GRACE, SECOND, field, on, plan, send, stop, t, task, wait
from tests.domain.spec import Story, given

CALL = task(
    "call",
    on("task_done", "won"),
    on("task_skipped", "lost"),
    on("timeout", "lost", after="P3D"),
    due="P2D",
)
ENDS = (stop("won", Outcome.CONVERTED), stop("lost", Outcome.NO_RESPONSE))
PLAN = plan(CALL, *ENDS)


def test_a_task_is_made_with_its_timers_and_its_due_time() -> None:
    story = given(PLAN).then("plan accepted", "started", "enter call", "task")
    made = story.facts[-1]
    assert isinstance(made, TaskCreated)
    assert (made.task_id, made.kind, made.due_at) == (errand("call"), "custom", t(2))
    assert [timer.due_at for timer in story.state.timers] == [t(3)]
    assert (story.state.phase, story.state.task) == (Phase.WATCH, errand("call"))


def test_a_task_that_is_done_leads_on() -> None:
    story = given(PLAN).when(resolves("call", t(1)))
    story.then("task done", "task_done", "take call.0 task_done", "completed converted")


def test_a_task_that_is_skipped_leads_on() -> None:
    story = given(PLAN).when(resolves("call", t(1), TaskEnd.SKIPPED))
    story.then("task skipped", "task_skipped", "take call.1 task_skipped", "completed no_response")


def test_a_timer_that_goes_first_withdraws_the_task() -> None:
    story = given(PLAN).when(times_out("call", 2, t(3)))
    story.then("task withdrawn", "take call.2 timeout", "completed no_response")
    story.when(resolves("call", t(4))).then()


@pytest.mark.parametrize(
    ("cause", "facts"),
    [
        (hears("unsubscribed", t(1)), ["unsubscribed", "task withdrawn", "exited unsubscribed"]),
        (hears("replied", t(1)), ["replied", "task withdrawn", "exited replied"]),
        (hears("meeting_booked", t(1)), ["meeting_booked", "task withdrawn", "exited converted"]),
        (stops(t(1)), ["task withdrawn", "exited cancelled"]),
        (expires(t(60)), ["task withdrawn", "exited expired"]),
    ],
)
def test_an_exit_withdraws_the_task(cause: Decide, facts: list[str]) -> None:
    story = given(PLAN).when(cause).then(*facts)
    assert story.state.task is None
    story.when(resolves("call", t(61))).then()


def test_the_answer_to_an_older_task_never_moves_a_later_one() -> None:
    again = task("again", on("task_done", "won"), on("timeout", "lost", after="P9D"))
    way = on("timeout", "again", after="P1D")
    story = given(plan(task("call", on("task_done", "won"), way), again, *ENDS))
    story.when(times_out("call", 1, t(1))).then(
        "task withdrawn", "take call.1 timeout", "enter again", "task"
    )
    story.when(resolves("call", t(2))).then()
    assert story.state.node == "again"


def test_a_second_visit_is_another_task() -> None:
    loop = task("call", on("task_done", "won"), on("timeout", "call", after="P1D"))
    story = given(plan(loop, *ENDS)).when(times_out("call", 1, t(1)), resolves("call", t(2)))
    story.then()
    story.when(resolves("call", t(2), visit=2)).then(
        "task done", "task_done", "take call.0 task_done", "completed converted"
    )


def test_an_answer_that_no_way_takes_is_latched_but_not_for_later_nodes() -> None:
    never = field("contact.tier", "eq", "gold")
    nodes = (
        task("call", on("task_done", "won", when=never), on("timeout", "more", after="P1D")),
        task("more", on("task_done", "won"), on("timeout", "lost", after="P9D")),
    )
    story = given(plan(*nodes, *ENDS)).when(resolves("call", t(hours=1)))
    story.then("task done", "task_done")
    assert [heard.signal for heard in story.state.latched] == ["task_done"]
    story.when(times_out("call", 1, t(1))).then("take call.1 timeout", "enter more", "task")
    assert story.state.latched == ()


def test_a_latched_event_leads_on_at_once_and_the_task_is_withdrawn() -> None:
    nodes = (
        send("intro", on("no_reply", "call", after="P1D")),
        task("call", on("opened", "won"), on("timeout", "lost", after="P9D")),
    )
    story = given(plan(*nodes, *ENDS)).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(times_out("intro", 0, t(1))).then(
        "take intro.0 no_reply",
        "enter call",
        "task",
        "task withdrawn",
        "take call.0 opened",
        "completed converted",
    )


def test_a_task_counts_its_bounds_from_its_creation() -> None:
    nodes = (
        wait("first", on("timeout", "call", after="P1D")),
        task("call", on("task_done", "won", within="P1D"), on("timeout", "lost", after="P9D")),
    )
    for at, ends in ((t(2), True), (t(2) + SECOND, False)):
        story = given(plan(*nodes, *ENDS)).when(times_out("first", 0, t(1)))
        assert story.when(resolves("call", at)).state.ended is ends


def test_an_answer_while_paused_is_taken_on_resume() -> None:
    story = given(PLAN).when(pauses(t(1)), resolves("call", t(2))).then("task done", "task_done")
    assert (story.state.task, story.state.node) == (None, "call")
    story.when(resumes(t(5))).then("resumed", "take call.0 task_done", "completed converted")


def test_a_task_without_an_answer_waits_on_after_a_pause() -> None:
    story = given(PLAN).when(pauses(t(1)), resumes(t(3))).then("resumed")
    assert story.state.task == errand("call")
    assert [timer.due_at for timer in story.state.timers] == [t(5)]
    story.when(resolves("call", t(4)))
    assert story.state.node == "won"


def test_a_timer_that_should_have_gone_goes_before_a_younger_answer() -> None:
    story = given(PLAN).when(resolves("call", t(3) + GRACE))
    story.then("task done", "task_done", "take call.2 timeout", "completed no_response")


def test_an_answer_within_the_grace_of_an_older_timer_waits_for_it() -> None:
    story = given(PLAN).when(resolves("call", t(3) + SECOND)).then("task done", "task_done")
    story.when(times_out("call", 2, t(3))).then("take call.2 timeout", "completed no_response")


@pytest.mark.parametrize("end", [TaskEnd.DONE, TaskEnd.SKIPPED])
def test_the_same_answer_twice_or_another_one_after_it_is_no_news(
    end: Literal[TaskEnd.DONE, TaskEnd.SKIPPED],
) -> None:
    ways = (on("x_demo", "won"), on("timeout", "lost", after="P9D"))
    story = given(plan(task("call", *ways), *ENDS)).when(resolves("call", t(1)))
    story.then("task done", "task_done")
    story.when(resolves("call", t(2), end)).then()


def test_many_visits_of_tasks_never_run_into_the_bound_of_repeats() -> None:
    loop = task("call", on("task_done", "call"), on("timeout", "lost", after="P9D"))
    story: Story = given(plan(loop, *ENDS))
    for visit in range(1, 71):
        story.when(resolves("call", t(hours=visit), visit=visit))
    assert sum(isinstance(fact, NodeEntered) for fact in story.facts) == 71
    ends = {fact.end for fact in story.facts if isinstance(fact, TaskResolved)}
    assert ends == {TaskEnd.DONE}
