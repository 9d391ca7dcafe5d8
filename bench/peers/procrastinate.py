"""Procrastinate: a job a step, on PostgreSQL, deferred in batches, worked by one async worker.

    python -m venv PLACE/procrastinate
    PLACE/procrastinate/bin/pip install procrastinate 'psycopg[binary,pool]'

A job queue keeps no state of a contact, so a table of journeys stands beside it, as an application
would have it. A first mail is a job that claims the row, calls and notes the answer; the wait is a
job that is scheduled in two days; a click is a job that moves the row and defers the second mail.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from time import perf_counter

from procrastinate import App, PsycopgConnector  # type: ignore[import-not-found]  # see above
from psycopg_pool import AsyncConnectionPool

BATCH = 200
CONCURRENCY = 16
"""Jobs at once; more gave no more on two cores."""
TABLE = """
CREATE TABLE journeys (contact bigint PRIMARY KEY, node text NOT NULL, state text NOT NULL,
                       provider_id text, changed_at timestamptz NOT NULL DEFAULT now())
"""


class Peer:
    """The application, its jobs and its table."""

    def __init__(self, url: str) -> None:
        self._pool = AsyncConnectionPool(
            url, min_size=4, max_size=CONCURRENCY, open=False, kwargs={"autocommit": True}
        )
        self.app = App(connector=PsycopgConnector(conninfo=url, max_size=CONCURRENCY + 4))
        self.first = self.app.task(name="first")(self._first)
        self.silent = self.app.task(name="silent")(self._silent)
        self.click = self.app.task(name="click")(self._click)
        self.second = self.app.task(name="second", queue="later")(self._silent)

    async def run(self, contacts: int) -> dict[str, float]:
        """Rates of both halves."""
        async with self._pool, self.app.open_async():
            await self.app.schema_manager.apply_schema_async()
            await self._write(TABLE)
            await self._half(range(-50, 0), self.first, "enrolled")  # warm
            sent_s = await self._half(range(contacts), self.first, "enrolled")
            assert await self._count("hello", "accepted") == contacts + 50
            heard_s = await self._half(range(contacts // 2), self.click, "")
            assert await self._count("again", "planned") == contacts // 2
        return {
            "enrol_to_first_send_per_s": contacts / sent_s,
            "signals_per_s": contacts // 2 / heard_s,
        }

    async def _half(self, contacts: range, task: object, state: str) -> float:
        """Seconds for a job of each contact, from its submission to its end."""
        began = perf_counter()
        for start in range(contacts.start, contacts.stop, BATCH):
            part = list(range(start, min(start + BATCH, contacts.stop)))
            if state:
                await self._write(
                    "INSERT INTO journeys SELECT c, 'hello', %s FROM unnest(%s::bigint[]) c",
                    state,
                    part,
                )
            await task.batch_defer_async(*({"contact": one} for one in part))  # type: ignore[attr-defined]  # a task
        await self.app.run_worker_async(
            queues=["default"], concurrency=CONCURRENCY, wait=False, delete_jobs="never"
        )
        return perf_counter() - began

    async def _first(self, contact: int) -> None:
        await self._write("UPDATE journeys SET state = 'sending' WHERE contact = %s", contact)
        answer = f"p-{contact}"  # a provider that takes all
        await self._write(
            "UPDATE journeys SET state = 'accepted', provider_id = %s WHERE contact = %s",
            answer,
            contact,
        )
        at = datetime(2026, 9, 9, tzinfo=UTC) + timedelta(days=3650)
        await self.silent.configure(schedule_at=at, queue="later").defer_async(contact=contact)

    async def _silent(self, contact: int) -> None:
        await self._write("UPDATE journeys SET node = 'again' WHERE contact = %s", contact)

    async def _click(self, contact: int) -> None:
        await self._write(
            "UPDATE journeys SET node = 'again', state = 'planned'"
            " WHERE contact = %s AND node = 'hello'",
            contact,
        )
        at = datetime(2026, 9, 9, tzinfo=UTC) + timedelta(days=3650)
        await self.second.configure(schedule_at=at).defer_async(contact=contact)

    async def _write(self, text: str, *values: object) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(text, values)

    async def _count(self, node: str, state: str) -> int:
        async with self._pool.connection() as connection:
            found = await connection.execute(
                "SELECT count(*) FROM journeys WHERE node = %s AND state = %s", (node, state)
            )
            row = await found.fetchone()
        assert row is not None
        return int(row[0])


def main(url: str, contacts: int) -> dict[str, dict[str, float]]:
    """Rates by measure."""
    found = asyncio.run(Peer(url).run(contacts))
    return {measure: {"procrastinate": value} for measure, value in found.items()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
