"""The dramatiq actors: each is rung with a tenant's name or nothing and finds its work in rows."""

from collections.abc import Callable

import dramatiq
import msgspec
from dramatiq import Actor, Broker

from domain.ids import TenantId

Batch = Callable[[TenantId], int]
"""Works on one batch of a tenant; the number of rows it took, 0 when nothing was due."""

TIME_LIMIT_MS = 60_000
ROUNDS_MAX = 200
"""Batches that one bell is good for; then others get their turn and the ticker rings again."""

QUEUES = ("wake", "send")


class Work(msgspec.Struct, frozen=True):
    """What each bell is for."""

    ingest: Batch
    dispatch: Batch
    timers: Batch


class Actors(msgspec.Struct, frozen=True):
    """The declared actors; their names are the kinds of bells."""

    ingest: Actor[[str], None]
    dispatch: Actor[[str], None]
    timers: Actor[[str], None]


def declare_actors(broker: Broker, work: Work) -> Actors:
    """Declare the actors on this broker: no retries, no delays, for the rows know what is due."""

    @dramatiq.actor(
        broker=broker,
        actor_name="ingest",
        queue_name="wake",
        max_retries=0,
        time_limit=TIME_LIMIT_MS,
    )
    def ingest(tenant: str) -> None:
        _until_empty(work.ingest, TenantId(tenant))

    @dramatiq.actor(
        broker=broker,
        actor_name="timers",
        queue_name="wake",
        max_retries=0,
        time_limit=TIME_LIMIT_MS,
    )
    def timers(tenant: str) -> None:
        _until_empty(work.timers, TenantId(tenant))

    @dramatiq.actor(
        broker=broker,
        actor_name="dispatch",
        queue_name="send",
        max_retries=0,
        time_limit=TIME_LIMIT_MS,
    )
    def dispatch(tenant: str) -> None:
        _until_empty(work.dispatch, TenantId(tenant))

    return Actors(ingest=ingest, dispatch=dispatch, timers=timers)


def _until_empty(batch: Batch, tenant: TenantId) -> None:
    for _ in range(ROUNDS_MAX):
        if not batch(tenant):
            return
