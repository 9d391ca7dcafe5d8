"""The table of trust.md 1: which fact may follow in which state of a message."""

from domain.events import (
    Fact,
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageQueued,
    MessageReopened,
    MessageUnknown,
    NodeEntered,
    PlanRevised,
    ResendOrdered,
    SendAttemptReturned,
    SendAttemptStarted,
    topic_of,
)
from domain.taxonomy import MessageState as State

NOTHING = ""
"""The state of a message before its first fact."""

_FROM: dict[type[Fact], tuple[str, ...]] = {
    NodeEntered: (NOTHING,),
    MessageQueued: (State.PLANNED,),
    MessageDeferred: (State.PLANNED, State.QUEUED),
    MessageReopened: (State.QUEUED,),
    PlanRevised: (State.PLANNED, State.QUEUED),
    MessageCancelled: (State.PLANNED, State.QUEUED),
    SendAttemptStarted: (State.QUEUED,),
    SendAttemptReturned: (State.SENDING,),
    MessageAccepted: (
        State.SENDING,
        State.UNKNOWN,
        State.PRESUMED_LOST,
        State.PLANNED,
        State.QUEUED,
    ),
    MessageFailed: (State.PLANNED, State.QUEUED, State.SENDING),
    MessageUnknown: (State.SENDING,),
    MessagePresumedLost: (State.UNKNOWN,),
    ResendOrdered: (State.UNKNOWN, State.PRESUMED_LOST),
}
_TO: dict[type[Fact], str] = {
    NodeEntered: State.PLANNED,
    MessageQueued: State.QUEUED,
    MessageReopened: State.PLANNED,
    PlanRevised: State.PLANNED,
    MessageCancelled: State.CANCELLED,
    SendAttemptStarted: State.SENDING,
    SendAttemptReturned: State.QUEUED,
    MessageAccepted: State.ACCEPTED,
    MessageFailed: State.FAILED,
    MessageUnknown: State.UNKNOWN,
    MessagePresumedLost: State.PRESUMED_LOST,
    ResendOrdered: State.QUEUED,
}
"""A fact that is not in it leaves the state as it was."""


def topics_of_messages() -> list[str]:
    """The topics of the table, each once and always in the same order."""
    return [topic_of(fact) for fact in _FROM]


def moves() -> dict[str, list[str]]:
    """The table as columns: a state that is left, and the topic that may leave it."""
    pairs = [(state, topic_of(fact)) for fact, states in _FROM.items() for state in states]
    return {
        "states_before": [str(state) for state, _ in pairs],
        "topics_allowed": [topic for _, topic in pairs],
        "topics_moving": [topic_of(fact) for fact in _TO],
        "states_after": [str(state) for state in _TO.values()],
    }
