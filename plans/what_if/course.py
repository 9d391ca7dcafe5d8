"""The course that facts tell: step by step where the token was, what was sent, how it left."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain.events import (
    Completed,
    Event,
    Exited,
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    NodeEntered,
    PlanAccepted,
    PlanRevised,
    Resumed,
    SendAttemptReturned,
    TransitionTaken,
    WebhookResolved,
)
from domain.ids import MessageId, NodeId
from domain.plan import Branch, Plan, Split
from plans.pointer import pointer

REVISED = "revised"


class Way(msgspec.Struct, frozen=True):
    """How a step was left.

    `on` is the word of the event, `next`, `case`, `otherwise` or `arm` where the token passes by,
    `revised`, or the reason of an exit; `index` counts transitions, cases and arms from 0.
    """

    on: str
    at: datetime
    index: int | None = None
    pointer: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One visit of a node; `unsent` is why its message did not leave."""

    node: NodeId
    visit: int
    entered_at: datetime
    due_at: datetime | None = None
    sent_at: datetime | None = None
    unsent: str | None = None
    left: Way | None = None
    next: NodeId | None = None


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """One way of a contact through a plan; no outcome as long as it goes on."""

    plan_hash: str
    steps: list[Step]
    sends: int
    outcome: str | None
    reason: str | None
    ended_at: datetime | None


def course_of(facts: Iterable[Event], plans: Mapping[str, Plan]) -> Course:
    """The course that these facts tell; pointers are left out where the plan is not known."""
    log = _Log(plans)
    for fact in facts:
        log.read(fact)
    return Course(
        plan_hash=log.plan_hash,
        steps=log.steps,
        sends=sum(step.sent_at is not None for step in log.steps),
        outcome=log.outcome,
        reason=log.reason,
        ended_at=log.ended_at,
    )


class _Log:
    """The steps so far, and what the last one still needs."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self.plans = plans
        self.plan_hash = ""
        self.steps: list[Step] = []
        self.outcome: str | None = None
        self.reason: str | None = None
        self.ended_at: datetime | None = None
        self._step_of: dict[MessageId, int] = {}
        self._choice = -1
        self._answered: bool | None = None

    def read(self, fact: Event) -> None:
        """Go on by one fact."""
        match fact:
            case PlanAccepted(plan_hash=plan_hash):
                self.plan_hash = plan_hash
            case NodeEntered():
                self._enter(fact)
            case TransitionTaken(on=on, index=index, at=at):
                self._leave(Way(on, at, index, self._at("transitions", index)))
            case PlanRevised():
                self._revise(fact)
            case WebhookResolved(node=node, visit=visit, ok=ok):
                here = self.steps and (self.steps[-1].node, self.steps[-1].visit) == (node, visit)
                self._answered = ok if here else self._answered
            case Completed(node=node, outcome=outcome, at=at):
                self._arrive(node, at)
                self.outcome, self.reason, self.ended_at = outcome, node, at
            case Exited(outcome=outcome, reason=reason, at=at):
                self._leave(Way(reason, at))
                self.outcome, self.reason, self.ended_at = outcome, reason, at
            case _:
                self._of_message(fact)

    def _of_message(self, fact: Event) -> None:
        match fact:
            case MessageAccepted(message_id=mid, at=at):
                self._of(mid, sent_at=at, unsent=None)
            case (
                MessageFailed(message_id=mid, reason=why)
                | MessagePresumedLost(message_id=mid, evidence=why)
            ):
                self._of(mid, unsent=why)
            case MessageCancelled(message_id=mid, reason=reason):
                self._of(mid, unsent=str(reason))
            case (
                MessageDeferred(message_id=mid, due_at=due_at)
                | SendAttemptReturned(message_id=mid, due_at=due_at)
                | Resumed(message_id=mid, due_at=due_at)
            ) if mid is not None:
                self._of(mid, due_at=due_at)
            case _:
                pass

    def _of(self, mid: MessageId, **news: object) -> None:
        if mid in self._step_of:
            index = self._step_of[mid]
            self.steps[index] = replace(self.steps[index], **news)

    def _enter(self, fact: NodeEntered) -> None:
        self._arrive(fact.node, fact.at)
        if fact.message_id is not None:
            self._step_of[fact.message_id] = len(self.steps)
        due_at = fact.due_at if fact.message_id is not None else None
        self._choice, self._answered = fact.choice, None
        self.steps.append(Step(node=fact.node, visit=fact.visit, entered_at=fact.at, due_at=due_at))

    def _arrive(self, node: NodeId, at: datetime) -> None:
        """The step before leads here; where it said nothing, the token passed by."""
        if self.steps:
            if self.steps[-1].left is None:
                self._leave(self._passing(at))
            self.steps[-1] = replace(self.steps[-1], next=node)

    def _leave(self, way: Way) -> None:
        if self.steps and self.steps[-1].left is None:
            self.steps[-1] = replace(self.steps[-1], left=way)

    def _revise(self, fact: PlanRevised) -> None:
        self.plan_hash = fact.new_hash
        if fact.message_id is not None:
            self._of(fact.message_id, due_at=fact.due_at)
        if fact.resume_at is not None:
            self._leave(Way(REVISED, fact.at))
        elif self.steps:
            self.steps[-1] = replace(self.steps[-1], node=fact.node)

    def _passing(self, at: datetime) -> Way:
        plan, step, choice = self.plans.get(self.plan_hash), self.steps[-1], self._choice
        node = plan.nodes.get(step.node) if plan else None
        if isinstance(node, Branch):
            if choice < len(node.cases):
                return Way("case", at, choice, self._at("cases", choice))
            return Way("otherwise", at, None, self._at("otherwise"))
        if isinstance(node, Split):
            return Way("arm", at, choice, self._at("arms", choice))
        if self._answered is None:
            return Way("next", at, None, self._at("next"))
        word = "webhook_ok" if self._answered else "webhook_failed"
        return Way(word, at, None, self._at("next" if self._answered else "onError"))

    def _at(self, *parts: str | int) -> str:
        """A pointer into the plan in force, at the node of the last step."""
        plan = self.plans.get(self.plan_hash)
        nodes = list(plan.nodes) if plan else []
        here = self.steps[-1].node if self.steps else None
        return pointer("nodes", nodes.index(here), *parts) if here in nodes else ""
