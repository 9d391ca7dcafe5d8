"""One demo from nothing to its figures: servers, people, plans, the run itself, the checks."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, TypeVar

import msgspec

from infra.demo.drive import TENANT, Drive
from infra.demo.figures import Figures, figures
from infra.demo.progress import Progress, Tell
from infra.demo.stage import RUN_S, Stage, role_children
from infra.embedded.child import ChildEvent
from infra.embedded.home import Home
from infra.embedded.servers import server_children, server_urls
from infra.embedded.supervisor import Supervisor
from infra.keys import add_key
from infra.leadership import Leadership
from infra.migrations.run import create_tenant, migrate
from infra.projector import Runner
from infra.sandbox.keys import SigningKey
from infra.tenancy import Database
from infra.users import SqlUsers, drawn_password
from projections.registry import READ

TAG = "d3m0"
USER = "demo@example.com"
MARK = "this-is-a-demo"
GRACE = "PT6H"
"""At a day in some seconds a webhook takes hours: timers give late facts this long."""
DAY_S = 86_400
SET_UP = timedelta(seconds=6)
"""Real time for starting processes and importing contacts; the simulated Monday begins after it."""

T = TypeVar("T")


class NotADemo(Exception):
    """The folder holds something that is not an earlier demo and is left alone."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of a demo."""

    home: Path
    contacts: Sequence[Mapping[str, Any]]
    plans: Sequence[Mapping[str, Any]]
    days: int = 21
    seed: int = 7
    serve: bool = False
    workers: int = 1


Show = Callable[[Figures, Stage], None]


async def run(
    wish: Wish, tell: Tell, show: Show, *, on_event: Callable[[ChildEvent], None], stop: Event
) -> Figures:
    """Run a demo; with `serve` it stays up after `show` until `stop` is set."""
    began = monotonic()
    home = Home(wish.home)
    with home.locked():
        _clean(home)
        tell(Progress("starting PostgreSQL and Valkey"))
        async with Supervisor(server_children(home), home, on_event) as servers:
            database = Database(server_urls(home).database_url, size=6)
            try:
                stage = await asyncio.to_thread(_staged, wish, home, database)
                drive = Drive(wish.contacts, wish.plans, stage, tell)
                work = partial(drive, database, stop)
                await _with_roles(stage, database, servers, work, on_event)
                tell(Progress("checking every invariant"))
                await asyncio.to_thread(_catch_up, database)
                found = await asyncio.to_thread(figures, stage, database, drive.told, began)
                show(found, stage)
                if wish.serve and not stop.is_set():
                    await _with_roles(stage, database, servers, partial(_stay, stop), on_event)
            finally:
                database.close()
    return found


def _clean(home: Home) -> None:
    """Begin with nothing; only what an earlier demo left is removed."""
    mark = home.root / MARK
    known = {"lock", "logs", "run", MARK}
    if not mark.exists() and any(path.name not in known for path in home.root.iterdir()):
        raise NotADemo(f"{home.root} is not empty and no demo made it; give another --home")
    mark.touch()
    for name in ("postgres", "postgres.new", "valkey", "sandbox"):
        shutil.rmtree(home.root / name, ignore_errors=True)
    (home.root / "sandbox").mkdir()


def _staged(wish: Wish, home: Home, database: Database) -> Stage:
    """Control plane: schemas, the tenant with its sender's keys, and when the clock began."""
    migrate(database)
    create_tenant(database, TENANT, tag=TAG, policy={"timerGrace": GRACE})
    urls = server_urls(home)
    stage = Stage(
        home=home,
        database_url=urls.database_url,
        redis_url=urls.redis_url,
        web_port=home.claim_port("web"),
        sandbox_port=home.claim_port("sandbox"),
        api_key=home.secret("sandbox"),
        pepper=home.secret("pepper"),
        factor=wish.days * DAY_S / RUN_S,
        origin_real=database.now() + SET_UP,
        days=wish.days,
        seed=wish.seed,
        workers=wish.workers,
    )
    public = SigningKey.load_or_generate(stage.key_path).public_key_base64()
    with database.control_tx() as curs:
        curs.execute(
            "INSERT INTO control.webhook_keys (tenant, provider, public_key)"
            " VALUES (%s, 'sendgrid', %s)",
            (TENANT, public),
        )
    key = add_key(database, TENANT, "admin", pepper=stage.pepper.encode())
    password = drawn_password()
    SqlUsers(database, pepper=stage.pepper.encode()).add(TENANT, USER, "admin", password)
    return msgspec.structs.replace(stage, key=key.text, user=USER, password=password)


async def _with_roles(
    stage: Stage,
    database: Database,
    servers: Supervisor,
    work: Callable[[], None],
    on_event: Callable[[ChildEvent], None],
) -> None:
    """Do the work while all processes run; a process that is given up ends it."""
    roles = Supervisor(role_children(stage, database), stage.home, on_event)
    async with roles:
        await _first(asyncio.to_thread(work), servers.wait(), roles.wait())


async def _first(work: Coroutine[Any, Any, T], *watches: Coroutine[Any, Any, None]) -> None:
    """Wait for the work, or for the first watch that says it cannot go on."""
    tasks = [asyncio.create_task(one) for one in (work, *watches)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def _catch_up(database: Database) -> None:
    """Let the read models take what was recorded last, now that nobody writes any more."""
    leadership = Leadership(database)
    try:
        for projection in READ:
            runner = Runner(database, TENANT, projection, leadership=leadership)
            while runner.step():
                pass
    finally:
        leadership.close()


def _stay(stop: Event) -> None:
    stop.wait()
