"""The JSON API as a program uses it: one kept connection, one key, the time of each answer."""

import http.client
import json
from collections.abc import Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.load.customer import Customer
from infra.keys import add_key

TIMEOUT_S = 120


class Api:
    """One tenant's way in."""

    def __init__(self, url: str, customer: Customer) -> None:
        place = urlsplit(url)
        key = add_key(
            customer.system.database, customer.tenant, "admin", pepper=customer.system.pepper
        )
        self._headers = {
            "Authorization": f"Bearer {key.text}",
            "Content-Type": "application/json",
        }
        self._connection = http.client.HTTPConnection(
            str(place.hostname), place.port, timeout=TIMEOUT_S
        )

    def get(self, path: str, **query: object) -> tuple[float, dict[str, Any]]:
        """Seconds until the whole answer was there, and the answer."""
        took, status, text = self.ask(path, **query)
        assert status == HTTPStatus.OK, (path, query, status, text[:500])
        found: dict[str, Any] = json.loads(text)
        return took, found

    def ask(self, path: str, **query: object) -> tuple[float, int, bytes]:
        """The same whatever is answered: seconds, status and body."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._call("GET", f"{path}?{urlencode(given)}" if given else path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a write is answered with."""
        _, status, text = self._call("POST", path, json.dumps(body).encode())
        assert status in {HTTPStatus.OK, HTTPStatus.CREATED}, (path, status, text[:500])
        found: dict[str, Any] = json.loads(text)
        return found

    def _call(self, method: str, path: str, body: bytes | None) -> tuple[float, int, bytes]:
        began = perf_counter()
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        return perf_counter() - began, answer.status, text

    def close(self) -> None:
        """Close the connection: servers close it soon after the last request."""
        self._connection.close()
