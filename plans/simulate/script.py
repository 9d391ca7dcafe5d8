"""A scripted trace: what the plan does when just these things happen, as a timeline."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain import campaign
from domain.campaign import Called, Message, Reported
from domain.errors import CampaignError
from domain.events import Event, TaskCreated, WebhookRequested, topic_of
from domain.ids import MessageId
from domain.taxonomy import CancelReason, MessageState, Signal, TaskEnd
from plans.schema.scalars import EventName, NodeId
from plans.simulate.people import Reaction
from plans.simulate.run import REFUSED, Course, Run

EVENTS_MAX = 500
SUBJECT = "simulated:script"

FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
Moment = Annotated[AwareDatetime, Field(ge=FIRST, lt=LAST)]
"""An instant that calendars and zones can be trusted with."""

Line = dict[str, Any]
"""A fact of the timeline: `at`, `fact` and what it tells."""

_TASK_ENDS: Mapping[str, TaskEnd] = {
    Signal.TASK_DONE: TaskEnd.DONE,
    Signal.TASK_SKIPPED: TaskEnd.SKIPPED,
}
_CALL_ENDS: Mapping[str, bool] = {Signal.WEBHOOK_OK: True, Signal.WEBHOOK_FAILED: False}
_TOLD = {
    "node": "node",
    "visit": "visit",
    "choice": "choice",
    "channel": "channel",
    "variant": "variant",
    "due_at": "dueAt",
    "expires_at": "expiresAt",
    "index": "index",
    "on": "on",
    "to": "to",
    "signal": "signal",
    "derived": "derived",
    "late": "late",
    "kind": "kind",
    "end": "end",
    "endpoint": "endpoint",
    "ok": "ok",
    "outcome": "outcome",
    "reason": "reason",
    "shift_s": "shiftS",
}


class Scripted(BaseModel):
    """Something that happens at an instant: an event of the plan language, a pause or a resume.

    `node` says whose message, task or call it is about; without it the latest one. `send_failed`
    lets the provider refuse the next message from then on, or the next one of this node.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Moment
    event: Literal["pause", "resume"] | EventName
    node: NodeId | None = None
    url: Annotated[str, Field(max_length=2000)] | None = None


Script = Annotated[list[Scripted], Field(max_length=EVENTS_MAX)]


def timeline(course: Course, events: Sequence[Scripted]) -> list[Line]:
    """What the plan does when messages are sent as they are due and nothing but this happens.

    What could not happen, since there was nothing it could be about, is told as `passed_over`.
    """
    script = _Script(events)
    run = Run(course, SUBJECT, script)
    for event in sorted(events, key=lambda event: event.at):
        run.plan(event.at.astimezone(UTC), partial(script.happen, run), event)
    run.finish(to_the_last=True)
    told = [(place, _line(fact, run.state.messages)) for place, fact in enumerate(run.facts)]
    return [line for _, line in sorted([*script.passed_over, *told], key=itemgetter(0))]


class _Script:
    """Answers a run by its script: people do nothing else, endpoints take what they are given."""

    def __init__(self, events: Sequence[Scripted]) -> None:
        self._failures = [event for event in events if event.event == Signal.SEND_FAILED]
        self._answers = [event for event in events if event.event in _CALL_ENDS]
        self.passed_over: list[tuple[int, Line]] = []

    def refuses(self, message: Message, now: datetime) -> bool:
        """Whether the script has a failure for this message; each is used once."""
        for event in self._failures:
            if event.at <= now and event.node in (None, message.node):
                self._failures.remove(event)
                return True
        return False

    def reactions(self, message: Message) -> list[Reaction]:  # noqa: ARG002  # the script has them
        """Nothing by itself."""
        return []

    def task(self, task: TaskCreated) -> None:
        """Nobody ends a task by themselves."""

    def call(self, request: WebhookRequested) -> tuple[timedelta, bool]:
        """At once, unless the script answers before it is given up."""
        for event in self._answers:
            if event.node in (None, request.node) and request.at <= event.at:
                return request.give_up_at - request.at, False
        return timedelta(), True

    def happen(self, run: Run, event: Scripted, at: datetime) -> None:
        """Let it happen, or say why it cannot."""
        try:
            why = _KINDS.get(event.event, _report)(run, event, at)
        except CampaignError as refused:
            why = str(refused)
        if why:
            line = {"at": _text(at), "fact": "passed_over", "event": event.event, "reason": why}
            line |= {"node": event.node} if event.node else {}
            self.passed_over.append((len(run.facts), line))  # before the fact that comes next


# --- what can happen; each says why, if it cannot -------------------------------------------------


def _pause(run: Run, event: Scripted, at: datetime) -> str:  # noqa: ARG001  # one shape for all
    run.take(campaign.pause, reason="scripted", at=at)
    return ""


def _resume(run: Run, event: Scripted, at: datetime) -> str:  # noqa: ARG001  # one shape for all
    run.take(campaign.resume, at=at)
    return ""


def _task(run: Run, event: Scripted, at: datetime) -> str:
    task = run.state.task
    if task is None or event.node not in (None, run.state.node):
        return "no such task is open"
    run.take(campaign.resolve_task, task_id=task, end=_TASK_ENDS[event.event], at=at)
    return ""


def _call(run: Run, event: Scripted, at: datetime) -> str:
    for call, (node, _) in run.state.calls.items():
        if event.node in (None, node):
            ok = _CALL_ENDS[event.event]
            called = Called(call, ok, "" if ok else REFUSED, 1)
            run.take(campaign.resolve_webhook, called=called, at=at)
            return ""
    return "no such call is under way"


def _skip(run: Run, event: Scripted, at: datetime) -> str:
    waiting = run.state.waiting
    if waiting is None or event.node not in (None, waiting.node):
        return "no such message is waiting"
    run.take(campaign.skip, message_id=waiting.id, reason=CancelReason.OPERATOR, at=at)
    return ""


def _later(run: Run, event: Scripted, at: datetime) -> str:  # noqa: ARG001  # one shape for all
    return ""


def _of_itself(run: Run, event: Scripted, at: datetime) -> str:  # noqa: ARG001  # one shape for all
    return "it follows from the plan and cannot be scripted"


def _report(run: Run, event: Scripted, at: datetime) -> str:
    if at < run.course.start:
        return "nothing has started yet"
    message = _about(run, event)
    if message is None and _needs_message(event):
        return "no such message was sent yet"
    reported = Reported(
        signal=event.event,
        at=at,
        key=f"script:{len(run.facts)}",
        message_id=message.id if message else None,
        url=event.url,
    )
    run.take(campaign.record, reported=reported, now=at)
    return ""


def _needs_message(event: Scripted) -> bool:
    free = event.event == Signal.MEETING_BOOKED or event.event.startswith("x_")
    return not free or event.node is not None


def _about(run: Run, event: Scripted) -> Message | None:
    sent = [
        message
        for message in run.state.messages.values()
        if message.state == MessageState.ACCEPTED and event.node in (None, message.node)
    ]
    return sent[-1] if sent and _needs_message(event) else None


_KINDS: Mapping[str, Callable[[Run, Scripted, datetime], str]] = {
    "pause": _pause,
    "resume": _resume,
    **dict.fromkeys(_TASK_ENDS, _task),
    **dict.fromkeys(_CALL_ENDS, _call),
    Signal.SEND_SKIPPED: _skip,
    Signal.SEND_FAILED: _later,
    Signal.SENT: _of_itself,
    "no_open": _of_itself,
    "no_click": _of_itself,
    "no_reply": _of_itself,
    "no_accept": _of_itself,
    "timeout": _of_itself,
}


# --- the timeline ---------------------------------------------------------------------------------


def _line(fact: Event, messages: Mapping[MessageId, Message]) -> Line:
    fields = msgspec.to_builtins(fact, builtin_types=(datetime,))
    message_id: MessageId | None = getattr(fact, "message_id", None)
    about = messages.get(message_id) if message_id else None
    told = {"node": about.node, "visit": about.visit} if about else {}
    told |= {name: fields[field] for field, name in _TOLD.items() if field in fields}
    shown = {name: _text(value) for name, value in told.items()}
    timers = [
        {"index": timer.index, "kind": str(timer.kind), "dueAt": _text(timer.due_at)}
        for timer in getattr(fact, "timers", ())
    ]
    line = {"at": _text(fact.at), "fact": topic_of(fact), **shown}
    return line | {"timers": timers} if timers else line


def _text(value: object) -> object:
    """UTC as everywhere in answers; anything else as it is."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
