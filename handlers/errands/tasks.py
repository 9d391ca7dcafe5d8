"""Tasks of people: shown with the words of the plan, ended once by a person."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec

from domain import campaign
from domain.ids import CampaignId, ContactId, ErrandId, StreamId
from domain.recorded import Cause
from domain.taxonomy import TaskEnd
from handlers.campaigns import order
from handlers.errands.asking import Asked, Asking, words
from handlers.errands.lists import TaskRow
from handlers.ports import TenantPorts

REASON = "task_reason"
"""The kind of the note that has a person's own words."""


class TaskShown(msgspec.Struct, frozen=True, kw_only=True):
    """A task as a person sees it; without words once its plan is erased."""

    id: ErrandId
    contact_campaign_id: StreamId
    campaign_id: CampaignId
    contact_id: ContactId
    kind: str
    node: str
    visit: int
    title: str
    instructions: str
    assignee: str | None
    due_at: datetime
    created_at: datetime
    state: str
    ended_at: datetime | None


def shown(ports: TenantPorts, rows: Sequence[TaskRow]) -> list[TaskShown]:
    """Tasks with their words, filled in with the contact's data as they are now."""
    asked = [Asked(row.contact_id, row.campaign_id, row.plan_hash, row.node) for row in rows]
    asking = Asking(ports, asked)
    return [_shown(row, asking, one) for row, one in zip(rows, asked, strict=True)]


def _shown(row: TaskRow, asking: Asking, asked: Asked) -> TaskShown:
    node, values = asking.node(asked), asking.values(asked)
    kept = {
        name: getattr(row, name)
        for name in TaskRow.__struct_fields__
        if name in TaskShown.__struct_fields__
    }
    return TaskShown(
        title=words(node.get("title", ""), values),
        instructions=words(node.get("instructions", ""), values),
        assignee=node.get("assignee"),
        **kept,
    )


def end(
    ports: TenantPorts,
    row: TaskRow,
    how: TaskEnd,
    reason: str,
    *,
    cause: Cause,
    correlation: UUID,
) -> None:
    """End a task and let the plan go on; one that is over stays as it ended. Safe to repeat."""
    now = ports.clock.now()
    decide = partial(campaign.resolve_task, task_id=row.id, end=how, at=now)
    order(ports, row.contact_campaign_id, decide, cause=cause, correlation=correlation)
    if reason:
        ports.vault.keep_note(row.id, row.contact_id, REASON, reason)
