"""One signed post to an endpoint: what it carries, and what each kind of answer comes to."""

import json
import socket
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.ids import ErrandId
from handlers.ports import Called, Endpoint
from infra.connection import Address, Limits
from infra.endpoints import caller as calling
from infra.endpoints.caller import HttpCaller, classified
from infra.endpoints.signing import secret_text, signed
from tests.infra.sendgrid_server import Serve, Server, answering, own_certificate

REAL_NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
CALL = ErrandId(UUID(int=5))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
MOVED = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"


def endpoint(url: str) -> Endpoint:
    return Endpoint(
        name="crm",
        url=url,
        secret=b"s" * 32,
        enabled=True,
        created_at=datetime.min.replace(tzinfo=UTC),
    )


@contextmanager
def serving(serve: Serve, context: Any = None) -> Iterator[Server]:
    server = Server(serve, context)
    try:
        yield server
    finally:
        server.close()


def call(url: str, *, allow_private: bool = True, total_s: float = 5.0) -> Called:
    limits = Limits(min(1.0, total_s), total_s)
    caller = HttpCaller(lambda: REAL_NOW, allow_private=allow_private, limits=limits)
    return caller.call(endpoint(url), CALL, b'{"test": 1}')


def test_the_signature_is_that_of_standard_webhooks() -> None:  # by their libraries' example
    secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    raw = b64decode(secret)
    headers = signed(raw, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert secret_text(raw) == f"whsec_{secret}"


def test_a_call_is_one_signed_post_of_json() -> None:
    with serving(answering(OK)) as server:
        assert call(f"{server.url}/in?a=b") == Called(ok=True)
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert first == "POST /in?a=b HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == str(CALL)
    assert headers["webhook-timestamp"] == str(int(REAL_NOW.timestamp()))
    expected = signed(b"s" * 32, str(CALL), int(REAL_NOW.timestamp()), body)
    assert headers["webhook-signature"] == expected["webhook-signature"].lower()
    assert json.loads(body) == {"test": 1}


def test_a_redirect_is_not_followed() -> None:
    with serving(answering(MOVED)) as server:
        assert call(server.url) == Called(ok=False, final=False, reason="http_302")
    assert len(server.requests) == 1


def test_an_answer_without_end_is_read_no_further_than_its_status_needs() -> None:
    def drip(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        for _ in range(100):
            peer.sendall(b"x" * 65_536)

    with serving(drip) as server:
        assert call(server.url) == Called(ok=True)


def test_silence_is_a_time_out_and_comes_again() -> None:
    def silent(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        server.released.wait(5)

    with serving(silent) as server:
        assert call(server.url, total_s=0.2) == Called(ok=False, final=False, reason="timeout")


def test_headers_without_end_are_cut_off() -> None:
    def endless(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(10_000):
            peer.sendall(f"X-{number}: {'y' * 1000}\r\n".encode())

    with serving(endless) as server:
        assert call(server.url) == Called(ok=False, final=False, reason="connection")


def test_a_closed_port_and_an_unknown_name_come_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert call(f"http://127.0.0.1:{port}").reason == "connection"
    unknown = call("http://no-such-host.invalid")
    assert (unknown.reason, unknown.final) == ("no_such_host", False)


def test_a_certificate_that_nobody_vouches_for_is_not_talked_to(tmp_path: Path) -> None:
    with serving(answering(OK), own_certificate(tmp_path)) as server:
        assert call(server.url) == Called(ok=False, final=False, reason="tls")
    assert server.requests == []


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1:9/", "https://localhost/", "http://93.184.216.34/"],
)
def test_a_private_address_is_refused_for_good_and_never_connected_to(url: str) -> None:
    assert call(url, allow_private=False) == Called(ok=False, reason="address_refused")


@pytest.mark.parametrize("allow_private", [True, False])
def test_a_name_is_asked_for_once_and_what_was_checked_is_what_is_connected_to(
    allow_private: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "192.0.2.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    caller = HttpCaller(lambda: REAL_NOW, allow_private=allow_private, resolve=rebinding)
    with serving(answering(OK)) as server:
        port = server.socket.getsockname()[1]
        scheme = "http" if allow_private else "https"
        called = caller.call(endpoint(f"{scheme}://hooks.example:{port}"), CALL, b"{}")
        assert called.ok == allow_private
        assert server.connections == allow_private
    assert asked == ["hooks.example"]


@pytest.mark.parametrize(
    ("status", "called"),
    [
        (200, Called(ok=True)),
        (204, Called(ok=True)),
        (299, Called(ok=True)),
        (300, Called(ok=False, final=False, reason="http_300")),
        (400, Called(ok=False, reason="http_400")),
        (401, Called(ok=False, reason="http_401")),
        (404, Called(ok=False, reason="http_404")),
        (408, Called(ok=False, final=False, reason="http_408")),
        (409, Called(ok=False, final=False, reason="http_409")),
        (410, Called(ok=False, reason="http_410")),
        (422, Called(ok=False, reason="http_422")),
        (425, Called(ok=False, final=False, reason="http_425")),
        (429, Called(ok=False, final=False, reason="http_429")),
        (500, Called(ok=False, final=False, reason="http_500")),
        (503, Called(ok=False, final=False, reason="http_503")),
    ],
)
def test_what_an_answer_means(status: int, called: Called) -> None:
    assert classified(status, {}, lambda: REAL_NOW) == called


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", 120.0),
        ("Sat, 21 Nov 2026 12:01:30 GMT", 60.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("99999999", calling.RETRY_AFTER_S_MAX),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_heeded_as_seconds_or_as_a_date(told: str, seconds: float | None) -> None:
    answer = classified(503, {"Retry-After": told}, lambda: REAL_NOW)
    assert answer.retry_after_s == seconds
    assert classified(404, {"Retry-After": told}, lambda: REAL_NOW).retry_after_s is None
