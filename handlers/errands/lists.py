"""What people look at: their tasks, and what they were told."""

from datetime import datetime
from typing import Protocol

import msgspec

from domain.ids import CampaignId, ContactId, ErrandId, StreamId
from handlers.ports import Notices


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """A task; its words are in the plan that asked for it, at its node."""

    id: ErrandId
    contact_campaign_id: StreamId
    campaign_id: CampaignId
    contact_id: ContactId
    kind: str
    node: str
    visit: int
    due_at: datetime
    created_at: datetime
    state: str
    ended_at: datetime | None
    plan_hash: str


class WantedTasks(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks are asked for; `after` is the place of the last one that was shown."""

    state: str
    campaign: CampaignId | None = None
    assignee: str | None = None
    after: tuple[datetime, ErrandId] | None = None
    limit: int


class TaskList(Protocol):
    """The tasks of one tenant."""

    def page(self, wanted: WantedTasks) -> list[TaskRow]:
        """Tasks in the order in which they are due."""
        ...

    def one(self, task_id: ErrandId) -> TaskRow | None: ...


class NoticeRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a person was told about a contact."""

    id: ErrandId
    contact_campaign_id: StreamId
    contact_id: ContactId
    recipient: str
    text: str
    created_at: datetime
    read_at: datetime | None


class WantedNotices(msgspec.Struct, frozen=True, kw_only=True):
    """Which notices are asked for; `before` is the place of the last one that was shown."""

    recipient: str | None = None
    unread: bool = False
    before: tuple[datetime, ErrandId] | None = None
    limit: int


class NoticeList(Notices, Protocol):
    """The notices of one tenant, to be read."""

    def page(self, wanted: WantedNotices) -> list[NoticeRow]:
        """Notices, newest first."""
        ...

    def mark_read(self, notice_id: ErrandId, at: datetime) -> NoticeRow | None:
        """Say that a notice was read, if it was not yet; None when there is no such notice."""
        ...
