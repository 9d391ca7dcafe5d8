"""What is known of a message, a task or a call of the other course: the one that was there then."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from domain.campaign import Message
from domain.events import TaskCreated, WebhookRequested, WebhookResolved
from domain.ids import NodeId, StreamId, errand_id, message_id
from domain.taxonomy import TaskEnd
from plans.simulate.people import Reaction
from plans.what_if.past import Past, PastErrand, PastMessage

K = TypeVar("K")


class Known:
    """Finds by node and visit; a node that a revision renamed is known by its old name too."""

    def __init__(self, past: Past, stream: StreamId, nodes: Collection[NodeId]) -> None:
        self.past = past
        self.stream = stream
        self.nodes = nodes

    def message(self, message: Message) -> PastMessage | None:
        """What befell this message then, if it was there, on this channel."""
        found = self._find(self.past.messages, message_id, message.node, message.visit)
        return found if found and found.entered.channel == message.channel else None

    def task(self, task: TaskCreated) -> PastErrand | None:
        """What became of this task then, if it was there."""
        return self._find(self.past.tasks, errand_id, task.node, task.visit)

    def call(self, call: WebhookRequested) -> PastErrand | None:
        """What became of this call then, if it was made."""
        return self._find(self.past.calls, errand_id, call.node, call.visit)

    def _find(
        self,
        kept: Mapping[Any, K],
        key: Callable[[StreamId, NodeId, int], Any],
        node: NodeId,
        visit: int,
    ) -> K | None:
        found, old = kept.get(key(self.stream, node, visit)), self.past.names.get(node)
        if found is None and old is not None and old not in self.nodes:
            return kept.get(key(self.stream, old, visit))
        return found


class Answers:
    """Implements plans.simulate.people.Surroundings: endpoints answer as they did.

    All else that came from outside is recorded, and happens again by itself.
    """

    def __init__(self, known: Known, until: datetime | None) -> None:
        self._known = known
        self._until = until

    def refuses(self, message: Message, now: datetime) -> bool:  # noqa: ARG002  # it is recorded
        """Nothing by itself."""
        return False

    def reactions(self, message: Message) -> list[Reaction]:  # noqa: ARG002  # they are recorded
        """Nothing by itself."""
        return []

    def task(self, task: TaskCreated) -> tuple[timedelta, TaskEnd] | None:  # noqa: ARG002  # it is recorded
        """Nothing by itself."""
        return None

    def call(self, request: WebhookRequested) -> tuple[timedelta, bool]:
        """As it was answered; without a known answer, once the history is over."""
        known = self._known.call(request)
        if known is not None and known.ended is not None:
            answered = known.ended.fact
            assert isinstance(answered, WebhookResolved)
            return answered.at - known.at, answered.ok
        if known is None:
            return timedelta(), True
        unanswered = (self._until or self._known.past.last.at) - known.at
        return unanswered + timedelta(seconds=1), True
