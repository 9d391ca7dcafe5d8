"""Walking a plan: from node to node, until something has to be waited for."""

from datetime import datetime

from domain.campaign.entering import entered
from domain.campaign.matching import match_word
from domain.campaign.saying import Next, Said
from domain.campaign.state import Heard
from domain.ids import MessageId, NodeId
from domain.lifecycle import Stage
from domain.plan import Send
from domain.taxonomy import CancelReason, Outcome, Signal

STEPS_MAX = 200
"""Nodes the token may pass at one instant; a proven plan never comes near."""


class Walk(Said):
    """One decision on its way through the plan."""

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

    def follow(self, index: int, at: datetime, *, on: str, heard: Heard | None = None) -> None:
        """Take a transition and walk on from its end."""
        if not self.reached(on, at):
            self.enter(*self.take(index, at, on=on, heard=heard))

    def leave_sent(self, at: datetime) -> bool:
        """Go where `sent` leads at once, by a goal or a transition; whether it leads anywhere."""
        index = match_word(self.state, self.grounds, Signal.SENT)
        if index is not None:
            self.follow(index, at, on=Signal.SENT)
        return index is not None or self.reached(Signal.SENT, at)

    def offer(self) -> None:
        """Offer what is latched to the present node, oldest first (A1)."""
        following = self.offered()
        if following is not None:
            self.enter(*following)

    def fall(self, at: datetime) -> None:
        """Leave a node whose own errand is over: by its way, or undeliverable (A27)."""
        if self.state.stage != Stage.ACTIVE or not self.state.fell:
            return
        following = self.fallen(at)
        if following is not None:
            self.enter(*following)

    def _step(self, node_id: NodeId, at: datetime) -> Next:
        node = self.grounds.plan.nodes[node_id]
        visit = self.state.visits.get(node_id, 0) + 1
        if node.max_visits is not None and visit > node.max_visits and node.on_max_visits:
            return node.on_max_visits, at
        return entered(self, node, visit, at)

    def past_or_closed(self, mid: MessageId, due_at: datetime | None, at: datetime) -> None:
        """Skip a message placed again whose absolute time is past; fail one without open time."""
        send = self.grounds.plan.nodes[self.state.messages[mid].node]
        assert isinstance(send, Send)
        past = send.schedule.at is not None and send.schedule.at < at
        if past and send.if_past == "skip":
            self.cancel(mid, CancelReason.PAST, at)
        elif due_at is None:
            self.fail(mid, "no_window", at)

    def cancel(self, mid: MessageId, reason: CancelReason, at: datetime) -> None:
        """Cancel a waiting message and go on as the plan says for a skip."""
        self.say(self.cancelled(mid, reason, at))
        self.fall(at)

    def fail(self, mid: MessageId, reason: str, at: datetime) -> None:
        """Give a message up and go on as the plan says for a failure."""
        self.say(self.failed(mid, reason, at))
        self.fall(at)
