"""What was recorded, sorted by how it can happen again under another plan.

Everything that came from outside is kept; everything that the interpreter made of it is left out.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from domain.campaign import INITIAL, Campaign, evolve
from domain.errors import CampaignNotStarted
from domain.events import (
    CampaignStarted,
    Exited,
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageUnknown,
    NodeEntered,
    Paused,
    PlanAccepted,
    PlanRevised,
    Resumed,
    RevisionKept,
    SendAttemptReturned,
    SendAttemptStarted,
    SignalJudged,
    SignalRecorded,
    TaskCreated,
    TaskResolved,
    TransitionTaken,
    WebhookRequested,
    WebhookResolved,
)
from domain.ids import ErrandId, MessageId, NodeId
from domain.lifecycle import Stage
from domain.recorded import Recorded
from domain.taxonomy import (
    SKIPS,
    SYNTHETIC,
    CancelReason,
    HoldReason,
    MessageState,
    Outcome,
    Signal,
    TaskEnd,
)

OF_TASKS = (Signal.TASK_DONE, Signal.TASK_SKIPPED)
NO_WINDOW = "no_window"
WAITING = (MessageState.PLANNED, MessageState.QUEUED)

Armed = tuple[NodeId, int, int, datetime]
"""A timer: node, visit, transition, the instant it is dated."""


class Look(msgspec.Struct, frozen=True):
    """What was done about a message that waited, and when it was due then.

    `missed`: nothing was; it was due already when it was placed anew or taken back.
    """

    one: Recorded
    due_at: datetime
    paused: bool
    missed: bool = False

    @property
    def early(self) -> bool:
        """Whether it was done without waiting for the due time: by order, or at rendering."""
        return self.paused or fact_at(self.one) < self.due_at


class Attempt(msgspec.Struct, frozen=True):
    """A call of the provider and what came of it, as it became known."""

    begun: Recorded
    outcomes: list[Recorded]


class PastMessage(msgspec.Struct, frozen=True):
    """All that befell one message, and what was reported about it."""

    entered: NodeEntered
    looks: list[Look]
    attempts: list[Attempt]
    heard: list[Recorded]


class PastErrand(msgspec.Struct, frozen=True):
    """When a task or a call began, and how it ended, if it did."""

    at: datetime
    ended: Recorded | None = None


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A history, ready to happen again.

    `loose` is what keeps its instant: signals about the contact, pauses, resumes, a stop.
    `orders` are revisions. `fired` has the place in the log of each timer that was taken, `names`
    the old id of each node that a revision renamed, `hashes` every plan that was in force.
    """

    accepted: PlanAccepted
    started: Recorded
    messages: dict[MessageId, PastMessage]
    tasks: dict[ErrandId, PastErrand]
    calls: dict[ErrandId, PastErrand]
    loose: list[Recorded]
    orders: list[Recorded]
    fired: dict[Armed, int]
    names: dict[NodeId, NodeId]
    hashes: list[str]
    state: Campaign
    last: Recorded

    @property
    def signals(self) -> list[Recorded]:
        """Every signal that was told from outside, in the order of the log."""
        of_messages = [one for message in self.messages.values() for one in message.heard]
        told = [one for one in (*of_messages, *self.loose) if isinstance(one.fact, SignalRecorded)]
        return sorted(told, key=lambda one: one.version)


def fact_at(one: Recorded) -> datetime:
    """When a fact says it happened; `at` of the record is when that was known."""
    at: datetime = getattr(one.fact, "at", one.at)
    return at


def past_of(recorded: Sequence[Recorded]) -> Past:
    """The history of a contact-campaign; raises CampaignNotStarted where none has begun."""
    accepted = next((one.fact for one in recorded if isinstance(one.fact, PlanAccepted)), None)
    started = next((one for one in recorded if isinstance(one.fact, CampaignStarted)), None)
    if accepted is None or started is None:
        raise CampaignNotStarted("it was not started yet: it has no history to run again")
    past = Past(
        accepted=accepted,
        started=started,
        messages={},
        tasks={},
        calls={},
        loose=[],
        orders=[],
        fired={},
        names={},
        hashes=[accepted.plan_hash],
        state=INITIAL,
        last=recorded[-1],
    )
    state = INITIAL
    for one in recorded:
        for sort in (_of_messages, _of_errands, _of_the_rest):
            sort(past, state, one)
        state = evolve(state, one.fact)
    return msgspec.structs.replace(past, state=state)


def _of_messages(past: Past, state: Campaign, one: Recorded) -> None:
    match one.fact:
        case NodeEntered(message_id=mid) as entered if mid is not None:
            past.messages[mid] = PastMessage(entered, [], [], [])
        case MessageDeferred() | MessageCancelled() if _by_outside(one.fact):
            _looked(past, state, one, one.fact.message_id)
        case (
            MessageCancelled(message_id=mid, at=at)
            | MessageDeferred(message_id=mid, at=at)
            | Resumed(message_id=mid, at=at)
            | PlanRevised(message_id=mid, at=at)
        ) if mid is not None and at > state.messages[mid].due_at:
            missed = Look(one, state.messages[mid].due_at, paused=False, missed=True)
            past.messages[mid].looks.append(missed)
        case SendAttemptStarted(message_id=mid):
            _looked(past, state, one, mid)
            past.messages[mid].attempts.append(Attempt(one, []))
        case MessageFailed(message_id=mid) if state.messages[mid].state in WAITING:
            _looked(past, state, one, mid)
        case (
            MessageAccepted(message_id=mid)
            | MessageFailed(message_id=mid)
            | SendAttemptReturned(message_id=mid)
            | MessageUnknown(message_id=mid)
            | MessagePresumedLost(message_id=mid)
        ):
            past.messages[mid].attempts[-1].outcomes.append(one)
        case _:
            pass


def _by_outside(fact: MessageDeferred | MessageCancelled) -> bool:
    """Whether a look at the due message made this; an exit, an entry and an auto-reply do not."""
    if isinstance(fact, MessageDeferred):
        return fact.reason != HoldReason.AUTO_REPLIED
    return fact.reason in SKIPS and fact.reason != CancelReason.PAST


def _looked(past: Past, state: Campaign, one: Recorded, mid: MessageId) -> None:
    paused = state.stage == Stage.PAUSED
    past.messages[mid].looks.append(Look(one, state.messages[mid].due_at, paused))


def _of_errands(past: Past, state: Campaign, one: Recorded) -> None:  # noqa: ARG001  # one shape
    match one.fact:
        case TaskCreated(task_id=task, at=at):
            past.tasks[task] = PastErrand(at)
        case TaskResolved(task_id=task, end=TaskEnd.DONE | TaskEnd.SKIPPED):
            past.tasks[task] = PastErrand(past.tasks[task].at, one)
        case WebhookRequested(call_id=call, at=at):
            past.calls[call] = PastErrand(at)
        case WebhookResolved(call_id=call):
            past.calls[call] = PastErrand(past.calls[call].at, one)
        case _:
            pass


def _of_the_rest(past: Past, state: Campaign, one: Recorded) -> None:
    match one.fact:
        case SignalRecorded(derived=False) as told if told.signal not in OF_TASKS:
            about = past.messages.get(told.message_id) if told.message_id else None
            (about.heard if about and about.attempts else past.loose).append(one)
        case SignalJudged(derived=False) as judged if judged.message_id in past.messages:
            past.messages[judged.message_id].heard.append(one)
        case Paused() | Resumed() | Exited(outcome=Outcome.CANCELLED, failed=False):
            past.loose.append(one)
        case RevisionKept():
            past.orders.append(one)
        case PlanRevised() as revised:
            if state.kept is None:
                past.orders.append(one)
            past.hashes.append(revised.new_hash)
            past.names.update((new, old) for old, new in revised.mapping if new != old)
        case TransitionTaken(on=on) as taken if on in SYNTHETIC:
            past.fired[taken.node, taken.visit, taken.index, taken.at] = one.version
        case _:
            pass
