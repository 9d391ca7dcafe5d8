"""The limit and the emergency stop of the whole installation: rows of the control schema."""

from datetime import datetime
from typing import Any

from psycopg import Cursor
from typing_extensions import override

from domain.limits import Counter, counter, frees_at, needless_before
from domain.taxonomy import CapName
from handlers.ports.limits import GlobalShare, Reserved
from infra.tenancy import Database


class SqlGlobalShare(GlobalShare):
    """Implements handlers.ports.limits.GlobalShare; the row of the limit is what all wait for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def is_paused(self) -> bool:
        with self._database.control_tx() as curs:
            row = curs.execute("SELECT paused FROM control.sending").fetchone()
        return row is None or bool(row[0])

    @override
    def reserve(self, wanted: int, now: datetime) -> Reserved:
        counted = counter(CapName.GLOBAL_HOUR, "", now)
        with self._database.control_tx() as curs:
            paused, limit = _limit(curs)
            used, oldest = _used(curs, counted)
            left = 0 if paused else max(0, limit - used)
            granted = max(0, min(wanted, left))
            if granted:
                curs.execute(_TAKE, (counted.bucket, granted))
        full = not paused and granted < wanted
        return Reserved(
            granted=granted,
            used=used,
            limit=limit,
            paused=paused,
            frees_at=frees_at(counted, oldest) if full else None,
            bucket=counted.bucket,
        )

    @override
    def give_back(self, reserved: Reserved, unused: int) -> None:
        unused = min(unused, reserved.granted)
        if unused > 0:
            with self._database.control_tx() as curs:
                curs.execute(_GIVE_BACK, (unused, reserved.bucket))

    @override
    def drop_old(self, now: datetime) -> int:
        with self._database.control_tx() as curs:
            curs.execute(_DROP_OLD, (needless_before(CapName.GLOBAL_HOUR, now),))
            return curs.rowcount


def _limit(curs: Cursor[Any]) -> tuple[bool, int]:
    """Wait for our turn; where somebody took the row away, nothing may be sent."""
    row = curs.execute(_TURN).fetchone()
    return (bool(row[0]), int(row[1])) if row is not None else (True, 0)


def _used(curs: Cursor[Any], counted: Counter) -> tuple[int, datetime | None]:
    row = curs.execute(_USED, (counted.since,)).fetchone()
    assert row is not None
    return int(row[0]), row[1]


_TURN = "SELECT paused, hour_max FROM control.sending FOR UPDATE"
_USED = """
SELECT coalesce(sum(used), 0), min(bucket) FROM control.usage WHERE bucket >= %s AND used > 0
"""
_TAKE = """
INSERT INTO control.usage AS u (bucket, used) VALUES (%s, %s)
ON CONFLICT (bucket) DO UPDATE SET used = u.used + excluded.used
"""
_GIVE_BACK = "UPDATE control.usage SET used = greatest(0, used - %s) WHERE bucket = %s"
_DROP_OLD = "DELETE FROM control.usage WHERE bucket < %s"
