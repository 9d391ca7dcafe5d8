"""A restored backup sends nothing again: outside of the database it is remembered how far it was.

The mark is the last place of a tenant's log and a digest of what stands there, so that a log which
was set back and has grown past its mark since is told as well. One file in the state directory has
the marks of every database that this directory was used with.
"""

import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from domain.ids import TenantId, schema_of
from infra.statements import Statements, transaction
from infra.tenancy import Database

LOG = logging.getLogger("antiphon.restore_guard")
FILE = "log_marks.json"


class Mark(msgspec.Struct, frozen=True):
    """How far a log was: its last position, and digests of the first fact and of that last one."""

    position: int
    last: str
    first: str


class Server(msgspec.Struct, frozen=True):
    """A server by its start, and a database of it by its own number."""

    began_at: datetime
    database: int


Marks = Mapping[str, Mark]
"""Marks by place: the cluster's own number, the database, the tenant."""
_EMPTY = Mark(0, "", "")
_READER = msgspec.json.Decoder(dict[str, Mark])


class RestoreGuard:
    """Tells for each tenant whether its log is a copy from before what was seen of it already."""

    def __init__(self, home: Path, database: Database) -> None:
        self._home = home
        self._database = database
        self._seen: dict[str, Mark] = {}
        self._told: dict[str, str] = {}

    def server(self) -> Server:
        """What we are connected to; another one where it was away meanwhile."""
        with self._database.control_tx() as curs:
            row = curs.execute(_SERVER).fetchone()
        assert row is not None
        return Server(*row)

    def look(self, tenant: TenantId) -> bool:
        """Whether the log was set back since it was last seen; if not, the mark goes forward."""
        marks = self._marks()  # before the log, which only grows: no mark of it can be ahead
        place, now = self._log(tenant)
        mark = marks.get(place) or _moved(marks, tenant, now)
        if self._set_back(tenant, now, mark):
            self._tell(
                place,
                f"the log of {tenant} was at {mark.position} and is not the same up to there: "
                "it was restored from a backup. Its sending waits until somebody confirms it",
            )
            return True
        if now != marks.get(place, _EMPTY):
            self._keep(place, now)
        return False

    def acknowledge(self, tenant: TenantId) -> bool:
        """Take the log as it is now for the right one; False where that cannot be kept."""
        place, now = self._log(tenant)
        return self._keep(place, now)

    def _set_back(self, tenant: TenantId, now: Mark, mark: Mark) -> bool:
        if now.position <= mark.position:
            return now != mark
        return mark.position > 0 and self._digest(tenant, mark.position) != mark.last

    # --- the log ----------------------------------------------------------------------------------

    def _log(self, tenant: TenantId) -> tuple[str, Mark]:
        with self._database.tenant_tx(tenant) as curs:
            found = Statements(schema_of(tenant)).rows(transaction(curs), _ENDS)
        cluster, name, position, last, first = found[0]
        place = f"{cluster}/{name}/{tenant}"
        return place, _EMPTY if position is None else Mark(position, last, first)

    def _digest(self, tenant: TenantId, position: int) -> str | None:
        with self._database.tenant_tx(tenant) as curs:
            params = {"position": position}
            found = Statements(schema_of(tenant)).rows(transaction(curs), _DIGEST, params)
        return found[0][0] if found else None

    # --- the file ---------------------------------------------------------------------------------

    def _marks(self) -> Marks:
        """Those of the file; where it has none, what this process saw itself."""
        try:
            kept = _READER.decode((self._home / FILE).read_bytes())
        except FileNotFoundError:
            kept = {}
        except (OSError, msgspec.DecodeError) as error:
            self._tell(FILE, f"the marks in {self._home / FILE} cannot be read: {error}")
            kept = {}
        return {**self._seen, **kept}

    def _keep(self, place: str, mark: Mark) -> bool:
        self._seen[place] = mark
        try:
            with self._alone():
                self._write({**self._marks(), place: mark})
        except OSError as error:
            self._tell(
                FILE,
                f"no mark can be kept in {self._home / FILE}: {error}. A backup that is "
                "restored now may send again what was sent since: make the directory writable",
            )
            return False
        for mended in (FILE, place):
            self._told.pop(mended, None)
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Other processes keep marks of other tenants in the same file."""
        directory = os.open(self._home, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)

    def _write(self, marks: Marks) -> None:
        fresh = self._home / f"{FILE}.new"
        with fresh.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(marks, order="sorted"), indent=1))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._home / FILE)

    def _tell(self, subject: str, what: str) -> None:
        """Once, not at every look."""
        if self._told.get(subject) != what:
            self._told[subject] = what
            LOG.error("%s", what)


def _moved(marks: Marks, tenant: TenantId, now: Mark) -> Mark:
    """How far the same log was in another database: a backup need not be restored in its place."""
    same = [
        mark
        for place, mark in marks.items()
        if place.endswith(f"/{tenant}") and mark.first == now.first
    ]
    return max(same, key=lambda mark: mark.position, default=_EMPTY)


_SERVER = """
SELECT pg_postmaster_start_time(), oid::bigint FROM pg_database WHERE datname = current_database()
"""

# By the index of the positions, two rows of it.
_ENDS = """
SELECT control.system_identifier::text, current_database(),
       latest.notification_id, latest.digest, earliest.digest
  FROM pg_control_system() AS control
  LEFT JOIN (SELECT notification_id, encode(sha256(state), 'hex') AS digest FROM {s}.events
              ORDER BY notification_id DESC LIMIT 1) AS latest ON true
  LEFT JOIN (SELECT encode(sha256(state), 'hex') AS digest FROM {s}.events
              ORDER BY notification_id LIMIT 1) AS earliest ON true
"""

_DIGEST = "SELECT encode(sha256(state), 'hex') FROM {s}.events WHERE notification_id = %(position)s"
