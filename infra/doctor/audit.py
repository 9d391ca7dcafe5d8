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

BEHIND = Bounds(warn=20_000, bad=1_000_000)
"""Twice what does not wait for the minute; a long log of a release before takes a while."""
SELF_ATTESTED = "self-attested only"

_BEHIND = """
SELECT coalesce((SELECT max(notification_id) FROM {log}), 0)
     - coalesce((SELECT position FROM {checkpoints} WHERE log = %s ORDER BY size DESC LIMIT 1), 0)
"""
_SAME = "SELECT note FROM {checkpoints} WHERE log = %s AND size = %s"


def looks(
    connection: Connection[TupleRow], tenant: TenantId, files: AuditFiles
) -> Iterator[Finding]:
    """Everything about the evidence of one tenant."""
    yield _behind(connection, tenant)
    yield _agree(connection, tenant, files)
    yield _kept(tenant, files)


def _behind(connection: Connection[TupleRow], tenant: TenantId) -> Finding:
    behind = 0
    for log in LOGS:
        row = connection.execute(_sql(_BEHIND, tenant, log), (log,)).fetchone()
        behind += 0 if row is None else int(row[0])
    return judged(
        "audit checkpoints",
        behind,
        BEHIND,
        unit="facts without one",
        mend="is the ticker up, and may it write below ANTIPHON_HOME? see its log",
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
        )
        .as_bytes(None)
    )
