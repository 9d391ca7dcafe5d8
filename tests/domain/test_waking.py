"""Gates that may open before their time, and the time that a message has after a pause."""

from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from domain import accounts, campaign
from domain.accounts import AccountSettings, PauseReason, VerifiedBy
from domain.accounts.facts import (
    RulesChanged,
    SenderPaused,
    SenderRegistered,
    SenderResumed,
    SenderVerified,
    SendingPaused,
    SendingResumed,
)
from domain.accounts.opening import OF_RULE, OPENS
from domain.accounts.rules import SETTABLE
from domain.campaign.dispatch import WOKEN_AT_LATEST
from domain.campaign.placing import EXPIRES_AFTER
from domain.events import MessageDeferred, SendAttemptReturned, SendAttemptStarted
from domain.gates import Cap, Seen
from domain.gates.holds import FULL, MAY_END_EARLY, PAUSES, WOKEN
from domain.taxonomy import CancelReason, CapName, HoldReason, MessageState
from domain.timing import Window
from tests.domain.asking import Decide, claims, mid, pauses, queues, resumes, skips
from tests.domain.building import SECOND, on, plan, send, stop, t
from tests.domain.spec import Story, given

LONG = 10
FULL_DAY = {"caps": (Cap(CapName.CAMPAIGN_DAY, 50, 50),), "free_at": t(hours=8)}
CLOSED: dict[str, dict[str, Any]] = {
    "campaign_paused": {"campaign": "paused"},
    "tenant_paused": {"tenant_paused": "operator"},
    "global_paused": {"global_paused": True},
    "sender_paused": {"sender_paused": "operator"},
}
SATURDAY = t(5)
EVERY_DAY = Window(frozenset(range(7)), 9 * 60, 17 * 60)


def sees(now: Any, **seen: Any) -> Decide:
    """The mail comes to be claimed, and this was seen of it."""
    return partial(
        campaign.start_attempt, message_id=mid("intro"), now=now, seen=Seen(looked=True, **seen)
    )


def waiting(**fields: Any) -> Story:
    nodes = (send("intro", on("sent", "end"), **fields), stop())
    return given(plan(*nodes, window=EVERY_DAY) if fields else plan(*nodes)).when(queues("intro"))


# --- asked before its time ------------------------------------------------------------------------


@pytest.mark.parametrize("why", [*CLOSED.values(), FULL_DAY, {"health": 5}])
def test_what_an_order_may_have_let_go_is_asked_before_its_time(why: dict[str, Any]) -> None:
    story = waiting().when(sees(t(), **why))
    story.when(sees(t(seconds=1), **why)).then()
    story.when(sees(t(seconds=2))).then("attempt 1")


def test_what_time_alone_ends_is_not_asked_before() -> None:
    story = waiting().when(sees(t(), paced_until=t(seconds=61)))
    story.when(sees(t(seconds=60))).then()


def test_no_message_is_asked_before_its_plan_wants_it() -> None:
    story = waiting(delay="P5D")
    story.when(sees(SATURDAY - SECOND)).then()


def test_a_weekend_rule_that_was_lifted_lets_go_what_it_had_dated() -> None:
    story = waiting(delay="P5D").when(sees(SATURDAY, weekend="hard_stop"))
    story.then("deferred weekend")
    story.when(sees(SATURDAY + SECOND, weekend="hard_stop")).then()
    story.when(sees(SATURDAY + SECOND, weekend="none")).then("attempt 1")


def test_a_hold_ends_with_the_due_time_that_a_resume_gives() -> None:
    story = waiting().when(sees(t(), **CLOSED["campaign_paused"]), pauses(t(seconds=1)))
    story.when(resumes(t(1)))
    assert story.message("intro").held == ""
    story.when(sees(story.message("intro").due_at - SECOND)).then()


# --- a pause costs no time ------------------------------------------------------------------------


@pytest.mark.parametrize("reason", CLOSED)
def test_behind_a_pause_nothing_expires(reason: str) -> None:
    why = CLOSED[reason]
    story = waiting().when(sees(t(), **why)).then(f"deferred {reason}")
    story.when(sees(t(LONG), **why)).then()
    story.when(skips("intro", CancelReason.EXPIRED, t(LONG))).then()
    story.when(sees(t(LONG))).then("attempt 1")


def test_the_first_look_after_a_pause_says_until_when_the_message_may_leave() -> None:
    story = waiting().when(sees(t(), **CLOSED["tenant_paused"]))
    story.when(sees(t(LONG), **FULL_DAY)).then("deferred campaign_day")
    fact = story.news[-1]
    assert isinstance(fact, MessageDeferred)
    assert fact.expires_at == t(LONG) + EXPIRES_AFTER
    story.when(skips("intro", CancelReason.EXPIRED, fact.expires_at - SECOND)).then()
    story.when(skips("intro", CancelReason.EXPIRED, fact.expires_at))
    assert story.message("intro").state == MessageState.CANCELLED


def test_an_attempt_keeps_the_time_that_its_gates_saw() -> None:
    story = waiting().when(sees(t(), **CLOSED["tenant_paused"]), sees(t(LONG)))
    fact = story.news[-1]
    assert isinstance(fact, SendAttemptStarted)
    assert fact.seen is not None
    assert fact.seen.expires_at == t(LONG) + EXPIRES_AFTER
    assert story.message("intro").expires_at == t(LONG) + EXPIRES_AFTER


def test_a_short_pause_shortens_nothing() -> None:
    story = waiting().when(sees(t(), **CLOSED["tenant_paused"]))
    before = story.message("intro").expires_at
    story.when(sees(t(seconds=1)))
    assert story.message("intro").expires_at == max(before, t(seconds=1) + EXPIRES_AFTER)


def test_a_message_without_a_fit_sender_says_once_that_it_waits() -> None:
    waits = {"message_id": mid("intro"), "reason": HoldReason.SENDER_PAUSED}
    story = given(plan(send("intro", on("sent", "end")), stop()))
    story.when(partial(campaign.keep_waiting, **waits, until=t(hours=1), at=t()))
    story.then("deferred sender_paused")
    story.when(partial(campaign.keep_waiting, **waits, until=t(hours=2), at=t(hours=1))).then()
    story.when(skips("intro", CancelReason.EXPIRED, t(LONG))).then()


def test_what_has_no_fit_sender_before_it_is_due_is_due_as_ever() -> None:
    story = given(plan(send("intro", on("sent", "end"), delay="P5D"), stop()))
    waits = {"message_id": mid("intro"), "reason": HoldReason.SENDER_PAUSED}
    early = SATURDAY - SECOND
    story.when(partial(campaign.keep_waiting, **waits, until=t(6), at=early)).then()
    story.when(queues("intro"), sees(early)).then()


def test_a_message_of_a_paused_contact_campaign_stands_still_without_a_fit_sender() -> None:
    waits = {"message_id": mid("intro"), "reason": HoldReason.SENDER_PAUSED}
    story = given(plan(send("intro", on("sent", "end")), stop())).when(pauses(t()))
    story.when(partial(campaign.keep_waiting, **waits, until=t(1), at=t(seconds=1))).then()


# --- what comes back during a pause ---------------------------------------------------------------


def _returns(at: Any) -> Decide:
    returned = SendAttemptReturned(
        message_id=mid("intro"), attempt=1, reason="refused", due_at=at, at=at
    )
    return partial(campaign.return_attempt, returned=returned)


def test_what_comes_back_during_a_pause_stands_still() -> None:
    story = waiting().when(claims("intro", t()), pauses(t(seconds=1)), _returns(t(seconds=2)))
    fact = story.news[0]
    assert isinstance(fact, SendAttemptReturned)
    assert fact.paused
    story.when(resumes(t(LONG)))
    assert t(LONG) <= story.message("intro").due_at <= t(LONG, seconds=2)


def test_what_comes_back_while_all_goes_on_does_not() -> None:
    story = waiting().when(claims("intro", t()), _returns(t(seconds=2)))
    assert story.news == [replace(story.news[0], paused=False)]


# --- what opens what ------------------------------------------------------------------------------


def test_each_order_opens_the_gates_that_it_is_about() -> None:
    at = t()
    lifted = SenderResumed(reasons=(PauseReason.OPERATOR,), at=at)
    opened = {
        accounts.opened_by([lifted]): {HoldReason.SENDER_PAUSED},
        accounts.opened_by([SendingResumed(at=at)]): {HoldReason.TENANT_PAUSED},
        accounts.opened_by([SenderVerified(by=VerifiedBy.OPERATOR, at=at)]): {
            HoldReason.SENDER_UNVERIFIED
        },
        accounts.opened_by([RulesChanged(changed={"touch_gap_h": 1, "apart_days": 2}, at=at)]): {
            HoldReason.TOUCH_GAP
        },
        accounts.opened_by(
            [SenderRegistered(sender="sam", settings=AccountSettings(), at=at), lifted]
        ): {HoldReason.SENDER_GONE, HoldReason.SENDER_UNVERIFIED, HoldReason.SENDER_PAUSED},
    }
    assert all(found == wanted for found, wanted in opened.items())


def test_what_closes_a_gate_opens_none() -> None:
    reason = PauseReason.OPERATOR
    closing = [SenderPaused(reason=reason, at=t()), SendingPaused(reason=reason, at=t())]
    assert accounts.opened_by(closing) == frozenset()


def test_every_hold_that_is_looked_at_once_an_hour_is_woken_by_some_order() -> None:
    made = frozenset().union(*OPENS.values(), *OF_RULE.values())
    by_register = {HoldReason.CAMPAIGN_PAUSED}
    assert made | by_register >= WOKEN
    assert made | by_register | PAUSES <= MAY_END_EARLY
    assert frozenset(HoldReason(name.value) for name in CapName) - FULL == {HoldReason.GLOBAL_HOUR}
    assert WOKEN_AT_LATEST.total_seconds() == 3600


def test_only_rules_that_there_are_open_gates() -> None:
    assert set(OF_RULE) <= set(SETTABLE)
