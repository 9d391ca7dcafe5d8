"""`antiphon up`: all processes of an installation under one supervisor, until Ctrl-C."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import click
import msgspec

from infra.cli.ports import require_free
from infra.cli.printing import json_option, print_json, say
from infra.cli.provider_key import require_provider_key
from infra.demo.stage import command
from infra.embedded.child import Child, ChildEvent, StopRequested
from infra.embedded.home import Home
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.supervisor import Supervisor
from infra.embedded.valkey import EmbeddedValkey
from infra.migrations.run import migrate
from infra.probes import answers, beats
from infra.redis import probe
from infra.settings import Settings
from infra.tenancy import Database

OURS = "embedded"
GIVEN = "as ANTIPHON_{}_URL says"


class Place(msgspec.Struct, frozen=True):
    """Where an installation is."""

    web: str
    database: str
    redis: str
    home: str
    logs: str
    processes: Sequence[str]


@click.command(epilog="Example: antiphon up")
@json_option
@click.pass_obj
def up(settings: Settings, *, as_json: bool) -> None:
    """Run everything on this machine in real time until Ctrl-C.

    Servers that no setting names are embedded ones; the schemas are brought to this version.
    """
    require_provider_key(settings)

    def show(place: Place) -> None:
        if as_json:
            print_json(place)
            return
        click.echo(f"web       {place.web}")
        click.echo(f"database  {place.database}")
        click.echo(f"redis     {place.redis}")
        click.echo(f"logs      {place.logs}")
        say("Ctrl-C stops it.")

    asyncio.run(_Installation(settings, show).run())


class _Installation:
    """One run of everything: servers first, then the roles; what stops first is started last."""

    def __init__(self, settings: Settings, show: Callable[[Place], None]) -> None:
        self._settings = settings
        self._show = show
        self._home = Home(settings.home)
        self._stopping = asyncio.Event()
        self._supervisors: list[Supervisor] = []

    async def run(self) -> None:
        """Return once a signal was given; raise when a process has to be given up."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        with self._home.locked(), suppress(StopRequested):
            async with self._supervisor(self._servers()) as servers:
                await self._serve(servers)

    def _stop(self) -> None:
        self._stopping.set()
        for supervisor in self._supervisors:
            supervisor.request_stop()

    def _supervisor(self, children: Sequence[Child]) -> Supervisor:
        made = Supervisor(children, self._home, _note)
        self._supervisors.append(made)
        if self._stopping.is_set():
            made.request_stop()
        return made

    def _servers(self) -> list[Child]:
        """The servers that no setting names; a named one must answer now."""
        settings, children = self._settings, []
        if settings.redis_url:
            probe(settings.redis_url.get_secret_value())
        if not settings.database_url:
            children.append(EmbeddedPostgres(self._home).child())
        if not settings.redis_url:
            children.append(EmbeddedValkey(self._home).child())
        return children

    async def _serve(self, servers: Supervisor) -> None:
        settings, home = self._settings, self._home
        database_url = _secret(settings.database_url) or EmbeddedPostgres(home).dsn
        redis_url = _secret(settings.redis_url) or EmbeddedValkey(home).url
        if settings.pepper is None:
            home.secret("pepper")  # drawn once, before many processes ask for it
        port = settings.web_port or home.claim_port("web")
        require_free(settings.web_host, port, "give another with ANTIPHON_WEB_PORT")
        env = _environment(home, database_url, redis_url, port)
        database = Database(database_url, size=2)
        try:
            await asyncio.to_thread(migrate, database)
            roles = _roles(settings, env, database, f"http://{settings.web_host}:{port}")
            async with self._supervisor(roles) as running:
                self._show(self._place(port, [child.name for child in roles]))
                await _first(servers, running)
        finally:
            database.close()

    def _place(self, port: int, processes: Sequence[str]) -> Place:
        settings = self._settings
        return Place(
            web=f"http://{settings.web_host}:{port}",
            database=GIVEN.format("DATABASE") if settings.database_url else OURS,
            redis=GIVEN.format("REDIS") if settings.redis_url else OURS,
            home=str(self._home.root),
            logs=str(self._home.logs),
            processes=processes,
        )


async def _first(*supervisors: Supervisor) -> None:
    """Wait for the first that is told to stop or gives a process up."""
    waits = [asyncio.create_task(each.wait()) for each in supervisors]
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def _roles(
    settings: Settings, env: Mapping[str, str], database: Database, web_url: str
) -> list[Child]:
    """The processes beside the servers, in the order of their start."""
    workers = [f"worker-{number}" for number in range(1, settings.workers + 1)]
    arguments = {
        "projector": ["projector"],
        **{name: ["worker", "--name", name] for name in workers},
        "ticker": ["ticker"],
    }
    beating = [
        Child(name=name, command=command(given), env=env, ready=_beat(database, name))
        for name, given in arguments.items()
    ]
    web = Child(
        name="web", command=command(["web"]), env=env, ready=lambda: answers(f"{web_url}/healthz")
    )
    return [*beating, web]


def _beat(database: Database, name: str) -> Callable[[], bool]:
    return lambda: beats(database, name)


def _environment(home: Home, database_url: str, redis_url: str, port: int) -> dict[str, str]:
    """Our own settings, whoever gave them, and where the servers are now."""
    return os.environ | {
        "ANTIPHON_HOME": str(home.root),
        "ANTIPHON_DATABASE_URL": database_url,
        "ANTIPHON_REDIS_URL": redis_url,
        "ANTIPHON_WEB_PORT": str(port),
    }


def _secret(given: object) -> str | None:
    reveal: Callable[[], str] | None = getattr(given, "get_secret_value", None)
    return reveal() if reveal is not None else None


def _note(event: ChildEvent) -> None:
    if event.what == "died":
        say(f"{event.name} died and is started again")
