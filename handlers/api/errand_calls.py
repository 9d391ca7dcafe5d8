"""What plans asked of people, and what people and programs report back."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from domain.ids import CampaignId, ErrandId, StreamId
from domain.taxonomy import TaskEnd
from handlers.api.calls import Call, Given, Page, Reason, no_controls
from handlers.api.journey_calls import ContactCampaignShown, one
from handlers.api.paging import Listed, listed, place_of
from handlers.contacts import SmallObject
from handlers.errands import tasks
from handlers.errands.lists import NoticeRow, WantedNotices, WantedTasks
from handlers.errands.reporting import Told, report
from handlers.errands.tasks import TaskShown
from handlers.errors import Fault, NotAcceptable, NotHere

SKEW = timedelta(minutes=5)
"""How far the clock of whoever reports may be from ours."""
FIRST_YEAR = 2000

TaskState = Literal["open", "done", "skipped", "withdrawn"]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(no_controls)]


class WhichTasks(Page):
    """Which tasks to list; `assignee` as it is written in the plan."""

    state: TaskState = "open"
    campaign: UUID | None = None
    assignee: Name | None = None


class WhichNotices(Page):
    """Which notices to list, newest first; `recipient` as it is written in the plan."""

    recipient: Name | None = None
    unread: bool = False


def _instant(at: datetime) -> datetime:
    if at.year < FIRST_YEAR:
        raise ValueError(f"must not be before {FIRST_YEAR}")
    return at.astimezone(UTC)


class NewSignal(Given):
    """A goal that was reached, or an event of your own; `data` is kept in the vault."""

    kind: str = Field(pattern=r"^(meeting_booked|x_[a-z0-9_]{1,40})$")
    occurred_at: Annotated[AwareDatetime, AfterValidator(_instant)]
    data: SmallObject | None = None


def task_page(call: Call) -> Listed[TaskShown]:
    """Tasks in the order in which they are due."""
    query: WhichTasks = call.query
    after = place_of(query.cursor, tuple[datetime, UUID])
    wanted = WantedTasks(
        state=query.state,
        campaign=None if query.campaign is None else CampaignId(query.campaign),
        assignee=query.assignee,
        after=None if after is None else (after[0], ErrandId(after[1])),
        limit=query.limit + 1,
    )
    page = listed(call.tenant.tasks.page(wanted), query.limit, lambda row: (row.due_at, row.id))
    return Listed(tasks.shown(call.tenant.ports, page.items), page.next_cursor)


def do_done(call: Call) -> TaskShown:
    """The person did it: the plan goes on. Safe to repeat."""
    return _ended(call, TaskEnd.DONE)


def do_skip(call: Call) -> TaskShown:
    """The person will not do it: the plan goes on. Safe to repeat."""
    return _ended(call, TaskEnd.SKIPPED)


def notice_page(call: Call) -> Listed[NoticeRow]:
    """What people were told, newest first."""
    query: WhichNotices = call.query
    before = place_of(query.cursor, tuple[datetime, UUID])
    wanted = WantedNotices(
        recipient=query.recipient,
        unread=query.unread,
        before=None if before is None else (before[0], ErrandId(before[1])),
        limit=query.limit + 1,
    )
    rows = call.tenant.notices.page(wanted)
    return listed(rows, query.limit, lambda row: (row.created_at, row.id))


def do_read(call: Call) -> NoticeRow:
    """Mark a notice as read; the first time stays. Safe to repeat."""
    found = call.tenant.notices.mark_read(ErrandId(call.id), call.services.clock.now())
    if found is None:
        raise NotHere("no notice has this id")
    return found


def signal(call: Call) -> ContactCampaignShown:
    """Record a signal and follow the plan. Safe to repeat: a kind and an instant are one report."""
    given: NewSignal = call.body
    begun = one(call).started_at
    if given.occurred_at > call.services.clock.now() + SKEW:
        fault = Fault("/occurred_at", "future", "must not be in the future")
        raise NotAcceptable("the body cannot be taken", [fault])
    if begun is not None and given.occurred_at < begun - SKEW:
        fault = Fault("/occurred_at", "past", "must not be before the contact-campaign began")
        raise NotAcceptable("the body cannot be taken", [fault])
    report(
        call.tenant.ports,
        StreamId(call.id),
        Told(given.kind, given.occurred_at, given.data),
        cause=call.cause,
        correlation=call.request_id,
    )
    call.ring()
    return one(call)


def _ended(call: Call, how: TaskEnd) -> TaskShown:
    given: Reason = call.body
    row = call.tenant.tasks.one(ErrandId(call.id))
    if row is None:
        raise NotHere("no task has this id")
    ports = call.tenant.ports
    tasks.end(ports, row, how, given.reason, cause=call.order, correlation=call.request_id)
    call.ring()
    after = call.tenant.tasks.one(row.id)
    (shown,) = tasks.shown(ports, [after or row])
    return shown
