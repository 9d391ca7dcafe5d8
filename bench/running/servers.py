"""Fresh servers of a benchmark, and what they have used: processor time, disk, log of changes."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import psycopg

from bench.measuring import family_cpu_s
from infra.demo.stage import command
from infra.embedded.home import Home
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.servers import ServerUrls, running_servers

STOP_S = 20.0
_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relkind IN ('r', 'p')
"""


class Bed(NamedTuple):
    """Servers that nobody else uses, with their home."""

    home: str
    urls: ServerUrls

    def server_cpu_s(self) -> float:
        """The processor time that PostgreSQL has used, over all its processes."""
        pid = EmbeddedPostgres(Home(self.home)).running_pid()
        assert pid is not None
        return family_cpu_s(pid)

    def disk_bytes(self, schema: str) -> int:
        """All tables of a schema with their indexes."""
        with psycopg.connect(self.urls.database_url) as connection:
            row = connection.execute(_SIZE, (schema,)).fetchone()
        assert row is not None
        return int(row[0])

    def wal_bytes(self) -> int:
        """How much PostgreSQL has written to its log of changes since it began."""
        with psycopg.connect(self.urls.database_url) as connection:
            row = connection.execute(
                "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
            ).fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def fresh_servers() -> Iterator[Bed]:
    """PostgreSQL and Valkey with nothing in them, as durable as any installation of ours."""
    with (
        tempfile.TemporaryDirectory(prefix="bench", ignore_cleanup_errors=True) as home,
        running_servers(home) as urls,
    ):
        _require_durable(urls)
        yield Bed(home, urls)


def _require_durable(urls: ServerUrls) -> None:
    with psycopg.connect(urls.database_url) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
            assert row == ("on",), f"{setting} must be on in a benchmark"


@contextmanager
def role(environment: Mapping[str, str], *arguments: str) -> Iterator[int]:
    """A process of ours as `antiphon up` starts it, inside the block; its id."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ANTIPHON_")}
    process = subprocess.Popen(  # noqa: S603  # our own command
        command(arguments),
        env=kept | dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # ours is for the figures alone
    )
    try:
        yield process.pid
        assert process.poll() is None, f"{arguments[0]} ended by itself"
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
