"""What one decision, and one whole history, may say: checks for random runs."""

from collections.abc import Mapping, Sequence

from domain.campaign import Campaign, fold
from domain.events import (
    ContactUpdateRequested,
    Event,
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
    PlanRevised,
    RevisionKept,
    SendAttemptReturned,
    SendAttemptStarted,
    TaskCreated,
    TaskResolved,
    WebhookRequested,
    WebhookResolved,
)
from domain.ids import ErrandId, MessageId
from domain.lifecycle import Stage
from domain.plan import Grounds, Send
from domain.taxonomy import FAMILY_OF, MessageState
from domain.timing import add, is_open

BEGINNINGS = (
    MessageQueued,
    SendAttemptStarted,
    NodeEntered,
    TaskCreated,
    WebhookRequested,
    ContactUpdateRequested,
    NotificationRequested,
    RevisionKept,
    PlanRevised,
)

PLANNED, QUEUED, SENDING = MessageState.PLANNED, MessageState.QUEUED, MessageState.SENDING
UNKNOWN, LOST = MessageState.UNKNOWN, MessageState.PRESUMED_LOST
MOVES: Mapping[tuple[MessageState | None, type[Event]], MessageState] = {
    (None, NodeEntered): PLANNED,
    (PLANNED, MessageQueued): QUEUED,
    (PLANNED, MessageDeferred): PLANNED,
    (PLANNED, MessageFailed): MessageState.FAILED,
    (PLANNED, MessageCancelled): MessageState.CANCELLED,
    (QUEUED, MessageDeferred): QUEUED,
    (QUEUED, MessageReopened): PLANNED,
    (QUEUED, MessageFailed): MessageState.FAILED,  # no open hour comes any more
    (QUEUED, MessageCancelled): MessageState.CANCELLED,
    (PLANNED, PlanRevised): PLANNED,
    (QUEUED, PlanRevised): PLANNED,
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
    """After an end nothing begins, and every attempt leaves as the plan allows.

    Nothing that a revision brings about is dated before it, nor the revision before its order.
    """
    state, since = before, None
    for fact in news:
        assert not (state.ended and isinstance(fact, BEGINNINGS))
        if isinstance(fact, SendAttemptStarted):
            _checked_dispatch(state, fact, grounds)
        if isinstance(fact, PlanRevised):
            since = fact.at
            assert state.kept is None or state.kept.at <= since
        assert since is None or fact.at >= since
        state = fold([fact], state)


def _checked_dispatch(state: Campaign, fact: SendAttemptStarted, grounds: Grounds) -> None:
    message = state.messages[fact.message_id]
    node = grounds.plan.nodes[message.node]
    assert isinstance(node, Send)
    assert node.channel == message.channel
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


def checked_errands(facts: Sequence[Event]) -> None:
    """One task is open at most, each is resolved once at most, and so is each call."""
    tasks: list[ErrandId] = []
    open_task: ErrandId | None = None
    calls: list[ErrandId] = []
    open_calls: set[ErrandId] = set()
    for fact in facts:
        match fact:
            case TaskCreated(task_id=task_id):
                assert open_task is None
                open_task = task_id
                tasks.append(task_id)
            case TaskResolved(task_id=task_id):
                assert open_task == task_id
                open_task = None
            case WebhookRequested(call_id=call_id):
                open_calls.add(call_id)
                calls.append(call_id)
            case WebhookResolved(call_id=call_id):
                open_calls.remove(call_id)
            case _:
                pass
    assert len(tasks) == len(set(tasks))
    assert len(calls) == len(set(calls))
