"""The processes of a demo: embedded servers, sandbox, web, projector, worker, ticker."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from infra.embedded.child import Child
from infra.embedded.home import Home
from infra.probes import answers, beats
from infra.tenancy import Database

BEGINS = datetime(2026, 9, 7, 5, 0, tzinfo=UTC)
"""A Monday morning in Europe, Sunday night in America: what the simulated clock shows first."""
RUN_S = 42.0
"""Real seconds that the days of a demo take."""
TICK_MS = 50


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything of one demo is."""

    home: Home
    database_url: str
    redis_url: str
    web_port: int
    sandbox_port: int
    api_key: str
    pepper: str
    key: str = ""
    """The API key that the demo itself uses."""
    user: str = ""
    password: str = ""
    """Who may sign in to the console of the demo."""
    factor: float
    origin_real: datetime
    days: int
    seed: int
    workers: int = 1

    @property
    def web_url(self) -> str:
        """Address of the web process."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def sandbox_url(self) -> str:
        """Address of the provider, as the engine is told."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def accepts_path(self) -> Path:
        """What the provider accepted, counted by itself."""
        return self.home.root / "sandbox" / "accepts.jsonl"

    @property
    def key_path(self) -> Path:
        """The key that the provider signs its webhooks with."""
        return self.home.root / "sandbox" / "webhook.pem"

    def ends_at(self) -> datetime:
        """The simulated instant after which the demo is over."""
        return BEGINS + timedelta(days=self.days)

    def environment(self) -> dict[str, str]:
        """What the children are told: settings, and nothing else of ours."""
        given = {
            "HOME": str(self.home.root),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "PUBLIC_URL": self.web_url,
            "WEB_PORT": str(self.web_port),
            "PEPPER": self.pepper,
            "SENDGRID_API_KEY": self.api_key,
            "SENDGRID_BASE_URL": self.sandbox_url,
            "CLOCK_FACTOR": repr(self.factor),
            "CLOCK_ORIGIN_REAL": self.origin_real.isoformat(),
            "CLOCK_ORIGIN_SIMULATED": BEGINS.isoformat(),
            "TICK_MS": str(TICK_MS),
            "ENDPOINTS_ALLOW_PRIVATE": "true",  # the sandbox is on this machine
            "LOG_LEVEL": "WARNING",
        }
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANTIPHON_")}
        return kept | {f"ANTIPHON_{key}": value for key, value in given.items()}

    def simulated(self, real: datetime) -> datetime:
        """What the demo's clock shows at a real instant."""
        return BEGINS + (real - self.origin_real) * self.factor


def role_children(stage: Stage, database: Database) -> list[Child]:
    """The processes beside the servers, in the order of their start."""
    env = stage.environment()
    tenant_urls = (
        f"{stage.web_url}/webhooks/sendgrid/demo",
        f"{stage.web_url}/webhooks/sendgrid/demo/inbound",
    )
    sandbox = [
        *("sandbox", "--port", str(stage.sandbox_port), "--api-key", stage.api_key),
        *("--events", tenant_urls[0], "--inbound", tenant_urls[1], "--seed", str(stage.seed)),
        *("--key", str(stage.key_path), "--accepts", str(stage.accepts_path)),
    ]
    workers = [
        _role(f"worker-{number}", ["worker", "--name", f"worker-{number}"], env, database)
        for number in range(1, stage.workers + 1)
    ]
    return [
        Child(
            name="sandbox",
            command=command(sandbox),
            env=env,
            ready=lambda: answers(f"{stage.sandbox_url}/healthz"),
        ),
        _role("projector", ["projector"], env, database),
        *workers,
        _role("ticker", ["ticker"], env, database),
        Child(
            name="web",
            command=command(["web", "--port", str(stage.web_port)]),
            env=env,
            ready=lambda: answers(f"{stage.web_url}/healthz"),
        ),
    ]


def command(arguments: Sequence[str]) -> tuple[str, ...]:
    """How a process of ours is started with the interpreter of this one."""
    return (sys.executable, "-m", "infra.cli", *arguments)


def _role(name: str, arguments: Sequence[str], env: Mapping[str, str], database: Database) -> Child:
    return Child(
        name=name, command=command(arguments), env=env, ready=lambda: beats(database, name)
    )
