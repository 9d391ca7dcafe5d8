"""What came of an errand: a task that a person ended, a call that an endpoint took."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from domain.campaign.evolve import evolve
from domain.campaign.revising import apply_kept
from domain.campaign.signals import Reported, record
from domain.campaign.state import Campaign
from domain.campaign.walk import Walk
from domain.events import Event, TaskResolved, WebhookResolved
from domain.ids import ErrandId
from domain.plan import Grounds
from domain.taxonomy import Signal, TaskEnd

_SIGNAL_OF = {TaskEnd.DONE: Signal.TASK_DONE, TaskEnd.SKIPPED: Signal.TASK_SKIPPED}


class Called(msgspec.Struct, frozen=True):
    """What came of calling an endpoint: taken, or given up and why, after how many attempts."""

    call_id: ErrandId
    ok: bool
    reason: str
    attempts: int


def resolve_task(
    state: Campaign,
    grounds: Grounds,
    *,
    task_id: ErrandId,
    end: TaskEnd,
    at: datetime,
) -> Sequence[Event]:
    """A person ended the task of the present node; one that is no longer open is no news."""
    if state.task != task_id:
        return []
    resolved = TaskResolved(task_id=task_id, node=state.node, visit=state.visit, end=end, at=at)
    told = Reported(signal=_SIGNAL_OF[end], at=at, key=f"task:{task_id}")
    return [resolved, *record(evolve(state, resolved), grounds, reported=told, now=at)]


def resolve_webhook(
    state: Campaign, grounds: Grounds, *, called: Called, at: datetime
) -> Sequence[Event]:
    """An endpoint took the call, or it was given up; a token that waited goes on."""
    if called.call_id not in state.calls:
        return []
    node, visit = state.calls[called.call_id]
    walk = Walk(state, grounds, at)
    walk.say(
        WebhookResolved(
            call_id=called.call_id,
            node=node,
            visit=visit,
            ok=called.ok,
            reason=called.reason,
            attempts=called.attempts,
            at=at,
        )
    )
    apply_kept(walk, at)
    if not walk.reached(Signal.WEBHOOK_OK if called.ok else Signal.WEBHOOK_FAILED, at):
        walk.fall(at)
    return walk.facts
