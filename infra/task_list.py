"""The tasks of a tenant as people look for them: by state, campaign and assignee."""

from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

from typing_extensions import override

from domain.ids import CampaignId, ContactId, ErrandId, StreamId, TenantId, schema_of
from handlers.errands.lists import TaskList, TaskRow, WantedTasks
from infra.assignees import NAMED_BY_PLAN, NUMBER_OF
from infra.claims.errands import PLAN_THEN
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database

START = datetime.min.replace(tzinfo=UTC), ErrandId(UUID(int=0))
"""Before every task."""


class SqlTaskList(TaskList):
    """Implements handlers.errands.lists.TaskList.

    A condition stands in a statement only where it is asked for, so that each has its index.
    """

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def page(self, wanted: WantedTasks) -> list[TaskRow]:
        """A place in an index names its first columns, too: no other index will do for it."""
        time, task_id = wanted.after or START
        params = {
            "state": wanted.state,
            "campaign": wanted.campaign,
            "assignee": wanted.assignee,
            "time": time,
            "id": task_id,
            "limit": wanted.limit,
        }
        narrowed: LiteralString = "e.state = %(state)s"
        columns: LiteralString = "e.state, e.due_at, e.task_id"
        place: LiteralString = "%(state)s, %(time)s, %(id)s"
        if wanted.campaign is not None:
            narrowed += " AND e.campaign_id = %(campaign)s"
        found: LiteralString = narrowed
        if wanted.assignee is not None:
            found += " AND e.assignee_id = " + NUMBER_OF
            columns, place = "e.assignee_id, " + columns, NUMBER_OF + ", " + place
        if wanted.campaign is not None:
            columns, place = "e.campaign_id, " + columns, "%(campaign)s, " + place
        text = _FIRST + found + " AND (" + columns + ") > (" + place + ")" + _ORDER
        if wanted.assignee is not None:
            text = "(" + text + ") UNION ALL (" + _FIRST + narrowed + _NOT_YET + _ORDER + ")"
        text = _SHOWN + "(" + text + ")" + _WITH_PLAN + _ORDER
        with self._database.tenant_tx(self._tenant) as curs:
            return [_task(row) for row in self._sql.listed(transaction(curs), text, params)]

    @override
    def one(self, task_id: ErrandId) -> TaskRow | None:
        text = _SHOWN + "{s}.tasks" + _WITH_PLAN + " WHERE e.task_id = %(id)s"
        with self._database.tenant_tx(self._tenant) as curs:
            found = self._sql.rows(transaction(curs), text, {"id": task_id})
        return _task(found[0]) if found else None


def _task(row: Row) -> TaskRow:
    return TaskRow(
        id=ErrandId(row[0]),
        contact_campaign_id=StreamId(row[1]),
        campaign_id=CampaignId(row[2]),
        contact_id=ContactId(row[3]),
        kind=row[4],
        node=row[5],
        visit=row[6],
        due_at=row[7],
        created_at=row[8],
        state=row[9],
        ended_at=row[10],
        plan_hash=row[11],
    )


_SHOWN: LiteralString = (
    """
SELECT e.task_id, e.stream_id, e.campaign_id, e.contact_id, e.kind, e.node, e.visit, e.due_at,
       e.created_at, e.state, e.ended_at, """
    + PLAN_THEN
    + """ AS plan_hash
  FROM """
)
_WITH_PLAN: LiteralString = " AS e JOIN {s}.streams x USING (stream_id)"
_FIRST: LiteralString = "SELECT * FROM {s}.tasks e WHERE "
_ORDER: LiteralString = " ORDER BY e.due_at, e.task_id LIMIT %(limit)s"

_NOT_YET: LiteralString = (
    """
   AND (e.due_at, e.task_id) > (%(time)s, %(id)s)
   AND e.assignee_id IS NULL AND %(assignee)s = """
    + NAMED_BY_PLAN
)
"""Tasks of the last second, whose number is not looked up yet."""
