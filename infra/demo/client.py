"""The demo's way to the engine: its HTTP API, as any program would use it."""

import http.client
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]
TIMEOUT_S = 120
LIMIT = 500


class Refused(Exception):
    """The API answered with a problem; the text has its code and details."""


class Client:
    """One connection to the API with one key; made again when the server comes back."""

    def __init__(self, url: str, key: str) -> None:
        self._place = urlsplit(url)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: object) -> Json:
        """A JSON answer."""
        given = {key: value for key, value in query.items() if value is not None}
        return self._call("GET", f"{path}?{urlencode(given)}" if given else path, None)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Post JSON, get JSON."""
        return self._call("POST", path, json.dumps(body or {}).encode())

    def pages(self, path: str, **query: object) -> Iterator[Json]:
        """All items of a list, page by page."""
        cursor: object = None
        while True:
            page = self.get(path, limit=LIMIT, cursor=cursor, **query)
            yield from page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _call(self, method: str, path: str, body: bytes | None) -> Json:
        if self._connection is None:
            host = self._place.hostname or "127.0.0.1"
            self._connection = http.client.HTTPConnection(host, self._place.port, timeout=TIMEOUT_S)
        try:
            self._connection.request(method, path, body, self._headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = None
            raise
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(
                f"{method} {path}: {answer.status} {text[:2000].decode(errors='replace')}"
            )
        found: Json = json.loads(text) if text else {}
        return found
