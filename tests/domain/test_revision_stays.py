"""Section 10, 5 and 7: another plan where a message waits or a node watches."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.events import TransitionTaken
from domain.taxonomy import MessageState
from domain.timing import Window
from tests.domain.asking import (
    claims,
    hears,
    queues,
    resolves,
    returns,
    revises,
    times_out,
)
from tests.domain.building import (
    field,
    on,
    plan,
    send,
    stop,
    t,
    task,
    wait,
)
from tests.domain.revised_plans import ENDS, OLD, WAY, new, revisions, watching
from tests.domain.spec import given

# --- 5: sched -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rendered", [False, True])
def test_a_message_that_waits_is_placed_from_its_entry_and_rendered_again(
    rendered: bool,  # noqa: FBT001  # a case
) -> None:
    chosen = new(send("intro", WAY, delay="PT9H"))
    story = given(OLD).knows(chosen)
    if rendered:
        story.when(queues("intro"))
    story.when(revises(chosen, t(hours=2))).then("revised")
    message = story.message("intro")
    assert (message.state, message.due_at) == (MessageState.PLANNED, t(hours=9))
    assert message.expires_at == t(3, hours=9)
    story.when(claims("intro", t(hours=9))).then()  # of the old rendering nothing may leave
    story.when(queues("intro"), claims("intro", t(hours=9))).then("attempt 1")


def test_a_due_time_that_is_past_comes_at_the_next_open_instant() -> None:
    office = Window(frozenset(range(5)), 9 * 60, 17 * 60)
    chosen = new(send("intro", WAY, delay="PT1H"), window=office)
    story = given(OLD).knows(chosen).when(revises(chosen, t(hours=2)))
    assert story.message("intro").due_at == datetime(2026, 6, 2, 9, tzinfo=UTC)
    chosen = new(send("intro", WAY, delay="PT1H"))
    story = given(OLD).knows(chosen).when(revises(chosen, t(hours=2)))
    assert story.message("intro").due_at == t(hours=2)


def test_the_spacing_of_the_new_plan_holds_for_a_waiting_message() -> None:
    nodes = (send("intro", on("timeout", "next", after="PT1H")), send("next", WAY))
    chosen = new(*nodes, spacing="PT12H")
    story = given(plan(*nodes, stop())).knows(chosen).sends("intro")
    story.when(times_out("intro", 0, t(hours=1)), revises(chosen, t(hours=1)))
    assert story.message("next").due_at == t(hours=12)


def test_the_holidays_of_the_new_plan_close_its_days() -> None:
    chosen = new(send("intro", WAY, delay="PT6H"), holidays=[date(2026, 6, 1)])
    story = given(OLD).knows(chosen).when(revises(chosen, t(hours=1)))
    assert story.message("intro").due_at == datetime(2026, 6, 2, tzinfo=UTC)
    assert story.state.holidays == (date(2026, 6, 1),)
    assert revisions(story)[-1].holidays == (date(2026, 6, 1),)


def test_a_message_that_waits_does_not_count_as_sent() -> None:
    chosen = new(send("intro", on("sent", "won"), delay="PT6H"))
    given(OLD).knows(chosen).when(revises(chosen, t(hours=2))).then("revised")


def test_a_back_off_is_not_cut_short() -> None:
    chosen = new(send("intro", WAY))
    story = given(OLD).knows(chosen).when(queues("intro"), claims("intro", t(hours=6)))
    story.when(returns("intro", t(hours=6), due_at=t(hours=7)), revises(chosen, t(hours=6)))
    assert story.message("intro").due_at == t(hours=7)
    story.when(queues("intro"), claims("intro", t(hours=7))).then("attempt 2")


@pytest.mark.parametrize("if_past", ["send", "skip"])
def test_an_absolute_time_that_is_past_is_sent_or_skipped(if_past: Any) -> None:
    chosen = new(send("intro", on("send_skipped", "won"), at=t(hours=1), if_past=if_past))
    story = given(OLD).knows(chosen).when(revises(chosen, t(hours=2)))
    if if_past == "send":
        story.then("revised")
        assert story.message("intro").due_at == t(hours=2)
    else:
        story.then("revised", "cancelled past", "take intro.0 send_skipped", "completed converted")


def test_a_message_without_an_open_hour_to_come_fails_by_the_new_plan() -> None:
    never = Window(frozenset(), 0, 0)
    chosen = new(send("intro", on("send_failed", "won")), window=never)
    given(OLD).knows(chosen).when(revises(chosen, t(hours=2))).then(
        "revised", "failed no_window", "take intro.0 send_failed", "completed converted"
    )


def test_a_variant_stays_as_long_as_there_is_one_of_that_name() -> None:
    old = plan(send("intro", WAY, variants={"a": 1, "b": 1}, delay="PT6H"), stop())
    drawn = given(old).message("intro").variant
    other = "b" if drawn == "a" else "a"
    for variants, kept in (
        ({other: 999, drawn: 1}, drawn),
        ({"x": 1}, "x"),
        (None, ""),
    ):
        chosen = new(send("intro", WAY, variants=variants, delay="PT6H"))
        story = given(old).knows(chosen).when(revises(chosen, t(hours=1)))
        assert (story.message("intro").variant, revisions(story)[-1].variant) == (kept, kept)


# --- 7: watch -------------------------------------------------------------------------------------


def test_timers_count_anew_from_the_same_clock() -> None:
    chosen = new(send("intro", on("no_open", "won", after="P4D"), WAY))
    story = watching().knows(chosen).when(revises(chosen, t(2))).then("revised")
    assert story.state.t0 == t()
    assert [(timer.index, timer.due_at) for timer in story.state.timers] == [(0, t(4)), (1, t(9))]
    story.when(times_out("intro", 0, t(9))).then()  # that was the timer of the old plan
    story.when(times_out("intro", 0, t(4))).then("take intro.0 no_open", "completed converted")


def test_timers_already_past_fire_at_once_in_document_order() -> None:
    ways = (on("timeout", "won", after="P3D"), on("no_open", "end", after="P1D"))
    chosen = new(send("intro", *ways))
    story = watching().knows(chosen).when(revises(chosen, t(5)))
    story.then("revised", "take intro.0 timeout", "completed converted")
    taken = story.news[1]
    assert isinstance(taken, TransitionTaken)
    assert taken.at == t(5), "not before the revision that brought it"


@pytest.mark.parametrize(("hours", "way"), [(12, "clicked"), (48, "timeout")])
def test_past_timers_and_latched_events_go_in_the_order_of_what_happened(
    hours: int, way: str
) -> None:
    ways = (on("clicked", "won", within="P3D"), on("timeout", "more", after="P1D"))
    chosen = new(send("intro", *ways), wait("more", on("clicked", "lost"), WAY))
    story = watching().knows(chosen).when(hears("clicked", t(hours=hours), "intro"))
    story.when(revises(chosen, t(5)))
    if way == "clicked":
        story.then("revised", "take intro.0 clicked", "completed converted")
    else:
        story.then(
            "revised",
            "take intro.1 timeout",
            "enter more",
            "take more.0 clicked",
            "completed no_response",
        )


@pytest.mark.parametrize(("heard", "after"), [(2, "P3D"), (4, "P3D"), (4, "P6D")])
def test_what_is_known_silences_a_timer_of_the_new_plan(heard: int, after: str) -> None:
    chosen = new(send("intro", on("no_open", "won", after=after), WAY))
    story = watching().knows(chosen).when(hears("opened", t(heard), "intro"))
    story.when(revises(chosen, t(5))).then("revised")
    assert [timer.kind for timer in story.state.timers] == ["timeout"]


def test_a_past_timer_whose_guard_is_false_is_dropped() -> None:
    gold = field("contact.tier", "eq", "gold")
    ways = (on("timeout", "end", after="P1D", when=gold), on("timeout", "won", after="P2D"))
    chosen = new(send("intro", *ways))
    watching().knows(chosen).when(revises(chosen, t(5))).then(
        "revised", "take intro.1 timeout", "completed converted"
    )


def test_what_is_latched_is_offered_to_the_new_plan() -> None:
    chosen = new(send("intro", on("clicked", "won", within="P3D"), WAY))
    story = watching().knows(chosen).when(hears("clicked", t(3), "intro"))
    story.when(revises(chosen, t(5))).then("revised", "take intro.0 clicked", "completed converted")
    assert all(getattr(fact, "at", t(5)) == t(5) for fact in story.news)


def test_that_it_was_sent_is_offered_to_the_new_plan() -> None:
    chosen = new(send("intro", on("sent", "more")), wait("more", WAY))
    story = watching().knows(chosen).when(revises(chosen, t(1)))
    story.then("revised", "take intro.0 sent", "enter more")
    assert story.state.t0 == t(1)


def test_that_an_earlier_message_was_sent_is_not_offered_at_a_wait() -> None:
    old = plan(send("intro", on("sent", "more")), wait("more", WAY), *ENDS)
    chosen = new(send("intro", on("sent", "won")), wait("more", WAY))
    given(old).sends("intro").knows(chosen).when(revises(chosen, t(1))).then("revised")


def test_a_goal_of_the_new_plan_that_was_heard_already_ends_it() -> None:
    chosen = new(send("intro", WAY), goal="x_won")
    watching().knows(chosen).when(hears("x_won", t(1)), revises(chosen, t(2))).then(
        "revised", "exited converted"
    )


def test_what_ended_it_leaves_no_timer_that_leads_on() -> None:
    chosen = new(send("intro", on("timeout", "won", after="P2D")), goal="x_won")
    watching().knows(chosen).when(hears("x_won", t(1)), revises(chosen, t(5))).then(
        "revised", "exited converted"
    )


def test_clicks_from_before_have_no_tags_of_new_texts() -> None:
    chosen = new(send("intro", on("clicked", "won", url="/pricing"), WAY), texts=["/pricing"])
    story = watching().knows(chosen)
    story.when(hears("clicked", t(1), "intro", url="https://x.test/pricing"))
    story.when(revises(chosen, t(2))).then("revised")
    story.when(hears("clicked", t(3), "intro", url="https://x.test/pricing")).then(
        "clicked", "take intro.0 clicked", "completed converted"
    )


def test_a_task_stays_open_and_its_answer_leads_on_by_the_new_plan() -> None:
    chosen = new(task("phone", on("task_done", "won"), WAY))
    story = given(plan(task("call", on("task_done", "end"), WAY), *ENDS)).knows(chosen)
    story.when(revises(chosen, t(1), mapping={"call": "phone"})).then("revised")
    story.when(resolves("call", t(2))).then(
        "task done", "task_done", "take phone.0 task_done", "completed converted"
    )
