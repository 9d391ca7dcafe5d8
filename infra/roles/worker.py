"""The worker process: dramatiq actors in threads, rung by the doorbell."""

import os

from dramatiq import Worker

from handlers.actors import declare_actors
from infra.bootstrap import opened
from infra.erased_again import replay_erasures
from infra.heap import settle_heap
from infra.heartbeat import Heartbeat
from infra.roles.signals import stop_requested
from infra.settings import Settings
from infra.work import Work

POLL_MS = 25
"""How often an idle queue is looked at: the library's second would make every step slow."""
PREFETCH_PER_THREAD = 2
STOP_TIMEOUT_MS = 15_000


def run(settings: Settings, name: str = "worker") -> None:
    """Work until told to stop; then running actors finish."""
    stop = stop_requested()
    # read by the library when the worker is made; prefetched bells are stuck with a dead worker
    os.environ["dramatiq_queue_prefetch"] = str(PREFETCH_PER_THREAD * settings.worker_threads)  # noqa: SIM112  # the library's spelling
    worker_id = f"{name}-{os.getpid()}"
    with opened(settings, worker=worker_id, pool=settings.worker_threads + 2) as system:
        system.provider  # noqa: B018  # a missing key is told at the start, not at the first send
        replay_erasures(system)
        bells = Work(system).bells()
        declare_actors(system.broker, bells, answer=system.doorbell.answered)
        worker = Worker(
            system.broker, worker_threads=settings.worker_threads, worker_timeout=POLL_MS
        )
        settle_heap()
        worker.start()
        with Heartbeat(system.database, name, "worker"):
            stop.wait()
        worker.stop(timeout=STOP_TIMEOUT_MS)
