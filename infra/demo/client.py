"""The demo's way to the engine: its HTTP API, as any program would use it."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]
TIMEOUT_S = 120
LIMIT = 500
AGAIN = 40
"""Tries of a request while the web process is being started again."""
PAUSE_S = 0.25
AWAY = (OSError, http.client.HTTPException)


class Refused(Exception):
    """The API answered with a problem; the text has its code and details."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(told)
        self.status = status


class Client:
    """One connection to the API with one key; made again when the server comes back."""

    def __init__(self, url: str, key: str) -> None:
        self._place = urlsplit(url)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: object) -> Json:
        """A JSON answer."""
        given = {key: value for key, value in query.items() if value is not None}
        return self._call("GET", f"{path}?{urlencode(given)}" if given else path, None, {})

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, once: str = "") -> Json:
        """Post JSON, get JSON; `once` makes a repetition get the first answer again."""
        key = {"Idempotency-Key": once} if once else {}
        return self._call("POST", path, json.dumps(body or {}).encode(), key)

    def pages(self, path: str, **query: object) -> Iterator[Json]:
        """All items of a list, page by page."""
        cursor: object = None
        while True:
            page = self.get(path, limit=LIMIT, cursor=cursor, **query)
            yield from page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _call(self, method: str, path: str, body: bytes | None, more: Mapping[str, str]) -> Json:
        if self._connection is None:
            host = self._place.hostname or "127.0.0.1"
            self._connection = http.client.HTTPConnection(host, self._place.port, timeout=TIMEOUT_S)
        try:
            self._connection.request(method, path, body, {**self._headers, **more})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = None
            raise
        if answer.status >= HTTPStatus.BAD_REQUEST:
            told = text[:2000].decode(errors="replace")
            raise Refused(answer.status, f"{method} {path}: {answer.status} {told}")
        found: Json = json.loads(text) if text else {}
        return found


class Patient:
    """A client that waits for a web process that is being started again.

    Every write of the API is safe to repeat.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, path: str, **query: object) -> Json:
        """A JSON answer."""
        return _until_there(lambda: self._client.get(path, **query))

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, once: str = "") -> Json:
        """Post JSON, get JSON."""
        return _until_there(lambda: self._client.post(path, body, once=once))


def _until_there(call: Callable[[], Json]) -> Json:
    for left in reversed(range(AGAIN)):
        try:
            return call()
        except AWAY:
            if not left:
                raise
        except Refused as refused:
            if refused.status != HTTPStatus.SERVICE_UNAVAILABLE or not left:
                raise
        time.sleep(PAUSE_S)
    raise AssertionError  # the last try returns or raises
