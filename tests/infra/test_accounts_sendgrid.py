"""What is read of a SendGrid account: its addresses, and whether a key may send."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from handlers.ports.accounts import ProviderUnseen
from infra.providers.sendgrid.account import PAGE, SendGridAccount
from tests.infra.sendgrid_server import Serve, Server, answering


def told(status: str, body: object) -> bytes:
    text = json.dumps(body).encode()
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(text), text)


@contextmanager
def asked(serve: Serve, *, total_s: float = 5.0) -> Iterator[tuple[SendGridAccount, Server]]:
    server = Server(serve)
    account = SendGridAccount("SG.key", server.url, total_s=total_s)
    try:
        yield account, server
    finally:
        account.close()
        server.close()


def address(number: int, email: str, *, verified: bool) -> dict[str, object]:
    return {"id": number, "from_email": email, "verified": verified, "nickname": "n"}


def test_addresses_are_read_in_small_letters_with_the_key() -> None:
    rows = [
        address(1, "Sam@Mail.example", verified=True),
        address(2, "jo@x.example", verified=False),
    ]
    with asked(answering(told("200 OK", {"results": rows}))) as (account, server):
        assert account.verified() == {"sam@mail.example": True, "jo@x.example": False}
    head = server.requests[0].decode()
    assert head.startswith("GET /v3/verified_senders?limit=100 HTTP/1.1")
    assert "Authorization: Bearer SG.key" in head


def test_an_address_that_is_listed_twice_is_verified_if_one_of_them_is() -> None:
    rows = [address(1, "a@x.example", verified=True), address(2, "A@x.example", verified=False)]
    with asked(answering(told("200 OK", {"results": rows}))) as (account, _):
        assert account.verified() == {"a@x.example": True}


def test_further_pages_are_asked_for_after_the_last_row() -> None:
    full = [address(number, f"a{number}@x.example", verified=True) for number in range(1, PAGE + 1)]
    rest = [address(900, "last@x.example", verified=False)]
    pages = [told("200 OK", {"results": rows}) for rows in (full, rest)]
    with asked(answering(*pages)) as (account, server):
        assert len(account.verified()) == PAGE + 1
    assert f"lastSeenID={PAGE} ".encode() in server.requests[1]


def test_a_list_without_end_says_nothing() -> None:
    full = [address(number, f"a{number}@x.example", verified=True) for number in range(1, PAGE + 1)]
    with (
        asked(answering(told("200 OK", {"results": full}))) as (account, _),
        pytest.raises(ProviderUnseen),
    ):
        account.verified()


@pytest.mark.parametrize(
    ("answer", "works"),
    [
        (told("200 OK", {"scopes": ["mail.send", "stats.read"]}), True),
        (told("200 OK", {"scopes": ["stats.read"]}), False),
        (told("401 Unauthorized", {"errors": []}), False),
        (told("403 Forbidden", {"errors": []}), False),
    ],
)
def test_a_key_works_if_it_is_known_and_may_send(answer: bytes, works: object) -> None:
    with asked(answering(answer)) as (account, server):
        assert account.credentials_work() is works
    assert server.requests[0].startswith(b"GET /v3/scopes ")


@pytest.mark.parametrize(
    "answer",
    [
        told("500 Oops", {}),
        told("429 Too Many Requests", {}),
        told("302 Found", {}),
        told("200 OK", {"no": "results"}),
        told("200 OK", []),
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnot",
        b"no http at all\r\n\r\n",
    ],
)
def test_an_answer_that_says_nothing_is_told_apart_from_a_no(answer: bytes) -> None:
    with asked(answering(answer)) as (account, _):
        with pytest.raises(ProviderUnseen):
            account.verified()
        with pytest.raises(ProviderUnseen):
            account.credentials_work()


def test_a_silent_server_is_given_up() -> None:
    def silent(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        server.released.wait(10)

    with asked(silent, total_s=0.2) as (account, _), pytest.raises(ProviderUnseen):
        account.credentials_work()


def test_a_server_that_is_not_there_says_nothing() -> None:
    server = Server(answering(b""))
    account = SendGridAccount("SG.key", server.url)
    server.close()
    with pytest.raises(ProviderUnseen):
        account.verified()


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        SendGridAccount("")
