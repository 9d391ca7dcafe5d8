"""Posts as SendGrid makes them: signed batches of events, paced or as fast as they are taken."""

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http import HTTPStatus
from threading import local
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from domain.ids import MessageId
from infra.sandbox.keys import SigningKey

TIMEOUT_S = 60
IDLE_S = 2.0
"""Shorter than servers keep idle connections."""
CHUNK = 100
"""So many messages are reported on side by side: delivered, then opened, then clicked."""
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
KINDS: Sequence[Mapping[str, Any]] = (
    {"event": "delivered", "response": "250 OK"},
    {"event": "open", "useragent": BROWSER},
    {"event": "click", "useragent": BROWSER, "url": "https://site.example/a"},
)


class Post(msgspec.Struct, frozen=True):
    """One signed batch, ready to go."""

    body: bytes
    headers: Mapping[str, str]
    messages: Sequence[MessageId]
    """The messages that are clicked in it, each of which moves its plan on."""


def events(messages: Sequence[MessageId], tag: str, at: datetime) -> Iterator[dict[str, Any]]:
    """Three events a message: what becomes of a mail that is well received."""
    for start in range(0, len(messages), CHUNK):
        for nth, kind in enumerate(KINDS):
            for message in messages[start : start + CHUNK]:
                yield {
                    "email": f"{message}@harbor.example",
                    "timestamp": int(at.timestamp()) + 60 * nth,
                    "sg_event_id": f"{message}-{nth}",
                    "sg_message_id": f"{message}.recvd-canary-5f7d8-1-2.0",
                    "ip": "81.84.20.7",
                    "antiphon_message": str(message),
                    "antiphon_attempt": "1",
                    "antiphon_tenant": tag,
                    **kind,
                }


def clicks(messages: Sequence[MessageId], tag: str, at: datetime) -> Iterator[dict[str, Any]]:
    """One event a message, which moves its plan on."""
    return (one for one in events(messages, tag, at) if one["event"] == "click")


def signed(
    given: Sequence[Mapping[str, Any]], batch: int, key: SigningKey, now: datetime
) -> list[Post]:
    """The events in batches, each signed now."""
    return [_signed(given[at : at + batch], key, now) for at in range(0, len(given), batch)]


def _signed(given: Sequence[Mapping[str, Any]], key: SigningKey, now: datetime) -> Post:
    body = json.dumps(given).encode()
    headers = {"Content-Type": "application/json"} | key.headers(int(now.timestamp()), body)
    moved = [MessageId(UUID(one["antiphon_message"])) for one in given if one["event"] == "click"]
    return Post(body, headers, moved)


class Poster:
    """Posts over kept connections, one a thread."""

    def __init__(self, url: str, connections: int) -> None:
        self._place = urlsplit(url)
        self._threads = ThreadPoolExecutor(connections, "post")
        self._own = local()
        self._opened: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Wait for what is under way, and hang up."""
        self._threads.shutdown()
        for connection in self._opened:
            connection.close()

    def at_once(self, posts: Sequence[Post]) -> float:
        """All of them as fast as they are taken; the seconds until the last was acknowledged."""
        began = monotonic()
        for _ in self._threads.map(self._post, posts):
            pass
        return monotonic() - began

    def paced(self, posts: Sequence[Post], per_s: float) -> tuple[float, list[float]]:
        """One after another at a fixed pace, whatever becomes of them.

        When the first was due, and for each the seconds from its due time to its acknowledgement.
        """
        began = monotonic() + 0.1
        under_way = []
        for number, post in enumerate(posts):
            due = began + number / per_s
            sleep(max(due - monotonic(), 0.0))
            under_way.append((due, self._threads.submit(self._post, post)))
        return began, [future.result() - due for due, future in under_way]

    def _post(self, post: Post) -> float:
        """Post once; when it was acknowledged. Any other answer is an error of the benchmark."""
        connection = self._connection()
        connection.request("POST", self._place.path, post.body, dict(post.headers))
        answer = connection.getresponse()
        told = answer.read()
        assert answer.status == HTTPStatus.NO_CONTENT, (answer.status, told[:500])
        self._own.used_at = monotonic()
        acknowledged_at: float = self._own.used_at
        return acknowledged_at

    def _connection(self) -> http.client.HTTPConnection:
        """The one of this thread, or a new one where the server may have closed it by now."""
        own = self._own
        if monotonic() - getattr(own, "used_at", float("-inf")) > IDLE_S:
            if hasattr(own, "connection"):
                own.connection.close()
            host, port = str(self._place.hostname), self._place.port
            own.connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
            self._opened.append(own.connection)
        kept: http.client.HTTPConnection = own.connection
        return kept
