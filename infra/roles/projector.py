"""The projector process: the read models of all tenants."""

from infra.bootstrap import opened
from infra.heap import settle_heap
from infra.roles.signals import stop_requested
from infra.runners import Projector
from infra.settings import Settings
from infra.watched import watched_projection
from projections.registry import READ

TICK_S = 0.5


def run(settings: Settings, name: str = "projector") -> None:
    """Project until told to stop."""
    stop = stop_requested()
    with opened(settings, worker=name, pool=6) as system:
        projections = [watched_projection(each) for each in READ]
        settle_heap()
        Projector(system.database, projections, tick_s=TICK_S, name=name).run(stop)
