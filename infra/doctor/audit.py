"""How far the signed checkpoints of a tenant's logs are, and who keeps them."""

from collections.abc import Iterator
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.audit import notes
from infra.audit.files import AuditFiles
from infra.audit.rows import LOGS
from infra.doctor.finding import Bounds, Finding, Word, judged

LATE = Bounds(warn=300, bad=3_600)
"""Real seconds; one is taken each minute in which there were facts."""
SELF_ATTESTED = "self-attested only"

_AGE = """
SELECT extract(epoch FROM now() - coalesce(
           (SELECT taken_at FROM {checkpoints} WHERE log = %(log)s ORDER BY size DESC LIMIT 1),
           (SELECT applied_at FROM {migrations} WHERE name = '0022_audit')))::float8,
       coalesce((SELECT max(notification_id) FROM {log}), 0),
       coalesce((SELECT max(position) FROM {checkpoints} WHERE log = %(log)s), 0)
"""
_SAME = "SELECT note FROM {checkpoints} WHERE log = %s AND size = %s"


def looks(
    connection: Connection[TupleRow], tenant: TenantId, files: AuditFiles
) -> Iterator[Finding]:
    """Everything about the evidence of one tenant."""
    yield _age(connection, tenant)
    yield _agree(connection, tenant, files)
    yield _kept(tenant, files)


def _age(connection: Connection[TupleRow], tenant: TenantId) -> Finding:
    """How long facts have been waiting for a checkpoint, at most: as old as the last one is."""
    ages = [0.0]
    for log in LOGS:
        row = connection.execute(_sql(_AGE, tenant, log), {"log": log}).fetchone()
        assert row is not None
        age_s, head, covered = row
        if head > covered:
            ages.append(float(age_s or 0))
    return judged(
        "audit checkpoints",
        max(ages),
        LATE,
        unit="s since the last one, with facts behind it",
        mend="is the ticker up, and may it write below ANTIPHON_HOME and ANTIPHON_AUDIT_COPY? "
        "see its log",
        tenant=tenant,
    )


def _agree(connection: Connection[TupleRow], tenant: TenantId, files: AuditFiles) -> Finding:
    """Whether the newest checkpoints outside are among those of the database."""
    strange = []
    for path in files.files(tenant):
        for log in LOGS:
            newest = files.newest(path, notes.origin_of(tenant, log))
            if newest is None:
                continue
            query = _sql(_SAME, tenant, log)
            row = connection.execute(query, (log, newest.size)).fetchone()
            if row is None or notes.read(row[0]).root != newest.root:
                strange.append(f"{log} in {path}")
    return judged(
        "audit agreement",
        len(strange),
        Bounds(warn=1, bad=1),
        unit="checkpoints outside that the database has not",
        seen=", ".join(strange),
        mend=f"the log was restored or changed: antiphon audit verify {tenant}, then "
        "docs/how-to/audit.md",
        tenant=tenant,
    )


def _kept(tenant: TenantId, files: AuditFiles) -> Finding:
    """No fault, but a word that whoever reads the rest must know."""
    mend = "set ANTIPHON_AUDIT_COPY to a directory that nobody who runs the database can rewrite"
    return Finding(
        name="audit copy",
        word=Word.OK,
        number=None,
        bound=None,
        unit="",
        seen=SELF_ATTESTED if files.self_attested else "checkpoints are kept elsewhere as well",
        mend=mend if files.self_attested else "",
        tenant=tenant,
    )


def _sql(text: LiteralString, tenant: TenantId, log: str) -> bytes:
    schema = schema_of(tenant)
    return (
        SQL(text)
        .format(
            log=Identifier(schema, log),
            checkpoints=Identifier(schema, "audit_checkpoints"),
            migrations=Identifier(schema, "migrations"),
        )
        .as_bytes(None)
    )
