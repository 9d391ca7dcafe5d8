"""What one decision, and one whole history, may say: checks for random runs."""

from collections.abc import Mapping, Sequence

from domain.campaign import Campaign, fold
from domain.events import (
    Event,
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageQueued,
    MessageUnknown,
    NodeEntered,
    SendAttemptReturned,
    SendAttemptStarted,
)
from domain.ids import MessageId
from domain.lifecycle import Stage
from domain.plan import Grounds, Send
from domain.taxonomy import FAMILY_OF, MessageState
from domain.timing import add, is_open

BEGINNINGS = (MessageQueued, SendAttemptStarted, NodeEntered)

PLANNED, QUEUED, SENDING = MessageState.PLANNED, MessageState.QUEUED, MessageState.SENDING
UNKNOWN, LOST = MessageState.UNKNOWN, MessageState.PRESUMED_LOST
MOVES: Mapping[tuple[MessageState | None, type[Event]], MessageState] = {
    (None, NodeEntered): PLANNED,
    (PLANNED, MessageQueued): QUEUED,
    (PLANNED, MessageDeferred): PLANNED,
    (PLANNED, MessageFailed): MessageState.FAILED,
    (PLANNED, MessageCancelled): MessageState.CANCELLED,
    (QUEUED, MessageDeferred): QUEUED,
    (QUEUED, MessageFailed): MessageState.FAILED,  # no open hour comes any more
    (QUEUED, MessageCancelled): MessageState.CANCELLED,
    (QUEUED, SendAttemptStarted): SENDING,
    (SENDING, SendAttemptReturned): QUEUED,
    (SENDING, MessageAccepted): MessageState.ACCEPTED,
    (SENDING, MessageFailed): MessageState.FAILED,
    (SENDING, MessageUnknown): UNKNOWN,
    (UNKNOWN, MessageAccepted): MessageState.ACCEPTED,
    (UNKNOWN, MessagePresumedLost): LOST,
    (LOST, MessageAccepted): MessageState.ACCEPTED,
}
"""So every send is preceded by its request, and an attempt has one outcome before the next."""


def checked_step(before: Campaign, news: Sequence[Event], grounds: Grounds) -> None:
    """After an end nothing begins, and every attempt leaves as the plan allows."""
    state = before
    for fact in news:
        assert not (state.ended and isinstance(fact, BEGINNINGS))
        if isinstance(fact, SendAttemptStarted):
            _checked_dispatch(state, fact, grounds)
        state = fold([fact], state)


def _checked_dispatch(state: Campaign, fact: SendAttemptStarted, grounds: Grounds) -> None:
    message = state.messages[fact.message_id]
    node = grounds.plan.nodes[message.node]
    assert isinstance(node, Send)
    assert state.stage == Stage.ACTIVE
    assert message.due_at <= fact.at < message.expires_at
    assert is_open(fact.at, node.hours)
    limits, zone = grounds.plan.limits, grounds.plan.zone
    for family, at in state.last_sent_at.items():
        assert fact.at >= add(at, limits.min_spacing_any, zone)
        if family == FAMILY_OF[message.channel]:
            assert fact.at >= add(at, limits.min_spacing, zone)


def checked_messages(facts: Sequence[Event]) -> None:
    """Every message goes from state to state by the table, its attempts 1, 2, 3 ..."""
    states: dict[MessageId, MessageState] = {}
    attempts: dict[MessageId, int] = {}
    for fact in facts:
        mid = getattr(fact, "message_id", None)
        if mid is None or type(fact) not in {kind for _, kind in MOVES}:
            continue
        states[mid] = MOVES[states.get(mid), type(fact)]
        known = attempts.get(mid, 0)
        expected = known + isinstance(fact, SendAttemptStarted)
        attempts[mid] = getattr(fact, "attempt", known)
        assert attempts[mid] == expected
