"""DBOS: one durable workflow a contact, which sends, waits for a click, and plans the next mail.

    python -m venv PLACE/dbos
    PLACE/dbos/bin/pip install dbos 'psycopg[binary]'

Async workflows, as its documentation advises for many that wait; each call and each plan is a step,
whose result is in PostgreSQL before the workflow goes on. Clicks are sent in bulk.
"""

import asyncio
import json
import sys
from time import perf_counter

from dbos import (  # type: ignore[import-not-found]  # see above
    DBOS,
    DBOSConfig,
    SendMessage,
    SetWorkflowID,
)

IN_FLIGHT = 64
"""Workflows that are started at once."""
BATCH = 200
SILENCE_S = 2 * 86_400
TOPIC = "click"


class Progress:
    """How many came how far, known in this process once it is stored."""

    def __init__(self) -> None:
        self.sent = 0
        self.moved = 0


PROGRESS = Progress()


@DBOS.step()  # type: ignore[untyped-decorator]  # see above
async def send(contact: int) -> str:
    """A provider that takes all."""
    return f"p-{contact}"


@DBOS.step()  # type: ignore[untyped-decorator]  # see above
async def plan_next(contact: int, told: str | None) -> str:
    """What comes after a click, or after silence."""
    return f"again-{contact}-{told}"


@DBOS.workflow()  # type: ignore[untyped-decorator]  # see above
async def journey(contact: int) -> str:
    """The first half of a journey."""
    await send(contact)
    PROGRESS.sent += 1
    told = await DBOS.recv_async(TOPIC, timeout_seconds=SILENCE_S)
    planned: str = await plan_next(contact, told)
    PROGRESS.moved += 1
    return planned


async def _start(contact: int, gate: asyncio.Semaphore) -> None:
    async with gate:
        with SetWorkflowID(f"journey-{contact}"):
            await DBOS.start_workflow_async(journey, contact)


async def _until(reached: int, what: str) -> None:
    while getattr(PROGRESS, what) < reached:  # noqa: ASYNC110  # a counter of many workflows
        await asyncio.sleep(0.005)


async def _halves(first: int, last: int) -> tuple[float, float]:
    """Seconds until all have their first mail, and until half of them are planned the next."""
    gate = asyncio.Semaphore(IN_FLIGHT)
    sent, moved, half = PROGRESS.sent, PROGRESS.moved, (last - first) // 2
    began = perf_counter()
    await asyncio.gather(*(_start(contact, gate) for contact in range(first, last)))
    await _until(sent + last - first, "sent")
    waiting = perf_counter()
    for start in range(first, first + half, BATCH):
        numbers = range(start, min(start + BATCH, first + half))
        clicks = [SendMessage(f"journey-{contact}", "click", TOPIC) for contact in numbers]
        await DBOS.send_bulk_async(clicks)
    await _until(moved + half, "moved")
    return waiting - began, perf_counter() - waiting


async def _run(contacts: int) -> dict[str, float]:
    await _halves(-20, 0)  # warm
    sent_s, heard_s = await _halves(0, contacts)
    assert PROGRESS.sent == contacts + 20
    return {
        "enrol_to_first_send_per_s": contacts / sent_s,
        "signals_per_s": contacts // 2 / heard_s,
    }


def main(url: str, contacts: int) -> dict[str, dict[str, float]]:
    """Rates by measure."""
    config: DBOSConfig = {"name": "journeys", "system_database_url": url, "log_level": "ERROR"}
    DBOS(config=config)
    DBOS.launch()
    try:
        found = asyncio.run(_run(contacts))
    finally:
        DBOS.destroy(workflow_completion_timeout_sec=0)
    return {measure: {"dbos": value} for measure, value in found.items()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
