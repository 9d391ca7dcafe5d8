"""What a walk has said so far, and the state that it makes: facts, transitions, ends."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.campaign.evolve import evolve
from domain.campaign.matching import held_up, in_order, match, match_word, transitions_at
from domain.campaign.state import Campaign, Heard, Phase
from domain.events import (
    Event,
    Exited,
    MessageCancelled,
    MessageFailed,
    NodeEntered,
    TaskResolved,
    TransitionTaken,
)
from domain.ids import MessageId, NodeId
from domain.lifecycle import Stage
from domain.plan import Grounds, Plan, Variant, Webhook, draw
from domain.taxonomy import CancelReason, Outcome, Signal, TaskEnd

GOAL = "goal:"
"""Before the signal, in the reason of an exit by a goal."""

_CANCELLED_BY = {
    Outcome.REPLIED: CancelReason.REPLIED,
    Outcome.BOUNCED: CancelReason.BOUNCED,
    Outcome.UNSUBSCRIBED: CancelReason.UNSUBSCRIBED,
    Outcome.CANCELLED: CancelReason.STOPPED,
}

Next = tuple[NodeId, datetime] | None
"""The node to come to next and when, or nothing as long as something is waited for."""


_EXITS: dict[str, Outcome] = {Signal.REPLIED: Outcome.REPLIED, Signal.BOUNCED: Outcome.BOUNCED}


def default_exit(plan: Plan, signal: str) -> Outcome | None:
    """How a signal ends the plan where no node names it (plan-dsl.md 8)."""
    if signal == Signal.AUTO_REPLIED:
        return Outcome.NO_RESPONSE if plan.auto_reply == "exit" else None
    return _EXITS.get(signal)


def cancelled_by(outcome: Outcome, reason: str) -> CancelReason:
    """Why a message that still waited at this end is not sent."""
    if reason.startswith(GOAL):
        return CancelReason.GOAL
    if reason == CancelReason.ERASED:
        return CancelReason.ERASED
    return _CANCELLED_BY.get(outcome, CancelReason.ENDED)


class Said:
    """The facts said so far by one decision, and the state they make.

    `now` only tells which timers have had their turn; what happens is dated by its cause.
    """

    def __init__(self, state: Campaign, grounds: Grounds, now: datetime) -> None:
        self.state = state
        self.grounds = grounds
        self.now = now
        self.facts: list[Event] = []

    def say(self, *facts: Event) -> None:
        """Add facts; the state follows."""
        for fact in facts:
            self.facts.append(fact)
            self.state = evolve(self.state, fact)

    def take(
        self, index: int, at: datetime, *, on: str, heard: Heard | None = None
    ) -> tuple[NodeId, datetime]:
        """Take a transition of the present node; the caller enters where it leads."""
        self.withdraw(at)
        transition = transitions_at(self.grounds.plan, self.state.node)[index]
        self.say(
            TransitionTaken(
                node=self.state.node,
                visit=self.state.visit,
                index=index,
                on=on,
                to=transition.to,
                at=at,
                message_id=heard.message_id if heard else self.state.anchor,
                signal_no=heard.no if heard else -1,
            )
        )
        return transition.to, at

    def exit(self, outcome: Outcome, reason: str, at: datetime, *, failed: bool = False) -> None:
        """End the contact-campaign; what still waited, a message or a task, is taken back first."""
        self.withdraw(at)
        for message in self.state.unsent:
            self.say(self.cancelled(message.id, cancelled_by(outcome, reason), at))
        self.say(Exited(outcome=outcome, reason=reason, at=at, failed=failed))

    def reached(self, word: str, at: datetime) -> bool:
        """End it if this word is a goal: goals are looked at before transitions; whether it is."""
        goal = self.grounds.plan.goal(word)
        if goal is None or self.state.stage != Stage.ACTIVE:
            return False
        self.exit(goal, f"{GOAL}{word}", at)
        return True

    def withdraw(self, at: datetime) -> None:
        """Take back the task of this node, if it is still open: the plan goes on without it."""
        if self.state.task is not None:
            end = TaskResolved(
                task_id=self.state.task,
                node=self.state.node,
                visit=self.state.visit,
                end=TaskEnd.WITHDRAWN,
                at=at,
            )
            self.say(end)

    def offered(self) -> Next:
        """Where a latched signal leads from the present node, oldest first (A1)."""
        if self.state.phase != Phase.WATCH or self.state.stage != Stage.ACTIVE:
            return None
        for heard in in_order(self.state.latched):
            goal = self.grounds.plan.goal(heard.signal) is not None
            if goal or held_up(self.state, self.grounds, heard, self.now):
                return None  # an exit or a timer comes first
            index = match(self.state, self.grounds, heard)
            if index is not None:
                assert self.state.t0 is not None
                at = max(heard.at, self.state.t0)
                return self.take(index, at, on=heard.signal, heard=heard)
            if default_exit(self.grounds.plan, heard.signal) is not None:
                return None
        return None

    def fallen(self, at: datetime) -> Next:
        """Where the end of the node's own errand leads: its way, or out as undeliverable (A27)."""
        word = self.state.fell
        if not word or self.state.stage != Stage.ACTIVE:
            return None
        if self.reached(word, at):
            return None
        node = self.grounds.plan.nodes[self.state.node]
        if isinstance(node, Webhook):
            to = node.on_error if word == Signal.WEBHOOK_FAILED else None
            return to or node.next, at
        index = match_word(self.state, self.grounds, word)
        if index is not None:
            return self.take(index, at, on=word)
        self.exit(Outcome.UNDELIVERABLE, word, at)
        return None

    def arm(self, experiment: str, arms: Sequence[Variant]) -> int:
        """The arm of this contact: as drawn before in this experiment, if it is still there."""
        before = self.state.drawn.get(experiment)
        for index, arm in enumerate(arms):
            if arm.id == before:
                return index
        return draw(self.grounds.subject, experiment, tuple(arm.weight for arm in arms))

    def pass_by(self, node: NodeId, visit: int, at: datetime, **more: Any) -> None:  # noqa: ANN401  # fields of NodeEntered
        """Come to a node that plans no message."""
        anchor = self.state.anchor
        self.say(NodeEntered(node=node, visit=visit, at=at, anchor=anchor, **more))

    def cancelled(self, mid: MessageId, reason: CancelReason, at: datetime) -> MessageCancelled:
        """The fact that a message is not sent."""
        message = self.state.messages[mid]
        return MessageCancelled(
            message_id=mid,
            reason=reason,
            at=at,
            node=message.node,
            variant=message.variant,
            sender=message.sender,
        )

    def failed(self, mid: MessageId, reason: str, at: datetime) -> MessageFailed:
        """The fact that a message cannot be sent."""
        message = self.state.messages[mid]
        return MessageFailed(
            message_id=mid,
            attempt=message.attempt,
            reason=reason,
            at=at,
            node=message.node,
            variant=message.variant,
            sender=message.sender,
            domain=message.domain,
        )
