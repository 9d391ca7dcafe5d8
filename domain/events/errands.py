"""Facts about what a plan asks of people and of other systems."""

from datetime import datetime

from domain.events.fact import Fact
from domain.ids import ErrandId, NodeId
from domain.taxonomy import TaskEnd, TaskKind


class TaskCreated(Fact, frozen=True, kw_only=True, tag="task_created"):
    """Work for a person began; `due_at` is shown to the person and moves nothing."""

    task_id: ErrandId
    node: NodeId
    visit: int
    kind: TaskKind
    due_at: datetime
    at: datetime


class TaskResolved(Fact, frozen=True, kw_only=True, tag="task_resolved"):
    """A task is over: done or skipped by a person, or withdrawn since the plan went on."""

    task_id: ErrandId
    node: NodeId
    visit: int
    end: TaskEnd
    at: datetime


class WebhookRequested(Fact, frozen=True, kw_only=True, tag="webhook_requested"):
    """A registered endpoint is to be called; the token waits for it or has gone on."""

    call_id: ErrandId
    node: NodeId
    visit: int
    endpoint: str
    waits: bool
    give_up_at: datetime
    at: datetime


class WebhookResolved(Fact, frozen=True, kw_only=True, tag="webhook_resolved"):
    """The endpoint took the call, or it was given up."""

    call_id: ErrandId
    node: NodeId
    visit: int
    ok: bool
    reason: str
    attempts: int
    at: datetime


class ContactUpdateRequested(Fact, frozen=True, kw_only=True, tag="contact_update_requested"):
    """The plan changes contact data; fields and values are in the plan, at this node."""

    update_id: ErrandId
    node: NodeId
    visit: int
    at: datetime


class NotificationRequested(Fact, frozen=True, kw_only=True, tag="notification_requested"):
    """The plan tells a person something; whom and what is in the plan, at this node."""

    notice_id: ErrandId
    node: NodeId
    visit: int
    at: datetime
