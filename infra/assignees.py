"""Whom plans name for tasks, by a number at each task: plans need not be opened for a list.

Names are words of plans, which tasks do not hold. A task is written without its number, which is
looked up a moment later; until then lists look into its plan.
"""

from typing import LiteralString

from domain.ids import TenantId, schema_of
from infra.claims.errands import PLAN_THEN
from infra.statements import Statements, transaction
from infra.tenancy import Database

PART = 50
"""Tasks of one transaction: each opens a plan, some 50 us, and nobody should wait for its row."""
LONGEST = 200
"""Nobody can ask for a longer name, and an index takes none of any length."""

NAMED_BY_PLAN: LiteralString = f"""
(SELECT n ->> 'assignee'
   FROM {{s}}.streams x, {{s}}.plans p,
        jsonb_array_elements(convert_from(p.document, 'UTF8')::jsonb -> 'nodes') AS n
  WHERE x.stream_id = e.stream_id AND n ->> 'id' = e.node AND p.plan_hash = {PLAN_THEN})
"""  # noqa: S608  # constant texts
"""The name in the plan that was in force when task `e` was written; null where it names nobody."""


def look_up(database: Database, tenant: TenantId) -> int:
    """Give the next tasks their numbers; how many there were."""
    sql = Statements(schema_of(tenant))
    with database.tenant_tx(tenant) as curs:
        tx = transaction(curs)
        found = sql.rows(tx, _NEW, {"limit": PART})
        if found:
            ids, names = zip(*found, strict=True)
            short = [name if name and len(name) <= LONGEST else None for name in names]
            sql.run(tx, _NAMES, {"names": sorted({name for name in short if name is not None})})
            sql.run(tx, _NUMBERED, {"ids": list(ids), "names": short})
    return len(found)


NUMBER_OF: LiteralString = "(SELECT assignee_id FROM {s}.assignees WHERE name = %(assignee)s)"
"""The number of a name, in the statement that asks for its tasks: both are seen at one instant."""

_NEW: LiteralString = f"""
SELECT e.task_id, {NAMED_BY_PLAN}
  FROM {{s}}.tasks e WHERE e.assignee_id IS NULL LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""  # noqa: S608  # constant texts

# The numbers of names that are there are not drawn again.
_NAMES = """
INSERT INTO {s}.assignees (name)
SELECT name FROM unnest(%(names)s::text[]) AS u (name)
 WHERE NOT EXISTS (SELECT FROM {s}.assignees a WHERE a.name = u.name)
    ON CONFLICT (name) DO NOTHING
"""

_NUMBERED = """
UPDATE {s}.tasks t SET assignee_id = coalesce(a.assignee_id, 0)
  FROM unnest(%(ids)s::uuid[], %(names)s::text[]) AS u (id, name)
  LEFT JOIN {s}.assignees a ON a.name = u.name
 WHERE t.task_id = u.id
"""
