"""The sign of life that each process of a deployment gives: a row with the database's time."""

import logging
import os
from threading import Event, Thread
from types import TracebackType
from typing import Self

import psycopg

from infra.tenancy import Database

LOG = logging.getLogger("antiphon.heartbeat")
EVERY_S = 2.0

_BEAT = """
INSERT INTO control.heartbeats (name, role, beat_at, pid) VALUES (%s, %s, now(), %s)
ON CONFLICT (name) DO UPDATE SET role = excluded.role, beat_at = now(), pid = excluded.pid
"""


class Heartbeat:
    """Beats in a thread of its own inside a `with` block."""

    def __init__(self, database: Database, name: str, role: str) -> None:
        self._database = database
        self._row = (name, role, os.getpid())
        self._stop = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self.beat()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def beat(self) -> None:
        """Write the row once."""
        with self._database.control_tx() as curs:
            curs.execute(_BEAT, self._row)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                self.beat()
            except psycopg.Error as error:  # the database is away: others tell, we try again
                LOG.warning("no heartbeat: %s", type(error).__name__)
