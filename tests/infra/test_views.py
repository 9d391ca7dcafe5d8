"""What analysts may read: the views, with what the page says of them, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from docs.views import VIEWS_PAGE, described, page
from domain.ids import TenantId, schema_of
from infra.migrations.run import create_tenant, migrate
from infra.tenancy import Database, analyst_of

pytestmark = pytest.mark.postgres

VIEWS = {
    "v_contact_campaigns",
    "v_messages",
    "v_activity",
    "v_campaign_daily",
    "v_variant_results",
    "v_sender_daily",
}
# What an extension of the server shows to everybody is not ours to take away.
REACHED = """
SELECT n.nspname || '.' || c.relname, string_agg(p.name, ' ' ORDER BY p.name)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES',
                         'TRIGGER']) AS p (name)
 WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname !~ '^(pg_|information_schema)'
   AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = c.oid AND e.deptype = 'e')
   AND has_schema_privilege(%(role)s, n.oid, 'USAGE')
   AND has_table_privilege(%(role)s, c.oid, p.name)
 GROUP BY 1
"""
COLUMNS = """
SELECT c.relname, coalesce(a.attname, ''), format_type(a.atttypid, a.atttypmod),
       coalesce(d.description, '')
  FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
  LEFT JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = coalesce(a.attnum, 0)
 WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'v'
"""


@contextmanager
def analyst(database: Database, tenant: TenantId) -> Iterator[Connection[TupleRow]]:
    with database.direct() as connection:
        connection.execute(SQL("SET ROLE {}").format(Identifier(analyst_of(tenant))))
        yield connection


def test_an_analyst_can_read_the_views_and_nothing_else(
    database: Database, new_tenant: Callable[[], TenantId]
) -> None:
    tenant, _ = new_tenant(), new_tenant()
    with database.direct() as connection:
        reached = dict(connection.execute(REACHED, {"role": analyst_of(tenant)}).fetchall())
        makes = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(%s, oid, 'CREATE')"
            " AND nspname !~ '^pg_'",
            (analyst_of(tenant),),
        ).fetchall()
    assert reached == {f"{schema_of(tenant)}.{view}": "SELECT" for view in VIEWS}
    assert makes == []


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_an_analyst_reads_each_view(database: Database, tenant: TenantId, view: str) -> None:
    with analyst(database, tenant) as connection:
        query = SQL("SELECT * FROM {}").format(Identifier(schema_of(tenant), view))
        assert connection.execute(query).fetchall() == []


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE {s}.v_contact_campaigns SET status = 'active'",
        "DELETE FROM {s}.v_activity",
        "INSERT INTO {s}.v_activity (position) VALUES (1)",
        "TRUNCATE {s}.activity_feed",
        "CREATE TABLE {s}.mine (id integer)",
        "CREATE VIEW {s}.v_mine AS SELECT 1",
        "DROP VIEW {s}.v_messages",
        "WITH gone AS (DELETE FROM {s}.v_activity RETURNING 1) SELECT * FROM gone",
        "SELECT count(*) FROM {s}.v_messages FOR UPDATE OF v_messages",
        "SELECT email FROM {s}.contacts",
        "SELECT state FROM {s}.events",
        "SELECT * FROM {s}.send_queue",
        "SELECT * FROM control.tenants",
    ],
)
def test_what_writes_or_reads_beside_the_views_is_refused(
    database: Database, tenant: TenantId, text: str
) -> None:
    refusals = (
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.FeatureNotSupported,
        psycopg.errors.ObjectNotInPrerequisiteState,
    )
    with analyst(database, tenant) as connection, pytest.raises(refusals):
        connection.execute(text.format(s=schema_of(tenant)).encode())


def test_the_page_says_of_each_column_what_the_catalogue_says(
    database: Database, tenant: TenantId
) -> None:
    with database.direct() as connection:
        found = connection.execute(COLUMNS, (f'"{schema_of(tenant)}"',)).fetchall()
    told = {(view, column): text for view, column, text in described()}
    columns = {(view, column): text for view, column, _, text in found}
    assert {view for view, *_ in found} == VIEWS
    assert {key: text for key, text in told.items() if key[1]} == columns
    assert all(columns.values()), "every column has words"
    assert all(text in page() for (_, column), text in told.items() if column)
    assert VIEWS_PAGE.read_text("utf-8") == page()


def test_times_are_instants_and_days_are_dates_of_utc(database: Database, tenant: TenantId) -> None:
    with database.direct() as connection:
        found = connection.execute(COLUMNS, (f'"{schema_of(tenant)}"',)).fetchall()
    kinds = {column: kind for _, column, kind, _ in found}
    instants = {name for name in kinds if name == "at" or name.endswith("_at")}
    assert {kinds[name] for name in instants} == {"timestamp with time zone"}
    assert {kinds[name] for name in kinds if "day" in name} == {"date"}


def test_no_view_reads_what_is_personal(database: Database, tenant: TenantId) -> None:
    uses = """
    SELECT DISTINCT t.relname, a.attname FROM pg_depend d
      JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
      JOIN pg_class t ON t.oid = d.refobjid
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
     WHERE v.relnamespace = %s::regnamespace AND v.relkind = 'v' AND t.oid <> v.oid
    """
    with database.direct() as connection:
        found = connection.execute(uses, (f'"{schema_of(tenant)}"',)).fetchall()
    tables = {table for table, _ in found}
    assert tables == {
        "contact_campaigns",
        "send_queue",
        "activity_feed",
        "metrics_daily",
        "campaigns",
    }
    assert {column for table, column in found if table == "campaigns"} <= {"campaign_id", "name"}
    assert not {"provider_id", "body_mac", "dedupe_key"} & {
        column for table, column in found if table == "send_queue"
    }


def test_a_tenant_that_was_there_before_gets_views_and_role(
    database: Database, tenant: TenantId
) -> None:
    schema, role = schema_of(tenant), Identifier(analyst_of(tenant))
    with database.direct() as connection:
        for view in VIEWS:
            connection.execute(SQL("DROP VIEW {}").format(Identifier(schema, view)))
        connection.execute(SQL("DROP OWNED BY {}").format(role))
        connection.execute(SQL("DROP ROLE {}").format(role))
        connection.execute(
            SQL("DELETE FROM {} WHERE name = '0023_views'").format(Identifier(schema, "migrations"))
        )
    migrate(database)
    with analyst(database, tenant) as connection:
        query = SQL("SELECT * FROM {}").format(Identifier(schema, "v_messages"))
        assert connection.execute(query).fetchall() == []
    assert not create_tenant(database, tenant, tag="again")
