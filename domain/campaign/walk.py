"""Walking a plan: entering nodes, offering latched signals, falling through failures, exits."""

from datetime import datetime
from typing import assert_never

from domain.campaign import placing
from domain.campaign.evolve import evolve
from domain.campaign.matching import (
    guard_holds,
    held_up,
    in_order,
    known_about,
    match,
    match_word,
    timers_from,
    transitions_at,
)
from domain.campaign.state import Campaign, Heard, Phase
from domain.events import (
    Completed,
    Event,
    Exited,
    MessageCancelled,
    MessageFailed,
    NodeEntered,
    TransitionTaken,
)
from domain.ids import MessageId, NodeId, dedupe_key, message_id
from domain.lifecycle import Stage
from domain.plan import Branch, Grounds, Node, Send, Stop, Wait, draw
from domain.taxonomy import CancelReason, Outcome

STEPS_MAX = 200
"""Nodes the token may pass at one instant; a proven plan never comes near."""

GOAL = "goal:"
"""Before the signal, in the reason of an exit by a goal."""

_CANCELLED_BY = {
    Outcome.REPLIED: CancelReason.REPLIED,
    Outcome.BOUNCED: CancelReason.BOUNCED,
    Outcome.UNSUBSCRIBED: CancelReason.UNSUBSCRIBED,
    Outcome.CANCELLED: CancelReason.STOPPED,
}

_Next = tuple[NodeId, datetime] | None


def cancelled_by(outcome: Outcome, reason: str) -> CancelReason:
    """Why a message that still waited at this end is not sent."""
    if reason.startswith(GOAL):
        return CancelReason.GOAL
    return _CANCELLED_BY.get(outcome, CancelReason.ENDED)


class Walk:
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

    # --- ways on ------------------------------------------------------------------------------

    def enter(self, node: NodeId, at: datetime) -> None:
        """Come to a node and go on from there as long as nothing has to be waited for."""
        place, reached_at = node, at
        for _ in range(STEPS_MAX):
            following = self._step(place, reached_at)
            if following is None:
                return
            place, reached_at = following
        self.run_away(at)

    def run_away(self, at: datetime) -> None:
        """End what would go on for ever at one instant."""
        self.exit(Outcome.CANCELLED, "step_bound", at, failed=True)

    def take(
        self, index: int, at: datetime, *, on: str, heard: Heard | None = None
    ) -> tuple[NodeId, datetime]:
        """Take a transition of the present node; the caller enters where it leads."""
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

    def follow(self, index: int, at: datetime, *, on: str, heard: Heard | None = None) -> None:
        """Take a transition and walk on from its end."""
        self.enter(*self.take(index, at, on=on, heard=heard))

    def offer(self) -> None:
        """Offer what is latched to the present node, oldest first (A1)."""
        following = self._offered()
        if following is not None:
            self.enter(*following)

    def fall(self, at: datetime) -> None:
        """Leave a node whose message failed or was skipped: by its way or undeliverable (A27)."""
        if self.state.stage != Stage.ACTIVE or not self.state.fell:
            return
        following = self._fallen(at)
        if following is not None:
            self.enter(*following)

    def exit(self, outcome: Outcome, reason: str, at: datetime, *, failed: bool = False) -> None:
        """End the contact-campaign; a message that still waited is cancelled first."""
        waiting = self.state.waiting
        if waiting is not None:
            self.say(self._cancelled(waiting.id, cancelled_by(outcome, reason), at))
        self.say(Exited(outcome=outcome, reason=reason, at=at, failed=failed))

    # --- one step -----------------------------------------------------------------------------

    def _step(self, node_id: NodeId, at: datetime) -> _Next:
        node = self.grounds.plan.nodes[node_id]
        visit = self.state.visits.get(node_id, 0) + 1
        if node.max_visits is not None and visit > node.max_visits and node.on_max_visits:
            return node.on_max_visits, at
        return self._entered(node, visit, at)

    def _entered(self, node: Node, visit: int, at: datetime) -> _Next:
        match node:
            case Send():
                return self._plan_message(node, visit, at)
            case Wait():
                return self._watch(node, visit, at)
            case Branch():
                return self._choose(node, visit, at)
            case Stop():
                self.say(Completed(node=node.id, outcome=node.outcome, at=at))
                return None
            case _:
                assert_never(node)

    def _plan_message(self, node: Send, visit: int, at: datetime) -> _Next:
        subject = self.grounds.subject
        key = dedupe_key(subject, node.id, node.channel, self.state.run, visit)
        due_at = placing.due(self.state, self.grounds, node, base=at, key=key)
        mid = message_id(self.grounds.stream, node.id, visit)
        weights = tuple(variant.weight for variant in node.variants)
        arm = draw(subject, node.experiment or node.id, weights) if weights else -1
        self.say(
            NodeEntered(
                node=node.id,
                visit=visit,
                at=at,
                choice=arm,
                message_id=mid,
                channel=node.channel,
                due_at=due_at or at,
                expires_at=(due_at or at) + placing.EXPIRES_AFTER,
                dedupe_key=key,
                variant=node.variants[arm].id if weights else "",
                sender=node.sender,
                anchor=self.state.anchor,
            )
        )
        past = node.schedule.at is not None and node.schedule.at < at
        if past and node.if_past == "skip":
            self.say(self._cancelled(mid, CancelReason.PAST, at))
        elif due_at is None:
            self.say(self._failed(mid, "no_window", at))
        return self._fallen(at)

    def _watch(self, node: Wait, visit: int, at: datetime) -> _Next:
        anchor = self.state.anchor
        if node.about is not None:
            latest = self.state.latest(node.about)
            anchor = latest.id if latest else None
        known = known_about(self.state, anchor)
        timers = timers_from(self.grounds.plan, node.id, at, known)
        self.say(NodeEntered(node=node.id, visit=visit, at=at, anchor=anchor, timers=timers))
        return self._offered()

    def _choose(self, node: Branch, visit: int, at: datetime) -> _Next:
        choice = next(
            (
                index
                for index, (guard, _) in enumerate(node.cases)
                if guard_holds(self.state, self.grounds, guard)
            ),
            len(node.cases),
        )
        anchor = self.state.anchor
        self.say(NodeEntered(node=node.id, visit=visit, at=at, choice=choice, anchor=anchor))
        to = node.cases[choice][1] if choice < len(node.cases) else node.otherwise
        return to, at

    def _offered(self) -> _Next:
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
        return None

    def _fallen(self, at: datetime) -> _Next:
        word = self.state.fell
        if not word or self.state.stage != Stage.ACTIVE:
            return None
        index = match_word(self.state, self.grounds, word)
        if index is not None:
            return self.take(index, at, on=word)
        self.exit(Outcome.UNDELIVERABLE, word, at)
        return None

    # --- facts about a message ----------------------------------------------------------------

    def _cancelled(self, mid: MessageId, reason: CancelReason, at: datetime) -> MessageCancelled:
        message = self.state.messages[mid]
        return MessageCancelled(
            message_id=mid,
            reason=reason,
            at=at,
            node=message.node,
            variant=message.variant,
            sender=message.sender,
        )

    def _failed(self, mid: MessageId, reason: str, at: datetime) -> MessageFailed:
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

    def cancel(self, mid: MessageId, reason: CancelReason, at: datetime) -> None:
        """Cancel a waiting message and go on as the plan says for a skip."""
        self.say(self._cancelled(mid, reason, at))
        self.fall(at)

    def fail(self, mid: MessageId, reason: str, at: datetime) -> None:
        """Give a message up and go on as the plan says for a failure."""
        self.say(self._failed(mid, reason, at))
        self.fall(at)
