"""given / when / then for contact-campaigns.

`given(plan)` enrols at T0. A step is a decision that waits for state and grounds. `then` compares
one short line a fact, and decides again on the new state: the same request twice is no news.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Self

from msgspec.structs import replace

from domain import campaign
from domain.campaign import INITIAL, Message
from domain.errors import CampaignEnded, RevisionStale
from domain.events import (
    CampaignStarted,
    Completed,
    ContactUpdateRequested,
    Event,
    Exited,
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageQueued,
    MessageReopened,
    MessageUnknown,
    NodeEntered,
    NotificationRequested,
    Paused,
    PlanAccepted,
    PlanRevised,
    ResendOrdered,
    Resumed,
    RevisionKept,
    SendAttemptReturned,
    SendAttemptStarted,
    SignalJudged,
    SignalRecorded,
    StartScheduled,
    TaskCreated,
    TaskResolved,
    TransitionTaken,
    WebhookRequested,
    WebhookResolved,
)
from domain.plan import (
    Grounds,
    Plan,
    Policy,
)
from tests.domain.asking import Decide, accepts, claims, enrols, mid, queues
from tests.domain.building import STREAM, SUBJECT, T0


class Story:
    """A contact-campaign that is told step by step."""

    def __init__(self, grounds: Grounds) -> None:
        self.grounds = grounds
        self.state = INITIAL
        self.facts: list[Event] = []
        self.news: Sequence[Event] = ()
        self._plans = {grounds.plan.hash: grounds.plan}
        self._step: Decide = lambda *_: ()

    def when(self, *steps: Decide) -> Self:
        """Take the decisions in order; `news` has the facts of the last."""
        for step in steps:
            self._step = step
            self.news = step(self.state, self.grounds)
            self.facts += self.news
            self.state = campaign.fold(self.news, self.state)
            self._follow_plans()
        return self

    def knows(self, *plans: Plan) -> Self:
        """Plans that revisions of this story put in force."""
        self._plans |= {plan.hash: plan for plan in plans}
        return self

    def _follow_plans(self) -> None:
        kept = self.state.kept
        self.grounds = replace(
            self.grounds,
            plan=self._plans[self.state.plan_hash] if self.state.plan_hash else self.grounds.plan,
            revised=self._plans[kept.new_hash] if kept else None,
        )

    def then(self, *expected: str) -> Self:
        """These facts and no others; asked again, nothing, or a refusal because it is over."""
        assert [line(fact) for fact in self.news] == list(expected)
        with suppress(CampaignEnded, RevisionStale):
            again = self._step(self.state, self.grounds)
            assert [line(fact) for fact in again] == []
        return self

    def sends(self, node: str, at: datetime | None = None, visit: int = 1) -> Self:
        """Render, claim when due and have it accepted at once."""
        now = at or self.message(node, visit).due_at
        return self.when(queues(node, visit), claims(node, now, visit), accepts(node, now, visit))

    def message(self, node: str, visit: int = 1) -> Message:
        return self.state.messages[mid(node, visit)]

    def entered(self, node: str) -> NodeEntered:
        """The latest entry of a node."""
        found = [fact for fact in self.facts if isinstance(fact, NodeEntered)]
        return next(fact for fact in reversed(found) if fact.node == node)

    def learns(self, **values: object) -> Self:
        """Fields of the contact that guards see from here on."""
        known = {f"contact.{name}": value for name, value in values.items()}
        self.grounds = replace(self.grounds, values=known)
        return self


def drafted(plan: Plan, policy: Policy | None = None) -> Story:
    """Nobody is enrolled yet."""
    return Story(Grounds(stream=STREAM, plan=plan, subject=SUBJECT, policy=policy or Policy()))


def given(plan: Plan, policy: Policy | None = None, at: datetime = T0) -> Story:
    """The contact is enrolled and started."""
    return drafted(plan, policy).when(enrols(at))


def line(fact: Event) -> str:  # noqa: C901, PLR0915  # a total match over the facts
    """What a test says about a fact."""
    match fact:
        case PlanAccepted():
            return "plan accepted"
        case StartScheduled():
            return "start scheduled"
        case CampaignStarted():
            return "started"
        case NodeEntered(node=node):
            return f"enter {node}"
        case TransitionTaken(node=node, index=index, on=word):
            return f"take {node}.{index} {word}"
        case SignalRecorded() as heard:
            flags = [flag for flag in ("derived", "machine", "late") if getattr(heard, flag)]
            return " ".join([heard.signal, *flags])
        case SignalJudged() as told:
            flags = [flag for flag in ("derived",) if getattr(told, flag)]
            return " ".join([told.signal, "judged", told.reader, *flags])
        case MessageQueued():
            return "queued"
        case MessageDeferred(reason=hold):
            return f"deferred {hold}"
        case MessageReopened(reason=hold):
            return f"reopened {hold}"
        case MessageCancelled(reason=cancelled):
            return f"cancelled {cancelled}"
        case SendAttemptStarted(attempt=attempt):
            return f"attempt {attempt}"
        case SendAttemptReturned():
            return "returned"
        case MessageAccepted(late=late):
            return "sent late" if late else "sent"
        case MessageFailed(reason=reason):
            return f"failed {reason}"
        case MessageUnknown():
            return "unknown"
        case MessagePresumedLost(evidence=evidence):
            return f"lost {evidence}"
        case ResendOrdered():
            return "resend ordered"
        case Paused():
            return "paused"
        case Resumed():
            return "resumed"
        case RevisionKept():
            return "revision kept"
        case PlanRevised():
            return "revised"
        case TaskCreated():
            return "task"
        case TaskResolved(end=end):
            return f"task {end}"
        case WebhookRequested():
            return "call"
        case WebhookResolved(ok=ok):
            return "called" if ok else "call failed"
        case ContactUpdateRequested():
            return "update"
        case NotificationRequested():
            return "notify"
        case Completed(outcome=outcome):
            return f"completed {outcome}"
        case Exited(outcome=outcome):
            return f"exited {outcome}"
