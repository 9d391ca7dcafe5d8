"""The role of those who analyse a tenant: it reads the views named v_* and nothing else."""

from contextlib import suppress

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId
from infra.tenancy import analyst_of, role_of

_VIEWS = """
SELECT viewname FROM pg_views WHERE schemaname = %s AND viewname LIKE 'v\\_%%' ORDER BY viewname
"""
_RIGHTS = """
REVOKE ALL ON {view} FROM {role}, {analyst};
GRANT SELECT ON {view} TO {role}, {analyst}
"""


def grant_analyst(connection: Connection[TupleRow], schema: str) -> None:
    """Make the role where it is missing, and let it read the views as they are now.

    Views have the rights of their owner, so that nothing below them is granted. The tenant's own
    role loses the right to write through them.
    """
    views = [name for (name,) in connection.execute(_VIEWS, (schema,))]
    if not views:
        return
    tenant = TenantId(schema.removeprefix("t_"))
    role, analyst = Identifier(role_of(tenant)), Identifier(analyst_of(tenant))
    with suppress(psycopg.errors.DuplicateObject), connection.transaction():
        connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(analyst))
    connection.execute(SQL("GRANT USAGE ON SCHEMA {} TO {}").format(Identifier(schema), analyst))
    for name in views:
        view = Identifier(schema, name)
        connection.execute(SQL(_RIGHTS).format(view=view, role=role, analyst=analyst))
