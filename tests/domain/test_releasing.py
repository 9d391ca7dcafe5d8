"""What operators order about one waiting message: hold, release, skip."""

from datetime import datetime
from functools import partial

import pytest

from domain.campaign.placing import EXPIRES_AFTER
from domain.campaign.releasing import (
    UNTIL_RELEASED,
    NotWaiting,
    due_without_orders,
    hold_back,
    release,
    skip_waiting,
)
from domain.errors import MessageUnknownHere
from domain.taxonomy import CancelReason, MessageState
from tests.domain.asking import (
    Decide,
    accepts,
    claims,
    doubts,
    loses,
    mid,
    pauses,
    queues,
    resumes,
    returns,
    revises,
    skips,
)
from tests.domain.building import on, plan, send, stop, t
from tests.domain.spec import Story, given

INTRO = send("intro", on("send_skipped", "next"), on("timeout", "end", after="P9D"), delay="P2D")
NODES = (INTRO, send("next", on("timeout", "end", after="P9D")), stop())
DUE = t(2)


def waits() -> Story:
    """A message that is due in two days."""
    return given(plan(*NODES))


def planned_at(story: Story) -> datetime:
    due = due_without_orders(story.facts, mid("intro"))
    assert due is not None
    return due


def holds(story: Story, until: datetime | None, at: datetime) -> Decide:
    due = planned_at(story)
    return partial(hold_back, message_id=mid("intro"), until=until, planned_at=due, at=at)


def releases(story: Story, at: datetime) -> Decide:
    return partial(release, message_id=mid("intro"), planned_at=planned_at(story), at=at)


def skips_by_order(at: datetime) -> Decide:
    return partial(skip_waiting, message_id=mid("intro"), at=at)


def test_a_message_is_held_until_an_instant_and_expires_three_days_after_that() -> None:
    story = waits()
    story.when(holds(story, t(5), t(1))).then("deferred operator")
    message = story.message("intro")
    assert (message.due_at, message.expires_at) == (t(5), t(5) + EXPIRES_AFTER)
    story.when(queues("intro"), claims("intro", t(4))).then()
    story.when(claims("intro", t(5))).then("attempt 1")


def test_a_hold_that_ends_before_the_message_is_due_lets_it_leave_no_earlier() -> None:
    story = waits()
    story.when(holds(story, t(1), t(0.5))).then("deferred operator")
    assert story.message("intro").due_at == DUE


def test_a_message_that_is_held_without_an_end_waits_for_its_release() -> None:
    story = waits().when(queues("intro"))
    story.when(holds(story, None, t(1))).then("deferred operator")
    assert story.message("intro").due_at == UNTIL_RELEASED
    story.when(claims("intro", t(300))).then()
    story.when(releases(story, t(5))).then("deferred released")
    assert (story.message("intro").due_at, story.message("intro").held) == (t(5), "")
    story.when(claims("intro", t(5))).then("attempt 1")


def test_a_release_before_the_due_time_gives_the_due_time_of_the_plan_back() -> None:
    story = waits()
    story.when(holds(story, None, t(1)))
    story.when(holds(story, t(30), t(1.1))).then("deferred operator")
    story.when(releases(story, t(1.5))).then("deferred released")
    message = story.message("intro")
    assert (message.due_at, message.expires_at) == (DUE, DUE + EXPIRES_AFTER)


def test_what_is_not_held_by_order_is_not_released() -> None:
    story = waits()
    story.when(releases(story, t(1))).then()
    story.when(holds(story, t(3), t(1)))
    story.when(releases(story, t(4))).then()  # the hold was over by itself


def test_a_hold_outlives_a_pause_and_the_plan_waits_longer_by_it() -> None:
    story = waits()
    story.when(holds(story, None, t(0.5)), pauses(t(1)), resumes(t(2))).then("resumed")
    message = story.message("intro")
    assert (message.due_at, message.held) == (UNTIL_RELEASED, "operator")
    story.when(releases(story, t(2.1))).then("deferred released")
    assert story.message("intro").due_at == DUE + (t(2) - t(1))


def test_a_hold_outlives_a_new_plan() -> None:
    story = waits()
    other = plan(INTRO, *NODES[1:], name="other")
    story.knows(other)
    story.when(holds(story, None, t(0.5)), revises(other, t(1))).then("revised")
    assert story.message("intro").due_at == UNTIL_RELEASED
    story.when(releases(story, t(1.5))).then("deferred released")
    assert story.message("intro").due_at == DUE


def test_a_hold_of_an_attempt_that_came_back_ends_no_earlier_than_its_back_off() -> None:
    story = waits().when(queues("intro"), claims("intro", DUE))
    story.when(returns("intro", DUE, due_at=t(2, hours=1)))
    story.when(holds(story, None, t(2, minutes=1)))
    story.when(releases(story, t(2, minutes=2))).then("deferred released")
    assert story.message("intro").due_at == t(2, hours=1)


def test_while_it_is_paused_nothing_is_held_or_released() -> None:
    story = waits()
    for decide in (holds(story, t(5), t(1)), releases(story, t(1))):
        paused = waits().when(pauses(t(0.5)))
        with pytest.raises(NotWaiting, match="resume it first"):
            decide(paused.state, paused.grounds)


def test_a_message_is_skipped_and_its_plan_goes_on() -> None:
    story = waits().when(skips_by_order(t(1)))
    story.then("cancelled operator", "take intro.0 send_skipped", "enter next")


def test_a_message_of_a_paused_contact_campaign_is_skipped_at_once_and_the_plan_goes_on_later() -> (
    None
):
    story = waits().when(pauses(t(0.5)), skips_by_order(t(1))).then("cancelled operator")
    assert story.message("intro").state == MessageState.CANCELLED


def test_what_was_cancelled_before_is_not_skipped_again() -> None:
    waits().when(skips("intro", CancelReason.SUPPRESSED, t(1)), skips_by_order(t(2))).then()


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ((), "on its way"),
        ((accepts("intro", DUE),), "it was sent"),
        ((doubts("intro", DUE),), "may have left"),
        ((doubts("intro", DUE), loses("intro", t(3))), "may be resent"),
    ],
)
def test_what_is_under_way_or_settled_is_not_in_the_queue(
    steps: tuple[Decide, ...], told: str
) -> None:
    story = waits().when(queues("intro"), claims("intro", DUE), *steps)
    for decide in (holds(story, None, t(3)), releases(story, t(3)), skips_by_order(t(3))):
        with pytest.raises(NotWaiting, match=told):
            decide(story.state, story.grounds)


def test_a_message_of_another_contact_campaign_is_unknown() -> None:
    story = waits()
    order = partial(skip_waiting, message_id=mid("elsewhere"), at=t(1))
    with pytest.raises(MessageUnknownHere):
        order(story.state, story.grounds)
    assert due_without_orders(story.facts, mid("elsewhere")) is None
