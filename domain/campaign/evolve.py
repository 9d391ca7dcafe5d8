"""From facts to state. Total: every fact has a case, and no case can fail or knows a rule."""

from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from typing import Any, assert_never

from msgspec.structs import replace

from domain.campaign.message_facts import changed, of_message
from domain.campaign.sighted import judged, noted
from domain.campaign.state import INITIAL, Campaign, Heard, Message, Phase
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
from domain.ids import MessageId
from domain.lifecycle import Stage, after
from domain.taxonomy import SYNTHETIC, HoldReason, MessageState, Signal

OF_ONE_TASK = (Signal.TASK_DONE, Signal.TASK_SKIPPED)
"""Signals about the task of a node; no later node is offered them."""


def fold(events: Iterable[Event], state: Campaign = INITIAL) -> Campaign:
    """The state after these facts."""
    return reduce(evolve, events, state)


def evolve(state: Campaign, event: Event) -> Campaign:  # noqa: C901  # a total match over the facts
    """Apply one fact; the frequent ones are asked for first."""
    match event:
        case NodeEntered() as fact:
            return _entered(state, fact)
        case TransitionTaken() as fact:
            return _taken(state, fact)
        case SignalRecorded() as fact:
            return noted(_heard(state, fact), fact, no=state.signals)
        case SignalJudged() as fact:
            return judged(state, fact)
        case (
            MessageQueued()
            | MessageDeferred()
            | MessageReopened()
            | MessageCancelled()
            | SendAttemptStarted()
            | SendAttemptReturned()
            | MessageAccepted()
            | MessageFailed()
            | MessageUnknown()
            | MessagePresumedLost()
            | ResendOrdered()
        ):
            return of_message(state, event)
        case PlanAccepted() as fact:
            return replace(
                state,
                stage=after(state.stage, "accept"),
                contact_id=fact.contact_id,
                campaign_id=fact.campaign_id,
                run=fact.run,
                plan_hash=fact.plan_hash,
                holidays=fact.holidays,
            )
        case StartScheduled(at=at):
            return replace(state, stage=after(state.stage, "schedule"), starts_at=at)
        case CampaignStarted(at=at, expires_at=expires_at):
            stage = after(state.stage, "start")
            return replace(state, stage=stage, started_at=at, expires_at=expires_at)
        case Paused(at=at):
            stage = after(state.stage, "pause")
            return replace(state, stage=stage, paused_at=at, signals_at_pause=state.signals)
        case Resumed() as fact:
            return _resumed(state, fact)
        case RevisionKept() as fact:
            return replace(state, kept=fact)
        case PlanRevised() as fact:
            return _revised(state, fact)
        case (
            TaskCreated()
            | TaskResolved()
            | WebhookRequested()
            | WebhookResolved()
            | ContactUpdateRequested()
            | NotificationRequested()
        ):
            return _of_errand(state, event)
        case Completed() as fact:
            return _ended(state, "complete", outcome=fact.outcome, node=fact.node)
        case Exited(outcome=outcome, failed=failed):
            return _ended(state, "fail" if failed else "exit", outcome=outcome)
        case _:
            assert_never(event)


def _entered(state: Campaign, fact: NodeEntered) -> Campaign:
    state = replace(
        state,
        node=fact.node,
        visit=fact.visit,
        t0=fact.at,
        timers=fact.timers,
        visits={**state.visits, fact.node: fact.visit},
        phase=Phase.WATCH,
        fell="",
        latched=tuple(heard for heard in state.latched if heard.signal not in OF_ONE_TASK),
        drawn={**state.drawn, fact.experiment: fact.variant} if fact.experiment else state.drawn,
    )
    if not (fact.message_id and fact.channel and fact.due_at and fact.expires_at):
        return replace(state, pending=None, anchor=fact.anchor)
    message = Message(
        id=fact.message_id,
        node=fact.node,
        visit=fact.visit,
        channel=fact.channel,
        state=MessageState.PLANNED,
        entered_at=fact.at,
        due_at=fact.due_at,
        expires_at=fact.expires_at,
        dedupe_key=fact.dedupe_key,
        variant=fact.variant,
        sender=fact.sender,
    )
    messages = {**state.messages, message.id: message}
    return replace(state, phase=Phase.SCHED, pending=message.id, messages=messages)


def _taken(state: Campaign, fact: TransitionTaken) -> Campaign:
    latched = tuple(heard for heard in state.latched if heard.no != fact.signal_no)
    timed = fact.on in SYNTHETIC
    taken_at = fact.at if timed else state.timer_taken_at
    return replace(state, latched=latched, timers=(), timer_taken_at=taken_at, fell="")


def _heard(state: Campaign, fact: SignalRecorded) -> Campaign:
    kind = (fact.signal, fact.message_id, fact.machine)
    changes = {
        "signals": state.signals + 1,
        "keys": state.keys | {fact.key} if fact.key else state.keys,
        "told": {**state.told, kind: state.told.get(kind, 0) + 1},
    }
    return replace(state, **changes, **({} if fact.machine else _known(state, fact)))


def _known(state: Campaign, fact: SignalRecorded) -> dict[str, Any]:
    """What a human signal changes: it is latched, and known of its message."""
    latched = Heard(state.signals, fact.signal, fact.at, fact.message_id, fact.url_tags)
    known: dict[str, Any] = {"latched": (*state.latched, latched)}
    if fact.signal == Signal.AUTO_REPLIED:
        before = state.auto_replied_at
        known["auto_replied_at"] = max(fact.at, before) if before else fact.at
    message = state.messages.get(fact.message_id) if fact.message_id else None
    if message is not None:
        first = min(fact.at, message.heard_at.get(fact.signal, fact.at))
        message = replace(message, heard_at={**message.heard_at, fact.signal: first})
        known["messages"] = {**state.messages, message.id: message}
    return known


def _resumed(state: Campaign, fact: Resumed) -> Campaign:
    t0 = state.t0 + timedelta(seconds=fact.shift_s) if state.t0 else None
    state = replace(
        state,
        stage=after(state.stage, "resume"),
        paused_at=None,
        expires_at=fact.expires_at,
        timers=fact.timers,
        t0=t0,
        fell="" if state.fell == Signal.SENT else state.fell,
    )
    if fact.message_id is None or not (fact.due_at and fact.message_expires_at):
        return state
    times = {"due_at": fact.due_at, "expires_at": fact.message_expires_at}
    return changed(state, fact.message_id, **times, held=_kept_back(state, fact.message_id))


def _revised(state: Campaign, fact: PlanRevised) -> Campaign:
    """The same course under another plan: nodes that got new ids keep their history."""
    new_id = dict(fact.mapping)
    messages = {
        mid: replace(message, node=new_id.get(message.node, message.node))
        for mid, message in state.messages.items()
    }
    visits, drawn = dict(state.visits), dict(state.drawn)
    for old, new in fact.mapping:
        visits[new] = max(state.visits.get(old, 0), state.visits.get(new, 0))
        if old in state.drawn:
            drawn[new] = state.drawn[old]
    state = replace(
        state,
        plan_hash=fact.new_hash,
        holidays=fact.holidays,
        expires_at=fact.expires_at,
        node=fact.node,
        timers=fact.timers,
        messages=messages,
        visits=visits,
        drawn=drawn,
        kept=None,
        signals_at_pause=0,  # the new plan is offered all that is latched
    )
    if state.stage == Stage.PAUSED and state.watches_own:
        state = replace(state, fell=Signal.SENT)
    if fact.message_id is None or not (fact.due_at and fact.message_expires_at):
        return state
    return changed(
        state,
        fact.message_id,
        state=MessageState.PLANNED,
        due_at=fact.due_at,
        expires_at=fact.message_expires_at,
        variant=fact.variant,
        sender=fact.sender,
        held=_kept_back(state, fact.message_id),
    )


def _kept_back(state: Campaign, message_id: MessageId) -> str:
    """Of all that holds a message only a person's word outlives a new due time."""
    message = state.messages.get(message_id)
    by_person = message is not None and message.held == HoldReason.OPERATOR
    return HoldReason.OPERATOR.value if by_person else ""


def _of_errand(
    state: Campaign,
    event: TaskCreated
    | TaskResolved
    | WebhookRequested
    | WebhookResolved
    | ContactUpdateRequested
    | NotificationRequested,
) -> Campaign:
    match event:
        case TaskCreated(task_id=task_id):
            return replace(state, task=task_id)
        case TaskResolved():
            return replace(state, task=None)
        case WebhookRequested() as fact:
            calls = {**state.calls, fact.call_id: (fact.node, fact.visit)}
            return replace(state, calls=calls, phase=Phase.CALLING if fact.waits else state.phase)
        case WebhookResolved() as fact:
            return _answered(state, fact)
        case ContactUpdateRequested() | NotificationRequested():
            return state
        case _:
            assert_never(event)


def _answered(state: Campaign, fact: WebhookResolved) -> Campaign:
    calls = {call: place for call, place in state.calls.items() if call != fact.call_id}
    state = replace(state, calls=calls)
    here = (state.node, state.visit) == (fact.node, fact.visit)
    if state.phase != Phase.CALLING or not here:
        return state
    word = Signal.WEBHOOK_OK if fact.ok else Signal.WEBHOOK_FAILED
    return replace(state, phase=Phase.WATCH, fell=word)


def _ended(state: Campaign, event: str, **changes: Any) -> Campaign:  # noqa: ANN401  # fields of the struct
    stage = after(state.stage, event)
    over = {"timers": (), "pending": None, "phase": Phase.NONE, "fell": "", "kept": None}
    changes = {**over, **changes}
    return replace(state, stage=stage, paused_at=None, **changes)
