"""From facts to state. Total: every fact has a case, and no case can fail or knows a rule."""

from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from typing import Any, assert_never

from msgspec.structs import replace

from domain.campaign.state import INITIAL, Campaign, Heard, Message, Phase
from domain.events import (
    CampaignStarted,
    Completed,
    Event,
    Exited,
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageQueued,
    MessageUnknown,
    NodeEntered,
    Paused,
    PlanAccepted,
    Resumed,
    SendAttemptReturned,
    SendAttemptStarted,
    SignalRecorded,
    StartScheduled,
    TransitionTaken,
)
from domain.ids import MessageId
from domain.lifecycle import Stage, after
from domain.taxonomy import FAMILY_OF, SKIPS, SYNTHETIC, MessageState, Signal


def fold(events: Iterable[Event], state: Campaign = INITIAL) -> Campaign:
    """The state after these facts."""
    return reduce(evolve, events, state)


def evolve(state: Campaign, event: Event) -> Campaign:  # noqa: C901  # a total match over the facts
    """Apply one fact."""
    match event:
        case PlanAccepted() as fact:
            return replace(
                state,
                stage=after(state.stage, "accept"),
                contact_id=fact.contact_id,
                campaign_id=fact.campaign_id,
                run=fact.run,
                plan_hash=fact.plan_hash,
            )
        case StartScheduled(at=at):
            return replace(state, stage=after(state.stage, "schedule"), starts_at=at)
        case CampaignStarted(at=at, expires_at=expires_at):
            stage = after(state.stage, "start")
            return replace(state, stage=stage, started_at=at, expires_at=expires_at)
        case NodeEntered() as fact:
            return _entered(state, fact)
        case TransitionTaken() as fact:
            return _taken(state, fact)
        case SignalRecorded() as fact:
            return _heard(state, fact)
        case Paused(at=at):
            stage = after(state.stage, "pause")
            return replace(state, stage=stage, paused_at=at, signals_at_pause=state.signals)
        case Resumed() as fact:
            return _resumed(state, fact)
        case Completed() as fact:
            return _ended(state, "complete", outcome=fact.outcome, node=fact.node)
        case Exited(outcome=outcome, failed=failed):
            return _ended(state, "fail" if failed else "exit", outcome=outcome)
        case (
            MessageQueued()
            | MessageDeferred()
            | MessageCancelled()
            | SendAttemptStarted()
            | SendAttemptReturned()
            | MessageAccepted()
            | MessageFailed()
            | MessageUnknown()
            | MessagePresumedLost()
        ):
            return _of_message(state, event)
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
    keys = state.keys | {fact.key} if fact.key else state.keys
    kind = (fact.signal, fact.message_id, fact.machine)
    told = {**state.told, kind: state.told.get(kind, 0) + 1}
    state = replace(state, signals=state.signals + 1, keys=keys, told=told)
    if fact.machine:
        return state
    latched = Heard(state.signals - 1, fact.signal, fact.at, fact.message_id, fact.url_tags)
    state = replace(state, latched=(*state.latched, latched))
    if fact.signal == Signal.AUTO_REPLIED:
        before = state.auto_replied_at
        state = replace(state, auto_replied_at=max(fact.at, before) if before else fact.at)
    message = state.messages.get(fact.message_id) if fact.message_id else None
    if message is None:
        return state
    first = min(fact.at, message.heard_at.get(fact.signal, fact.at))
    return _with(state, message.id, heard_at={**message.heard_at, fact.signal: first})


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
    return _with(state, fact.message_id, **times)


def _ended(state: Campaign, event: str, **changes: Any) -> Campaign:  # noqa: ANN401  # fields of the struct
    stage = after(state.stage, event)
    changes = {"timers": (), "pending": None, "phase": Phase.NONE, "fell": "", **changes}
    return replace(state, stage=stage, paused_at=None, **changes)


def _of_message(  # noqa: C901  # a total match over the facts of a message
    state: Campaign,
    event: MessageQueued
    | MessageDeferred
    | MessageCancelled
    | SendAttemptStarted
    | SendAttemptReturned
    | MessageAccepted
    | MessageFailed
    | MessageUnknown
    | MessagePresumedLost,
) -> Campaign:
    mid = event.message_id
    if mid not in state.messages:
        return state
    match event:
        case MessageQueued(body_mac=mac, domain=domain):
            return _with(state, mid, state=MessageState.QUEUED, body_mac=mac, domain=domain)
        case MessageDeferred(due_at=due_at, expires_at=expires_at):
            return _with(state, mid, due_at=due_at, expires_at=expires_at)
        case MessageCancelled(reason=reason):
            state = _with(state, mid, state=MessageState.CANCELLED)
            return _fell(state, mid, Signal.SEND_SKIPPED) if reason in SKIPS else state
        case SendAttemptStarted(attempt=attempt):
            state = _with(state, mid, state=MessageState.SENDING, attempt=attempt)
            return replace(state, phase=Phase.SENDING) if state.pending == mid else state
        case SendAttemptReturned(due_at=due_at, counted=counted):
            returned = state.messages[mid].returned + counted
            changes = {"state": MessageState.QUEUED, "due_at": due_at, "returned": returned}
            state = _with(state, mid, **changes)
            return replace(state, phase=Phase.SCHED) if state.pending == mid else state
        case MessageAccepted() as fact:
            return _accepted(state, fact)
        case MessageFailed():
            return _fell(_with(state, mid, state=MessageState.FAILED), mid, Signal.SEND_FAILED)
        case MessageUnknown():
            return _with(state, mid, state=MessageState.UNKNOWN)
        case MessagePresumedLost():
            lost = _with(state, mid, state=MessageState.PRESUMED_LOST)
            return _fell(lost, mid, Signal.SEND_FAILED)
        case _:
            assert_never(event)


def _accepted(state: Campaign, fact: MessageAccepted) -> Campaign:
    message = state.messages[fact.message_id]
    family = FAMILY_OF[message.channel]
    last = max(fact.at, state.last_sent_at.get(family, fact.at))
    state = _with(state, message.id, state=MessageState.ACCEPTED, accepted_at=fact.at)
    state = replace(state, sends=state.sends + 1, last_sent_at={**state.last_sent_at, family: last})
    if state.pending != message.id:
        return state
    return replace(
        state,
        phase=Phase.WATCH,
        pending=None,
        anchor=message.id,
        t0=fact.at,
        timers=fact.timers,
        fell=Signal.SENT if state.stage == Stage.PAUSED else "",
    )


def _fell(state: Campaign, message_id: MessageId, word: str) -> Campaign:
    if state.pending != message_id:
        return state
    return replace(state, phase=Phase.WATCH, pending=None, fell=word)


def _with(campaign: Campaign, message_id: MessageId, **changes: Any) -> Campaign:  # noqa: ANN401  # fields of the struct
    if message_id not in campaign.messages:
        return campaign
    message = replace(campaign.messages[message_id], **changes)
    return replace(campaign, messages={**campaign.messages, message_id: message})
