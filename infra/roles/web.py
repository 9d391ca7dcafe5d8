"""The web process: API, webhooks, tracking and console under uvicorn."""

import uvicorn

from handlers.app import create_app
from infra.bootstrap import opened
from infra.erased_again import replay_erasures
from infra.heap import settle_heap
from infra.heartbeat import Heartbeat
from infra.services import make_services, make_stock
from infra.settings import Settings

POOL = 12
GRACE_S = 5


def run(settings: Settings, port: int) -> None:
    """Serve until told to stop; requests under way are finished."""
    with opened(settings, worker="web", pool=POOL) as system:
        replay_erasures(system)
        app = create_app(make_services(system), make_stock(system))
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=settings.web_host,
                port=port,
                log_config=None,  # our own one-line format
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=GRACE_S,
                server_header=False,
            )
        )
        settle_heap()
        with Heartbeat(system.database, "web", "web"):
            server.run()
