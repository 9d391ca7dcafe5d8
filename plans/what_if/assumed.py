"""What a what-if takes for granted: nobody knows how people would have answered other messages."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from domain.events import (
    Event,
    Fact,
    MessageAccepted,
    SignalRecorded,
    TaskCreated,
    WebhookRequested,
)
from domain.plan import Plan
from domain.recorded import Recorded
from domain.taxonomy import Signal
from plans.what_if.course import Course
from plans.what_if.parting import when
from plans.what_if.rerun import Rerun

F = TypeVar("F", bound=Fact)


class Assumption(msgspec.Struct, frozen=True):
    """One caveat: a word for programs, a sentence for people."""

    code: str
    told: str


def assumptions(rerun: Rerun, plan: Plan, happened: Course, other: Course) -> list[Assumption]:
    """Every caveat of this comparison; `rerun` is the other course, run to its end."""
    return [
        Assumption(code, told)
        for code, told in (
            *_of_time(rerun, happened, other),
            *_of_messages(rerun),
            *_of_errands(rerun),
            *_of_contact(rerun, plan),
        )
    ]


def _of_time(rerun: Rerun, happened: Course, other: Course) -> Iterator[tuple[str, str]]:
    past, until = rerun.past, rerun.setting.until
    if until is not None:
        yield "running", f"it still runs: nothing is known after {when(until)} UTC"
    elif other.ended_at is None or (happened.ended_at and other.ended_at > happened.ended_at):
        yield "over", f"nothing was heard after {when(past.last.at)} UTC: silence is assumed"
    if len(past.hashes) > 1:
        told = f"the plan was revised {len(past.hashes) - 1} times then"
        yield "revised", f"{told}; the other plan is in force from the start"
    if any(not isinstance(one.fact, SignalRecorded) for one in past.loose):
        yield "orders", "pauses, resumes and a stop come at their instants"


def _of_messages(rerun: Rerun) -> Iterator[tuple[str, str]]:
    """Messages that only the other course sends, reactions that it moves or cannot use."""
    state, past = rerun.state, rerun.past
    for fact in _of_kind(rerun.facts, MessageAccepted):
        message = state.messages[fact.message_id]
        known = rerun.known.message(message)
        if known is None or not known.attempts:
            place = _place(message.node, message.visit)
            told = f"{place} ({message.channel}) was never sent then"
            yield "silence", f"{told}: no reaction to it is known, and none is assumed"
        elif fact.message_id in rerun.moved and any(
            one.version in rerun.used for one in known.heard
        ):
            told = f"reactions to {_place(message.node, message.visit)}"
            yield "moved", f"{told} come as long after it as they came then"
    answered = {one.version for known in past.messages.values() for one in known.heard}
    if answered & rerun.used and rerun.course.plan.hash not in past.hashes:
        yield "words", "people answered the words of then; those of the other plan may differ"
    for one in past.signals:
        if one.version not in rerun.used:
            yield "unused", _unused(rerun, one)


def _unused(rerun: Rerun, one: Recorded) -> str:
    told, state = one.fact, rerun.state
    assert isinstance(told, SignalRecorded)
    name = f"`{told.signal}` ({when(told.at)} UTC)"
    about = rerun.past.messages.get(told.message_id) if told.message_id else None
    if about is None or told.message_id is None:
        return f"{name} is not used: the other course is over by then"
    place = _place(about.entered.node, about.entered.visit)
    sent = state.messages.get(told.message_id)
    if sent is None or sent.accepted_at is None:
        why = f"the other course never sends {place}"
    elif sent.channel != about.entered.channel:
        why = f"there {place} goes out by {sent.channel}"
    else:
        why = "the other course is over by then"
    return f"{name} about {place} is not used: {why}"


def _of_errands(rerun: Rerun) -> Iterator[tuple[str, str]]:
    for task in _of_kind(rerun.facts, TaskCreated):
        if rerun.known.task(task) is None:
            place = _place(task.node, task.visit)
            yield "task", f"the task {place} never was then: nobody ends it"
    for call in _of_kind(rerun.facts, WebhookRequested):
        if rerun.known.call(call) is None:
            place = _place(call.node, call.visit)
            yield "call", f"the call of {place} was never made then: it is taken at once"


def _of_contact(rerun: Rerun, plan: Plan) -> Iterator[tuple[str, str]]:
    plans = [plan, *rerun.setting.plans.values()]
    if any(each.reads_contact for each in plans):
        yield "values", "guards read the contact's data as they are today"
    known = {text for each in rerun.setting.plans.values() for text in each.url_tags}
    new = sorted(text for text in plan.url_tags if text not in known)
    clicked = any(
        one.fact.signal == Signal.CLICKED
        for one in rerun.past.signals
        if isinstance(one.fact, SignalRecorded)
    )
    if new and clicked:
        told = ", ".join(f'"{text}"' for text in new)
        yield "links", f"whether a clicked link contained {told} was not recorded: no is assumed"


def _of_kind(facts: Sequence[Event], kind: type[F]) -> list[F]:
    return [fact for fact in facts if isinstance(fact, kind)]


def _place(node: str, visit: int) -> str:
    return node if visit == 1 else f"{node} (visit {visit})"
