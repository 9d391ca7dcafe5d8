"""An order to send again what is taken as lost: who may give it when, and what comes of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest

from domain import campaign
from domain.campaign.placing import EXPIRES_AFTER
from domain.campaign.resending import RESEND_AFTER
from domain.errors import CampaignEnded, NotLost
from domain.events import MessageAccepted, ResendOrdered, SendAttemptStarted, topic_of
from domain.gates import Seen
from domain.taxonomy import CancelReason, MessageState, Outcome, Via
from domain.timing import Window
from tests.domain.asking import (
    Decide,
    accepts,
    claims,
    doubts,
    hears,
    loses,
    mid,
    pauses,
    queues,
    refuses,
    resumes,
    returns,
    revises,
    skips,
    stops,
    times_out,
)
from tests.domain.building import SECOND, on, plan, send, stop, t
from tests.domain.spec import Story, given

NODES = (
    send("intro", on("send_failed", "next"), on("timeout", "end", after="P9D")),
    send("next", on("timeout", "end", after="P9D")),
    stop(),
)
PLAN = plan(*NODES)
THREE_DAYS = t() + RESEND_AFTER


def resends(at: datetime, node: str = "intro") -> Decide:
    return partial(campaign.resend, message_id=mid(node), author="key-1", at=at)


def doubtful() -> Story:
    """Nobody knows whether the first mail left; the plan waits for it."""
    return given(PLAN).when(queues("intro"), claims("intro", t()), doubts("intro", t(seconds=30)))


def lost() -> Story:
    """The first mail is taken as lost; the plan has gone on to the next, which is queued."""
    return doubtful().when(loses("intro", t(3)), queues("next"))


def told(story: Story) -> list[str]:
    return [topic_of(fact) for fact in story.news]


# --- who may be sent again ------------------------------------------------------------------------


def test_what_is_presumed_lost_is_sent_again_by_order_at_once() -> None:
    story = lost().when(resends(t(3)))
    assert story.news == [
        ResendOrdered(
            message_id=mid("intro"),
            author="key-1",
            due_at=t(3),
            expires_at=t(3) + EXPIRES_AFTER,
            at=t(3),
        )
    ]
    assert story.message("intro").state == MessageState.QUEUED
    story.when(claims("intro", t(3)))
    attempt = story.news[0]
    assert isinstance(attempt, SendAttemptStarted)
    assert (attempt.attempt, attempt.body_mac) == (2, "mac")


def test_a_doubt_must_be_72_hours_old_counted_from_its_call() -> None:
    for early in (t(1), THREE_DAYS - SECOND, THREE_DAYS - timedelta(microseconds=1)):
        with pytest.raises(NotLost):
            doubtful().when(resends(early))
    story = doubtful().when(resends(THREE_DAYS))
    assert told(story) == ["resend_ordered"]
    story.when(claims("intro", THREE_DAYS)).then("attempt 2")


REFUSED: dict[str, Decide | None] = {
    "planned": None,
    "queued": queues("intro"),
    "sending": claims("intro", t()),
    "accepted": accepts("intro", t()),
    "failed": refuses("intro", t()),
    "returned": returns("intro", t()),
    "cancelled": skips("intro", CancelReason.OPERATOR, t()),
}
BEFORE: dict[str, tuple[Decide, ...]] = {
    "sending": (queues("intro"),),
    "accepted": (queues("intro"), claims("intro", t())),
    "failed": (queues("intro"), claims("intro", t())),
    "returned": (queues("intro"), claims("intro", t())),
}


@pytest.mark.parametrize("state", REFUSED)
def test_nothing_else_is_sent_again(state: str) -> None:
    goes_on = plan(
        send(
            "intro",
            on("send_failed", "next"),
            on("send_skipped", "next"),
            on("timeout", "end", after="P9D"),
        ),
        *NODES[1:],
    )
    last = REFUSED[state]
    story = given(goes_on).when(*BEFORE.get(state, ()), *([last] if last else []))
    assert not story.state.ended
    with pytest.raises(NotLost):
        story.when(resends(t(8)))


def test_a_message_that_is_not_there_is_not_sent_again() -> None:
    with pytest.raises(NotLost):
        lost().when(resends(t(3), "elsewhere"))


def test_what_ended_sends_nothing_again() -> None:
    for end in (stops(t(4)), hears("unsubscribed", t(4), "intro")):
        with pytest.raises(CampaignEnded):
            lost().when(end, resends(t(5)))


def test_the_same_order_twice_is_no_news() -> None:
    story = lost().when(resends(t(3)))
    assert story.when(resends(t(4))).news == []
    story.when(claims("intro", t(4)))
    with pytest.raises(NotLost):  # it is under way
        story.when(resends(t(4)))


def test_a_second_doubt_needs_its_own_72_hours() -> None:
    story = doubtful().when(resends(t(4)), claims("intro", t(4)))
    story.when(doubts("intro", t(4, seconds=30), attempt=2))
    with pytest.raises(NotLost):
        story.when(resends(t(7) - SECOND))
    story.when(resends(t(7)), claims("intro", t(7))).then("attempt 3")


# --- what comes of it -----------------------------------------------------------------------------


def test_a_plan_that_still_waits_goes_on_with_the_new_attempt() -> None:
    story = doubtful().when(resends(t(4)), claims("intro", t(4)))
    story.when(accepts("intro", t(4), attempt=2)).then("sent")
    assert [timer.due_at for timer in story.state.timers] == [t(13)]
    story.when(times_out("intro", 1, t(13))).then("take intro.1 timeout", "completed completed")


def test_a_plan_that_has_gone_on_stays_where_it_is() -> None:
    story = lost().when(resends(t(3)), claims("intro", t(3)))
    story.when(accepts("intro", t(3), attempt=2)).then("sent")
    assert (story.state.node, story.state.pending) == ("next", mid("next"))
    story.when(claims("next", t(3))).then("attempt 1")
    assert story.when(accepts("next", t(3))).state.sends == 2


def test_both_attempts_of_a_message_that_is_sent_again_can_be_lost() -> None:
    story = lost().when(resends(t(3)), claims("intro", t(3)))
    story.when(doubts("intro", t(3), attempt=2), loses("intro", t(6), attempt=2))
    story.then("lost silence")
    assert story.state.node == "next"
    assert story.message("intro").state == MessageState.PRESUMED_LOST


def test_an_attempt_that_did_not_leave_is_tried_again() -> None:
    story = lost().when(resends(t(3)), claims("intro", t(3)))
    story.when(returns("intro", t(3), attempt=2, due_at=t(3, minutes=1))).then("returned")
    story.when(claims("intro", t(3))).then()
    story.when(claims("intro", t(3, minutes=1))).then("attempt 3")


def test_a_reply_after_the_order_cancels_it() -> None:
    story = lost().when(resends(t(3)), hears("replied", t(3, minutes=1), "intro"))
    assert story.state.outcome == Outcome.REPLIED
    assert story.message("intro").state == MessageState.CANCELLED
    story.when(claims("intro", t(3, minutes=2))).then()


def test_an_end_by_order_cancels_it() -> None:
    story = lost().when(resends(t(3)), stops(t(3)))
    story.then("cancelled stopped", "cancelled stopped", "exited cancelled")
    assert story.when(claims("intro", t(3))).news == []


def test_it_expires_like_every_message() -> None:
    story = lost().when(resends(t(3)))
    at = t(3) + EXPIRES_AFTER
    story.when(skips("intro", CancelReason.EXPIRED, at - SECOND)).then()
    story.when(skips("intro", CancelReason.EXPIRED, at)).then("cancelled expired")
    assert story.state.node == "next"


def test_the_gates_are_asked_again() -> None:
    story = lost().when(resends(t(3)))
    seen = Seen(looked=True, suppressed="unsubscribed")
    story.when(partial(campaign.start_attempt, message_id=mid("intro"), now=t(3), seen=seen)).then(
        "cancelled suppressed"
    )
    assert story.state.node == "next"  # the plan had gone on without it


def test_the_hours_of_the_plan_are_kept() -> None:
    office = Window(frozenset(range(5)), 9 * 60, 17 * 60)
    story = given(plan(*NODES, window=office)).when(queues("intro"), claims("intro", t()))
    story.when(doubts("intro", t()), loses("intro", t(3)), resends(t(3, hours=2)))
    story.when(claims("intro", t(3, hours=2))).then("deferred hours")
    assert story.message("intro").due_at == t(3, hours=17)
    story.when(claims("intro", t(3, hours=17))).then("attempt 2")


def test_the_limit_of_sends_counts_the_message_once() -> None:
    story = given(plan(*NODES, max_sends=1)).when(queues("intro"), claims("intro", t()))
    story.when(doubts("intro", t()), loses("intro", t(3)), resends(t(3)))
    story.when(claims("intro", t(3))).then("attempt 2")


# --- late facts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tell", [doubtful, lost], ids=["the plan waits", "the plan went on"])
def test_a_late_fact_of_the_first_attempt_settles_it_and_nothing_is_sent(
    tell: Callable[[], Story],
) -> None:
    story = tell()
    story.when(resends(t(4)), accepts("intro", t(4), attempt=1, via=Via.WEBHOOK))
    fact = story.news[0]
    assert isinstance(fact, MessageAccepted)
    assert (fact.late, fact.attempt) == (True, 1)
    assert story.message("intro").state == MessageState.ACCEPTED
    story.when(claims("intro", t(5))).then()


def test_a_fact_of_an_attempt_that_the_log_has_lost_is_believed() -> None:
    story = lost().when(resends(t(3)))
    story.when(accepts("intro", t(3), attempt=2, via=Via.WEBHOOK)).then("sent late")
    story.when(claims("intro", t(4))).then()


def test_a_late_fact_of_the_first_attempt_says_nothing_of_the_second_one_under_way() -> None:
    story = lost().when(resends(t(3)), claims("intro", t(3)))
    assert story.when(accepts("intro", t(3), attempt=1, via=Via.WEBHOOK)).news == []
    story.when(accepts("intro", t(3), attempt=2)).then("sent")


# --- a pause and a revision in between ------------------------------------------------------------


def test_a_paused_contact_campaign_holds_it_and_sends_it_after_the_resume() -> None:
    story = lost().when(resends(t(3)), pauses(t(3)))
    story.when(claims("intro", t(3))).then("deferred paused")
    assert story.when(claims("intro", t(3, minutes=5))).news == []
    story.when(resumes(t(4)), claims("intro", t(4))).then("attempt 2")


def test_it_can_be_ordered_during_a_pause() -> None:
    story = lost().when(pauses(t(3)), resends(t(3)))
    story.when(claims("intro", t(3))).then("deferred paused")
    story.when(resumes(t(3, hours=1)), claims("intro", t(3, hours=1))).then("attempt 2")


def test_a_plan_that_waits_for_it_is_paused_and_resumed() -> None:
    story = doubtful().when(resends(t(4)), pauses(t(4)))
    story.when(claims("intro", t(4))).then("deferred paused")
    after = t(5, minutes=5)  # five minutes were left of the wait that the pause stopped
    story.when(resumes(t(5)), claims("intro", after)).then("attempt 2")
    story.when(accepts("intro", after, attempt=2)).then("sent")


OTHER = plan(
    send("hello", on("send_failed", "next"), on("timeout", "end", after="P9D")),
    *NODES[1:],
    name="other",
)
RENAMED = {"intro": "hello"}
WITHOUT = plan(*NODES[1:], name="without")


def test_a_revision_that_has_its_node_no_longer_cancels_it() -> None:
    story = lost().knows(WITHOUT).when(resends(t(3)), revises(WITHOUT, t(3)))
    assert told(story) == ["plan_revised"]
    story.when(claims("intro", t(3))).then("cancelled revised")
    assert story.state.node == "next"


def test_a_revision_that_calls_its_node_otherwise_sends_it() -> None:
    story = lost().knows(OTHER).when(resends(t(3)), revises(OTHER, t(3), mapping=RENAMED))
    story.when(claims("intro", t(3))).then("attempt 2")


def test_a_revision_renders_anew_what_the_plan_waits_for() -> None:
    story = doubtful().knows(OTHER).when(resends(t(4)), revises(OTHER, t(4), mapping=RENAMED))
    assert story.message("intro").state == MessageState.PLANNED
    story.when(claims("intro", t(4))).then()
    story.when(queues("intro"), claims("intro", t(4))).then("attempt 2")


def test_a_revision_that_was_kept_for_the_outcome_comes_into_force_with_the_order() -> None:
    story = doubtful().knows(OTHER).when(revises(OTHER, t(1), mapping=RENAMED))
    story.when(resends(t(4)))
    assert told(story) == ["resend_ordered", "plan_revised"]
    story.when(queues("intro"), claims("intro", t(4))).then("attempt 2")


def test_a_late_fact_counts_also_while_the_mail_is_rendered_anew() -> None:
    story = doubtful().knows(OTHER).when(resends(t(4)), revises(OTHER, t(4), mapping=RENAMED))
    story.when(accepts("intro", t(4), attempt=1, via=Via.WEBHOOK)).then("sent late")
    assert story.when(queues("intro"), claims("intro", t(4))).news == []


def test_the_order_twice_is_no_news_also_while_the_mail_is_rendered_anew() -> None:
    story = doubtful().knows(OTHER).when(resends(t(4)), revises(OTHER, t(4), mapping=RENAMED))
    assert story.when(resends(t(4))).news == []


def test_what_was_ordered_again_is_taken_back_when_its_plan_completes() -> None:
    story = lost().when(claims("next", t(3)), accepts("next", t(3)), resends(t(3)))
    story.when(times_out("next", 0, t(12)))
    assert told(story) == ["transition_taken", "message_cancelled", "completed"]
    assert story.message("intro").state == MessageState.CANCELLED
