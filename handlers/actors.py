"""The dramatiq actors: each is rung with a tenant's name and finds its work in rows."""

from collections.abc import Callable, Mapping
from threading import Lock
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
ENOUGH_S = 5.0
"""After this no further batch is begun: the time limit would break into it and lose its answers."""
Stopwatch = Callable[[], float]
Answer = Callable[[str, TenantId], None]
"""Tells the bell of a kind and tenant that it was heard, before anything is looked at."""
ROUNDS_MAX = 200
"""Batches that one bell is good for; then others get their turn and the ticker rings again."""


class Turns:
    """One at a time of each kind for a tenant: two would only meet each other in the same streams.

    A bell that rings meanwhile is answered by the one whose turn it is.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._rung: dict[tuple[str, str], bool] = {}

    def take(self, kind: str, tenant: str) -> bool:
        """Whether it is our turn; otherwise the one whose turn it is has been told."""
        with self._lock:
            ours = (kind, tenant) not in self._rung
            self._rung[kind, tenant] = not ours
        return ours

    def leave(self, kind: str, tenant: str, *, listen: bool) -> bool:
        """End the turn, unless we listen and the bell rang meanwhile; whether it goes on."""
        with self._lock:
            rung = self._rung.pop((kind, tenant), False)
            if rung and listen:
                self._rung[kind, tenant] = False
        return rung and listen


def declare_actors(
    broker: Broker,
    work: Mapping[str, Batch],
    *,
    answer: Answer = lambda _kind, _tenant: None,
    stopwatch: Stopwatch = monotonic,
) -> list[Actor[[str], None]]:
    """Declare an actor for each kind of bell: no retries, no delays, for rows know what is due."""
    turns = Turns()
    return [
        dramatiq.actor(
            broker=broker,
            actor_name=kind,
            queue_name=queue,
            max_retries=0,
            time_limit=TIME_LIMIT_MS,
        )(_in_turn(kind, work[kind], turns, answer, stopwatch))
        for kind, queue in QUEUE_OF.items()
    ]


def _in_turn(
    kind: str, batch: Batch, turns: Turns, answer: Answer, stopwatch: Stopwatch
) -> Callable[[str], None]:
    def work(tenant: str) -> None:
        answer(kind, TenantId(tenant))
        if not turns.take(kind, tenant):
            return
        until, on = stopwatch() + ENOUGH_S, True
        try:
            while on:
                _until_empty(batch, tenant, until, stopwatch)
                on = turns.leave(kind, tenant, listen=stopwatch() <= until)
        except BaseException:
            turns.leave(kind, tenant, listen=False)
            raise

    return work


def _until_empty(batch: Batch, tenant: str, until: float, stopwatch: Stopwatch) -> None:
    for _ in range(ROUNDS_MAX):
        if not batch(TenantId(tenant)) or stopwatch() > until:
            return
