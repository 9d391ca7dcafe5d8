"""Whether a process is up: it answers, or it gave a sign of life."""

import urllib.error
import urllib.request
from http import HTTPStatus

from infra.tenancy import Database

ALIVE_S = 10


def answers(url: str) -> bool:
    """Whether a local address answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # an address of ours
            return bool(answer.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


def beats(database: Database, name: str) -> bool:
    """Whether a process gave a sign of life within the last seconds."""
    with database.control_tx() as curs:
        curs.execute(
            "SELECT 1 FROM control.heartbeats WHERE name = %s"
            " AND beat_at > now() - make_interval(secs => %s)",
            (name, ALIVE_S),
        )
        return curs.fetchone() is not None
