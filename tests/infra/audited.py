"""A tenant's log with checkpoints outside of it, for those who attack it and are found out."""

from collections.abc import Sequence
from pathlib import Path
from random import Random  # noqa: TID251  # seeded: a log is the same for the same seed
from typing import Any, LiteralString, Self
from uuid import UUID

from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.audit import notes
from infra.audit.checkpoints import Checkpoints
from infra.audit.files import AuditFiles
from infra.audit.rows import LOGS
from infra.audit.verify import Verified, verify
from infra.recorder import recorder_of, stored
from infra.tenancy import Database


class Audited:
    """A tenant whose logs are filled by hand and checkpointed."""

    def __init__(self, database: Database, tenant: TenantId, home: Path) -> None:
        self.database = database
        self.tenant = tenant
        self.files = AuditFiles(home, home / "copy")
        self.checkpoints = Checkpoints(database, tenant, self.files)
        self._versions: dict[tuple[str, UUID], int] = {}
        self._owner = database.direct()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._owner.close()

    def fill(self, chance: Random, streams: int, facts: int, log: str = "events") -> None:
        """Appends of one to five facts, to some of so many streams."""
        recorder = recorder_of(self.database, self.tenant, log)
        left = facts
        while left > 0:
            count = min(left, chance.randrange(1, 6))
            left -= count
            events = []
            for _ in range(count):
                stream = UUID(int=chance.randrange(1, streams + 1))
                version = self._versions[log, stream] = self._versions.get((log, stream), 0) + 1
                body = b'{"f":{"n":%d}}' % chance.randrange(10**9)
                events.append(stored(stream, version, f"topic_{chance.randrange(4)}", body))
            with self.database.tenant_tx(self.tenant) as curs:
                recorder.append(curs, events)

    def verify(self, log: str = "events") -> Verified:
        """As `antiphon audit verify` does with the files of this installation."""
        known = [
            note
            for path in self.files.files(self.tenant)
            for note in notes.split(path.read_text(encoding="utf-8"))[0]
        ]
        return verify(self.database, self.tenant, log, known, self.files.public_keys())

    def broken(self) -> int:
        """What is found in all logs together."""
        return sum(self.verify(log).broken for log in LOGS)

    def sql(self, text: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Done by somebody with all rights to the database."""
        statement = SQL(text).format(s=Identifier(schema_of(self.tenant)))
        curs = self._owner.execute(statement, values or None)
        return curs.fetchall() if curs.description else []

    def rows(self) -> Sequence[tuple[Any, ...]]:
        """The log in its order."""
        return self.sql(
            "SELECT originator_id, originator_version, notification_id, topic, state, chain "
            "FROM {s}.events ORDER BY notification_id"
        )
