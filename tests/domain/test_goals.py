"""Goals: events that end the plan from anywhere, looked at before transitions (7.3)."""

import pytest

from domain.plan import Node, Transition
from domain.taxonomy import CancelReason, Outcome
from tests.domain.asking import (
    accepts,
    answers,
    claims,
    hears,
    pauses,
    queues,
    refuses,
    resolves,
    resumes,
    skips,
    times_out,
)
from tests.domain.building import on, plan, send, stop, t, task, wait, webhook
from tests.domain.spec import Story, given


def aiming(word: str, *nodes: Node) -> Story:
    goals = [(word, Outcome.DISQUALIFIED)]
    return given(plan(*nodes, stop("other"), goals=goals))


def test_a_goal_goes_before_a_transition_on_the_same_event() -> None:
    story = aiming(
        "x_won", send("intro", on("x_won", "other"), on("timeout", "other", after="P9D"))
    )
    story.sends("intro").when(hears("x_won", t(1))).then("x_won", "exited disqualified")


@pytest.mark.parametrize("ways", [[on("sent", "other")], [on("timeout", "other", after="P1D")]])
def test_a_message_that_was_sent_may_be_a_goal(ways: list[Transition]) -> None:
    aiming("sent", send("intro", *ways)).sends("intro").then("sent", "exited disqualified")


def test_a_message_that_was_sent_while_paused_is_a_goal_at_the_resume() -> None:
    story = aiming("sent", send("intro", on("timeout", "other", after="P1D")))
    story.when(queues("intro"), claims("intro", t()), pauses(t(hours=1)))
    story.when(accepts("intro", t(hours=2))).then("sent")
    story.when(resumes(t(hours=3))).then("resumed", "exited disqualified")


def test_a_failure_or_a_skip_may_be_a_goal() -> None:
    story = aiming("send_failed", send("intro", on("send_failed", "other")))
    story.when(queues("intro"), claims("intro", t()), refuses("intro", t()))
    story.then("failed status_400", "exited disqualified")
    story = aiming("send_skipped", send("intro", on("send_skipped", "other")))
    story.when(skips("intro", CancelReason.OPERATOR, t()))
    story.then("cancelled operator", "exited disqualified")


def test_a_silence_may_be_a_goal() -> None:
    story = aiming("no_reply", send("intro", on("no_reply", "other"))).sends("intro")
    story.when(times_out("intro", 0, t(3))).then("exited disqualified")


@pytest.mark.parametrize("on_error", [None, "other"])
def test_the_answer_to_a_call_may_be_a_goal(on_error: str | None) -> None:
    more = wait("more", on("timeout", "other", after="P1D"))
    story = aiming("webhook_failed", webhook("crm", "more", on_error), more)
    story.when(answers("crm", t(minutes=1), ok=False)).then("call failed", "exited disqualified")


def test_a_task_that_is_done_may_be_a_goal() -> None:
    story = aiming("task_done", task("call", on("task_done", "other")))
    story.when(resolves("call", t(1))).then("task done", "task_done", "exited disqualified")
