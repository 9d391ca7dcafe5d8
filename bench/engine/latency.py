"""From a click to the next step stored, one click at a time, on the processes as `up` runs them."""

import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from http import HTTPStatus
from time import monotonic, perf_counter, sleep
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from bench.engine.journey import EngineMember
from bench.engine.place import (
    BEGINS,
    Place,
    environment_of,
    make_place,
    opened,
    rows,
    settings_of,
)
from bench.measuring import tell
from bench.running.course import CLICKED, DELIVERED
from bench.running.posts import Post, Sent, posts_of
from bench.running.servers import Bed, role
from domain.ids import TenantId, schema_of
from infra.bootstrap import System
from infra.clock import VirtualClock
from infra.embedded.home import Home
from infra.log import Log
from infra.probes import answers, beats
from infra.sandbox.keys import SigningKey

CLICKS = 200
"""Clicks in a round."""
WARM_UP = 20
READY_S = 30.0
STEP_S = 10.0
"""A step that takes longer is none."""
IDLE_S = 0.1
"""Between a step and the next click, so that each meets processes that wait."""
MANY = 1_000_000
_WAITING = """
SELECT message_id, stream_id FROM {s}.send_queue WHERE node = 'hello' AND state = 'ACCEPTED'
 ORDER BY message_id
"""
_STEPPED = "SELECT 1 FROM {}.send_queue WHERE stream_id = %s AND node = 'again'"
_STEPS = "SELECT count(*) FROM {s}.send_queue WHERE node = 'again'"


def step_times(
    bed: Bed, name: str, rounds: int, *, clicks: int = CLICKS, rest_s: float = IDLE_S
) -> list[list[float]]:
    """For each round the seconds of each click, from its post to the commit of what it led to."""
    wanted = rounds * clicks + WARM_UP
    place = make_place(bed.urls, bed.home, name, wanted)
    with opened(place) as system:
        _send_first(system, place)
        found = rows(system, place.tenant, _WAITING)
        assert len(found) == wanted
        tag = system.ports(place.tenant).tag
        with _running(system, place) as url, _Steps(system, place) as steps:
            tell(f"one click at a time: {wanted} clicks")
            now, key = system.database.now(), SigningKey.from_pem(place.signing_pem)
            took = []
            for message_id, stream in found:
                (post,) = posts_of([Sent(message_id, tag)], CLICKED, now, key)
                sleep(rest_s)
                took.append(steps.after(stream, partial(_post, url, place.tenant, post)))
        assert rows(system, place.tenant, _STEPS) == [(wanted,)], "every click led to a step"
    warm = took[WARM_UP:]
    return [warm[start : start + clicks] for start in range(0, len(warm), clicks)]


def _send_first(system: System, place: Place) -> None:
    """Everybody has the first mail and waits."""
    clock = system.clock
    assert isinstance(clock, VirtualClock)
    member = EngineMember(system, clock, place)
    member.set_clock(BEGINS)
    member.enrol(0, len(place.contacts))
    member.dispatch()
    member.set_clock(DELIVERED.at)
    found = rows(system, place.tenant, _WAITING)
    tag = system.ports(place.tenant).tag
    sent = [Sent(message_id, tag) for message_id, _ in found]
    key = SigningKey.from_pem(place.signing_pem)
    member.hold(posts_of(sent, DELIVERED, system.database.now(), key))
    member.hear()


@contextmanager
def _running(system: System, place: Place) -> Iterator[str]:
    """The processes of an installation, whose clock shows the hour of the clicks; the web's URL."""
    home = Home(place.home)
    port = home.claim_port("web")
    url = f"http://127.0.0.1:{port}"
    environment = _environment(place, port, system.database.now())
    alive = partial(beats, system.database)
    with ExitStack() as stack:
        for name in ("projector", "worker", "ticker"):
            stack.enter_context(role(environment, name))
        stack.enter_context(role(environment, "web", "--port", str(port)))
        deadline = monotonic() + READY_S
        while not all(map(alive, ("projector", "worker", "ticker"))) or not answers(
            f"{url}/healthz"
        ):
            assert monotonic() < deadline, "the processes are not up"
            sleep(0.1)
        yield url


def _environment(place: Place, port: int, now: datetime) -> Mapping[str, str]:
    settings = settings_of(
        place.home,
        place.servers,
        web_port=port,
        webhook_per_minute=MANY,
        clock_origin_real=now,
        clock_origin_simulated=CLICKED.at,
        log_level="ERROR",
    )
    return environment_of(settings)


def _post(url: str, tenant: TenantId, post: Post) -> None:
    headers, body = post
    given = {**headers, "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=STEP_S)
    connection.request("POST", f"/webhooks/sendgrid/{tenant}", body, given)
    assert connection.getresponse().status == HTTPStatus.NO_CONTENT
    connection.close()


class _Steps:
    """Hears of every append and looks whether it was the one that is awaited."""

    def __init__(self, system: System, place: Place) -> None:
        channel = Log(system.database, place.tenant).recorder.channel_name
        self._stepped = SQL(_STEPPED).format(Identifier(schema_of(place.tenant)))
        self._eye: Connection[TupleRow] = system.database.direct()
        self._ear: Connection[TupleRow] = system.database.direct()  # hears nothing while it asks
        self._ear.execute(SQL("LISTEN {}").format(Identifier(channel)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ear.close()
        self._eye.close()

    def after(self, stream: UUID, act: Callable[[], None]) -> float:
        """Seconds from an act until the next step of a stream is stored."""
        began = perf_counter()
        act()
        while not self._eye.execute(self._stepped, (stream,)).fetchone():
            heard = list(self._ear.notifies(timeout=STEP_S, stop_after=1))
            assert heard, "the click led to no step"
        return perf_counter() - began
