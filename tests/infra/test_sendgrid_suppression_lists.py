"""SendGrid's lists over real connections: pages, guards, groups, opt-outs; the sandbox has them."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from domain.taxonomy import Family
from handlers.ports import ListsOutOfReach, Suppression
from handlers.suppression_sync import SuppressionSync
from infra.providers.sendgrid.suppression_lists import (
    PAGE,
    SendGridApi,
    SendGridSuppressionLists,
)
from infra.vault.pulls import SqlPullBook
from tests.infra.sandbox_running import KEY, ORIGIN, HandClock, config_for, mail, running
from tests.infra.sendgrid_server import Serve, Server, answering
from tests.stories.house import House

Page = Callable[[str], object]


@contextmanager
def lists_of(
    serve: Serve, total_s: float = 5.0
) -> Iterator[tuple[SendGridSuppressionLists, Server]]:
    server = Server(serve)
    api = SendGridApi("SG.key", server.url, total_s=total_s)
    try:
        yield SendGridSuppressionLists(api), server
    finally:
        api.close()
        server.close()


def paged(page: Page) -> Serve:
    """Answers each GET with what `page` gives for its path."""

    def serve(peer: socket.socket, server: Server) -> None:
        while request := server.read(peer):
            path = request.split(b" ")[1].decode()
            body = json.dumps(page(path)).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            peer.sendall(head + body)

    return serve


def offset_of(path: str) -> int:
    return int(path.rpartition("offset=")[2])


def entry(number: int) -> dict[str, object]:
    return {"created": 1_772_452_800 + number, "email": f"p{number}@harbor.example"}


def test_a_list_is_read_page_by_page_to_its_end() -> None:
    total = 2 * PAGE + 3

    def page(path: str) -> object:
        start = offset_of(path)
        return [entry(number) for number in range(start, min(start + PAGE, total))]

    with lists_of(paged(page)) as (lists, server):
        found = list(lists.entries("bounces", ORIGIN))
        assert [one.address for one in found] == [f"p{n}@harbor.example" for n in range(total)]
        assert found[0].since is not None
        assert len(server.requests) == 3
        first = server.requests[0]
        assert b"GET /v3/suppression/bounces?start_time=1772442000&limit=500&offset=0" in first
        assert b"Authorization: Bearer SG.key" in first


def test_a_list_that_ends_with_a_full_page_is_asked_once_more() -> None:
    full = [entry(number) for number in range(PAGE)]
    with lists_of(paged(lambda path: [] if offset_of(path) else full)) as (lists, server):
        assert len(list(lists.entries("blocks", None))) == PAGE
        assert len(server.requests) == 2
        assert b"start_time" not in server.requests[0]


def test_cursor_loop_guard() -> None:
    """A server that does not heed the offset gives the same page for ever."""
    full = [entry(number) for number in range(PAGE)]
    with lists_of(paged(lambda _: full)) as (lists, server):
        with pytest.raises(ListsOutOfReach, match="looping"):
            list(lists.entries("bounces", None))
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "status_401"),
        (b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n", "status_429"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", "status_302"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "unreadable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[7]", "unreadable"),
        (b"nonsense\r\n\r\n", "BadStatusLine"),
    ],
)
def test_every_failure_is_one_error_with_a_word(answer: bytes, word: str) -> None:
    with (
        lists_of(answering(answer + b"")) as (lists, _),
        pytest.raises(ListsOutOfReach, match=word),
    ):
        list(lists.entries("bounces", None))


def test_a_silent_server_is_given_up_in_time() -> None:
    def silent(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        server.released.wait(20)

    with lists_of(silent, total_s=0.2) as (lists, _), pytest.raises(ListsOutOfReach):
        list(lists.entries("bounces", None))


def test_groups_and_opt_outs_of_the_sandbox() -> None:
    with running(config_for(), HandClock()) as live:
        api = SendGridApi(KEY, live.url)
        lists = SendGridSuppressionLists(api)
        assert lists.groups() == {}
        live.sandbox.recipients.suppressions.leave_group(17, "Ann@example.com")
        assert [one.address for one in lists.groups()["17"]] == ["ann@example.com"]
        lists.push(["Bo@example.com", "cy@example.com"])
        lists.push(["bo@example.com"])
        found = list(lists.entries("unsubscribes", ORIGIN - timedelta(hours=1)))
        assert [(one.address, one.since) for one in found] == [
            ("bo@example.com", ORIGIN),
            ("cy@example.com", ORIGIN),
        ]
        assert list(lists.entries("unsubscribes", ORIGIN + timedelta(seconds=1))) == []
        live.send(mail("bo@example.com"))
        assert live.sandbox.recipients.suppressions.refusal("bo@example.com")
        stranger = SendGridApi("SG.other", live.url)
        wrong = SendGridSuppressionLists(stranger)
        for ask in (wrong.groups, lambda: wrong.push(["x@example.com"])):
            with pytest.raises(ListsOutOfReach, match="status_401"):
                ask()
        stranger.close()
        api.close()


@pytest.mark.postgres
@pytest.mark.redis
def test_what_the_webhook_lost_is_banned_and_what_came_by_link_is_told(house: House) -> None:
    house.contact(email="bo@harbor.example")
    now = house.clock.now()
    told = Suppression(
        Family.EMAIL, "bo@harbor.example", "unsubscribed", "link", now, "unsubscribe"
    )
    house.ports.suppressions.add(None, [told])
    with running(config_for(), HandClock(now)) as live:
        live.sandbox.recipients.suppressions.opt_out(["ada@harbor.example"], now)
        live.sandbox.recipients.suppressions.leave_group(9, "cy@harbor.example")
        api = SendGridApi(KEY, live.url)
        book = SqlPullBook(house.system.database, house.tenant)
        sync = SuppressionSync(
            SendGridSuppressionLists(api), book, house.ports.suppressions, house.clock
        )
        assert (sync.run().pushed, sync.run().pushed) == (1, 0)
        api.close()
        people = ["ada@harbor.example", "bo@harbor.example", "cy@harbor.example", "di@h.example"]
        assert house.ports.suppressions.banned(Family.EMAIL, people, now) == set(people[:3])
        assert live.sandbox.recipients.suppressions.refusal("bo@harbor.example")
