"""A sandbox on a real port, a receiver of its posts, and requests to it."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from infra.sandbox.clock import Now, real_now, scaled
from infra.sandbox.config import SandboxConfig
from infra.sandbox.sandbox import Sandbox
from infra.sandbox.server import build_server

KEY = "SG.test-key"
ORIGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FACTOR = 1_000_000.0  # a day in 86 ms
PATIENCE_S = 20.0
MESSAGE = "0192f3c4-5d6e-7a8b-9c0d-1e2f3a4b5c6d"


def fast_now() -> Now:
    """Simulated time that begins at ORIGIN now and runs at FACTOR."""
    return scaled(FACTOR, ORIGIN, real_now())


class HandClock:
    """Time that stands still until it is moved."""

    def __init__(self, at: datetime = ORIGIN) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body)
        return found

    def form(self) -> dict[str, bytes]:
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        return {
            str(part.get_param("name", header="content-disposition")): bytes(
                part.get_payload(decode=True)
            )
            for part in message_from_bytes(head + self.body).walk()
            if not part.is_multipart()
        }


class Receiver:
    """Keeps what it is sent; answers by a rule that a test may set."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Received] = []
        self.answer: Callable[[Received], int] = lambda _: 204
        self.news = threading.Condition()

    def take(self, request: Received) -> int:
        with self.news:
            status = self.answer(request)
            self.requests.append(request)
            self.news.notify_all()
        return status

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.news:
            assert self.news.wait_for(condition, PATIENCE_S), "it did not come about"

    def to(self, path: str, method: str = "POST") -> list[Received]:
        return [one for one in list(self.requests) if (one.method, one.path) == (method, path)]

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        events = [event for post in self.to("/events") for event in post.events()]
        return [event for event in events if kind in {None, event["event"]}]

    def first_event(self, kind: str) -> dict[str, Any]:
        self.wait_for(lambda: bool(self.events(kind)))
        return self.events(kind)[0]

    def first(self, path: str, method: str = "POST") -> Received:
        self.wait_for(lambda: bool(self.to(path, method)))
        return self.to(path, method)[0]


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(Received(self.command, self.path, headers, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_HEAD = _any  # noqa: N815 - names the standard library calls

        @override
        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield receiver
        finally:  # else a test that fails keeps its process for ever
            server.shutdown()
            thread.join(PATIENCE_S)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Live:
    """A running sandbox."""

    sandbox: Sandbox
    url: str
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {KEY}"})

    def call(
        self, method: str, path: str, content: object = None, *, timeout_s: float = PATIENCE_S
    ) -> Answer:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=timeout_s)
        try:
            connection.request(method, path, None if content is None else body, self.headers)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()

    def send(self, request: object, *, timeout_s: float = PATIENCE_S) -> Answer:
        return self.call("POST", "/v3/mail/send", request, timeout_s=timeout_s)

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", "/_sandbox/stats").json()
        return found

    def set_fault(self, mode: str, share: float = 1.0, domain: str = "") -> None:
        order = {"mode": mode, "share": share, "domain": domain}
        assert self.call("POST", "/_sandbox/faults", order).status == 200

    def wait_until_idle(self, receiver: Receiver) -> None:
        """Nothing planned, waiting or on its way; the receiver's news make us look again."""
        for _ in range(int(PATIENCE_S / 0.02)):
            if self.stats()["pending"] == 0:
                return
            with receiver.news:
                receiver.news.wait(0.02)
        raise AssertionError(f"still busy: {self.sandbox.stats()}")


@contextmanager
def running(config: SandboxConfig, now: Now) -> Iterator[Live]:
    sandbox = Sandbox(config, now=now)
    server = build_server(sandbox)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()  # connections wait in the backlog until it accepts
    try:
        yield Live(sandbox, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()


def config_for(receiver: Receiver | None = None, **changes: object) -> SandboxConfig:
    """A tidy sandbox: no repeats, no disorder, no delay, unless a test wants them."""
    settings: dict[str, Any] = {
        "api_key": KEY,
        "factor": FACTOR,
        "repeat_share": 0.0,
        "shuffle_share": 0.0,
        "delay_share": 0.0,
        "batch_delay_s": 0.01,
    }
    if receiver is not None:
        settings["event_url"] = f"{receiver.url}/events"
        settings["inbound_url"] = f"{receiver.url}/inbound"
    return SandboxConfig(**{**settings, **changes})


def mail(to: str = "silent+a@example.com", **changes: object) -> dict[str, Any]:
    """A request as our sender makes it."""
    return {
        "personalizations": [{"to": [{"email": to, "name": "Ann Ample"}]}],
        "from": {"email": "agent@sender.example", "name": "Agent"},
        "reply_to": {"email": "r+7f3a.0192@reply.sender.example"},
        "subject": "Hello",
        "content": [
            {"type": "text/plain", "value": "Hello Ann\nshall we talk?"},
            {"type": "text/html", "value": "<p>Hello Ann</p>"},
        ],
        "headers": {"Message-ID": f"<{MESSAGE}.1@sender.example>"},
        "categories": ["outreach"],
        "custom_args": {
            "antiphon_message": MESSAGE,
            "antiphon_attempt": "1",
            "antiphon_tenant": "7f3a",
        },
        **changes,
    }


def html_mail(to: str, html: str, **changes: object) -> dict[str, Any]:
    """A request with this page."""
    return mail(to, content=[{"type": "text/html", "value": html}], **changes)
