"""Errands beside each other: what is slow or broken holds back neither mails nor other errands."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from socket import socket
from threading import Thread
from typing import Any

import pytest

from domain.events import WebhookResolved
from domain.taxonomy import Outcome
from handlers.errands.running import CALLS
from handlers.ports import Answer, Mail
from infra.embedded.servers import ServerUrls
from infra.work import Work
from tests.infra.sendgrid_server import Server
from tests.stories.house import TAKEN, House, open_house, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

CALLED = plan(
    {"id": "call", "type": "webhook", "endpoint": "crm", "next": "won", "onError": "lost"},
    stop("won", outcome="converted"),
    stop("lost", outcome="disqualified"),
)
MOVED = plan(
    {
        "id": "move",
        "type": "update",
        "set": [{"field": "contact.city", "value": "Faro"}],
        "next": "end",
    },
    stop(),
)
MAILED = plan(send("intro", way("timeout", "end", after="P2D")), stop())


def register(house: House, url: str) -> None:
    book: Any = house.ports.endpoints
    book.add("crm", url)


def test_a_change_of_a_contact_does_not_wait_for_all_the_calls_before_it(house: House) -> None:
    register(house, "https://crm.example/in")
    for _ in range(CALLS + 1):
        house.started(CALLED)
    house.clock.advance(timedelta(minutes=1))
    house.started(MOVED)
    house.run_errands()
    assert house.rows("SELECT count(*) FROM {s}.contacts WHERE city = 'Faro'") == [(1,)]
    assert len(house.endpoint.calls) == CALLS


def test_a_body_that_grows_beyond_measure_is_not_posted(house: House) -> None:
    """A plan has 256 KB; its loops could make 50 MB of that in each call."""
    register(house, "https://crm.example/in")
    loop = "{% for i in (1..200) %}" + "x" * 900 + "{% endfor %}"
    call = CALLED["nodes"][0] | {"body": {"all": [loop] * 10}}
    stream = house.started(plan(call, *CALLED["nodes"][1:]))
    house.work()
    assert house.endpoint.calls == []
    (fact,) = [one.fact for one in house.history(stream) if isinstance(one.fact, WebhookResolved)]
    assert (fact.ok, fact.reason) == (False, "body_too_long")
    assert house.state(stream).outcome == Outcome.DISQUALIFIED


def test_mails_leave_while_every_thread_for_endpoints_waits_for_an_answer(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """The endpoint answers once a mail has left; a call that waits for too long is in error."""

    def patient(peer: socket, server: Server) -> None:
        server.read(peer)
        server.released.wait(60)
        peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    urls = ServerUrls(database_url, redis_url)
    given = {"endpoints_allow_private": True, "call_threads": 1}
    with closing(Server(patient)) as server, open_house(urls, tmp_path, **given) as house:
        register(house, server.url)
        stream = house.started(CALLED)
        calling = Thread(target=Work(house.system).bells()["errands"], args=(house.tenant,))
        calling.start()
        while not server.connections:
            pass

        def left(_: Mail) -> Answer:
            server.released.set()
            return TAKEN

        house.provider.answer = left
        house.started(MAILED)
        house.work()
        calling.join()
        assert house.state(stream).outcome == Outcome.CONVERTED
