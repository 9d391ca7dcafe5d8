"""The tasks of a tenant as people look for them: by state, campaign and assignee."""

from typing import Any, LiteralString

from typing_extensions import override

from domain.ids import CampaignId, ContactId, ErrandId, StreamId, TenantId, schema_of
from handlers.errands.lists import TaskList, TaskRow, WantedTasks
from infra.claims.errands import PLAN_THEN
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database


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
        text: LiteralString = _TASKS + " WHERE e.state = %(state)s"
        if wanted.campaign is not None:
            text += " AND e.campaign_id = %(campaign)s"
        if wanted.assignee is not None:
            text += _ASSIGNED
        if wanted.after is not None:
            text += " AND (e.due_at, e.task_id) > (%(time)s, %(id)s)"
        time, task_id = wanted.after or (None, None)
        params = {
            "state": wanted.state,
            "campaign": wanted.campaign,
            "assignee": wanted.assignee,
            "time": time,
            "id": task_id,
            "limit": wanted.limit,
        }
        return self._rows(text + " ORDER BY e.due_at, e.task_id LIMIT %(limit)s", params)

    @override
    def one(self, task_id: ErrandId) -> TaskRow | None:
        found = self._rows(_TASKS + " WHERE e.task_id = %(id)s", {"id": task_id})
        return found[0] if found else None

    def _rows(self, text: LiteralString, params: dict[str, Any]) -> list[TaskRow]:
        with self._database.tenant_tx(self._tenant) as curs:
            return [_task(row) for row in self._sql.rows(transaction(curs), text, params)]


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


_TASKS: LiteralString = (
    """
SELECT e.task_id, e.stream_id, e.campaign_id, e.contact_id, e.kind, e.node, e.visit, e.due_at,
       e.created_at, e.state, e.ended_at, """
    + PLAN_THEN
    + """ AS plan_hash
  FROM {s}.tasks e JOIN {s}.streams x USING (stream_id)"""
)

_ASSIGNED: LiteralString = (
    """
   AND EXISTS (SELECT FROM {s}.plans p, jsonb_array_elements(
                      convert_from(p.document, 'UTF8')::jsonb -> 'nodes') AS n
                WHERE p.plan_hash = """
    + PLAN_THEN
    + """
                  AND n ->> 'id' = e.node AND n ->> 'assignee' = %(assignee)s)"""
)
