"""The dramatiq actors: each is rung with a tenant's name and finds its work in rows."""

from collections.abc import Callable, Mapping
from time import monotonic

import dramatiq
from dramatiq import Actor, Broker

from domain.ids import TenantId

Batch = Callable[[TenantId], int]
"""Works on one batch of a tenant; the number of rows it took, 0 when nothing was due."""

QUEUE_OF: Mapping[str, str] = {
    "ingest": "wake",
    "timers": "wake",
    "errands": "wake",
    "dispatch": "send",
}
"""Every kind of bell and the queue it is rung on; a kind is the name of its actor."""

TIME_LIMIT_MS = 60_000
ENOUGH_S = 15.0
"""After this no further batch is begun: the time limit would break into it and lose its answers."""
Stopwatch = Callable[[], float]
ROUNDS_MAX = 200
"""Batches that one bell is good for; then others get their turn and the ticker rings again."""


def declare_actors(
    broker: Broker, work: Mapping[str, Batch], *, stopwatch: Stopwatch = monotonic
) -> list[Actor[[str], None]]:
    """Declare an actor for each kind of bell: no retries, no delays, for rows know what is due."""
    return [
        dramatiq.actor(
            broker=broker,
            actor_name=kind,
            queue_name=queue,
            max_retries=0,
            time_limit=TIME_LIMIT_MS,
        )(_until_empty(work[kind], stopwatch))
        for kind, queue in QUEUE_OF.items()
    ]


def _until_empty(batch: Batch, stopwatch: Stopwatch) -> Callable[[str], None]:
    def work(tenant: str) -> None:
        began = stopwatch()
        for _ in range(ROUNDS_MAX):
            if not batch(TenantId(tenant)) or stopwatch() - began > ENOUGH_S:
                return

    return work
