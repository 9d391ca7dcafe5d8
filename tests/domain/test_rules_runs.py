"""A15 and A19: the same contact again is another run; a plan may change while it runs."""

from functools import partial

import pytest

from domain import campaign
from domain.campaign import INITIAL, fold
from domain.errors import CampaignEnded, RevisionStale
from domain.ids import (
    CampaignId,
    ContactId,
    NodeId,
    StreamId,
    TenantId,
    errand_id,
    message_id,
    stream_id,
)
from domain.plan import Grounds, Plan
from domain.taxonomy import TaskEnd
from tests.domain.asking import accepted_plan, enrols, revises, stops
from tests.domain.building import (
    CAMPAIGN,
    CONTACT,
    STREAM,
    SUBJECT,
    T0,
    notify,
    on,
    plan,
    send,
    split,
    stop,
    t,
    task,
)
from tests.domain.revised_plans import OLD, WAY, new, watching
from tests.domain.spec import Story, drafted, given


def stream(run: int) -> StreamId:
    return stream_id(TenantId("demo"), CampaignId(CAMPAIGN), ContactId(CONTACT), run)


def run_of(number: int, chosen: Plan) -> Story:
    """The same contact in the same campaign, for the first time or again."""
    story = Story(Grounds(stream(number), chosen, SUBJECT))
    accepted = accepted_plan(run=number)
    return story.when(partial(campaign.enrol, accepted=accepted, starts_at=T0))


def test_a15_another_run_is_another_stream_with_its_own_number() -> None:
    assert stream(1) != stream(2)
    assert [run_of(number, OLD).state.run for number in (1, 2)] == [1, 2]


def test_a15_no_two_runs_share_a_message_or_a_dedupe_key() -> None:
    first, second = (run_of(number, OLD) for number in (1, 2))
    assert first.state.messages.keys().isdisjoint(second.state.messages)
    keys = [next(iter(story.state.messages.values())).dedupe_key for story in (first, second)]
    assert keys == [f"{SUBJECT}:intro:email", f"{SUBJECT}:intro:email:2.1"]
    assert first.entered("intro").message_id == message_id(stream(1), NodeId("intro"), 1)


def test_a15_no_two_runs_share_an_errand() -> None:
    nodes = (notify("tell", "call"), task("call", on("task_done", "end"), WAY), stop())
    tasks = [run_of(number, plan(*nodes)).state.task for number in (1, 2)]
    assert tasks == [errand_id(stream(number), NodeId("call"), 1) for number in (1, 2)]
    assert tasks[0] != tasks[1]


def test_a15_the_answer_of_one_run_is_no_news_in_another() -> None:
    chosen = plan(task("call", on("task_done", "end"), WAY), stop())
    first, second = (run_of(number, chosen) for number in (1, 2))
    assert first.state.task is not None
    done = partial(campaign.resolve_task, task_id=first.state.task, end=TaskEnd.DONE, at=t(1))
    second.when(done).then()
    first.when(done).then("task done", "task_done", "take call.0 task_done", "completed completed")


def test_a15_draws_are_those_of_the_contact_not_of_the_run() -> None:
    arms = {"a": (1, "end"), "b": (1, "end"), "c": (1, "end")}
    for number in range(9):
        chosen = plan(split(f"ask{number}", arms), stop())
        drawn = {run_of(run, chosen).entered(f"ask{number}").variant for run in (1, 2, 3)}
        assert len(drawn) == 1


def test_a15_a_run_that_is_over_takes_no_plan() -> None:
    story = given(OLD).when(stops(t(1)))
    other = accepted_plan(run=2, plan_hash="sha256:other")
    with pytest.raises(CampaignEnded):
        campaign.accept(story.state, story.grounds, accepted=other)


def test_a19_from_a_revision_on_the_new_plan_is_in_force() -> None:
    chosen = new(send("intro", on("x_demo", "won"), WAY))
    story = watching().knows(chosen).when(revises(chosen, t(1))).then("revised")
    assert (story.state.plan_hash, story.grounds.plan) == (chosen.hash, chosen)


def test_a19_who_revises_says_which_plan_is_to_be_replaced() -> None:
    first, second = new(send("intro", WAY)), plan(send("intro", WAY), stop(), name="second")
    story = watching().knows(first, second).when(revises(first, t(1)))
    with pytest.raises(RevisionStale):
        story.when(revises(second, t(2)))
    story.when(revises(second, t(2), if_hash=first.hash)).then("revised")


def test_a19_a_history_with_revisions_replays_to_the_same_state() -> None:
    chosen = new(send("hello", on("no_open", "won", after="P1D"), WAY))
    story = watching().knows(chosen).when(revises(chosen, t(1), mapping={"intro": "hello"}))
    assert fold(story.facts, INITIAL) == story.state


def test_a19_enrolling_again_with_the_plan_in_force_is_no_news() -> None:
    chosen = new(send("intro", WAY))
    story = drafted(OLD).knows(chosen).when(enrols(), revises(chosen, t()))
    again = partial(campaign.enrol, accepted=accepted_plan(plan_hash=chosen.hash), starts_at=T0)
    story.when(again).then()
    assert story.grounds.stream == STREAM
