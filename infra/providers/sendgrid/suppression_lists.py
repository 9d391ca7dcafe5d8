"""SendGrid's lists of addresses that it drops mail to: read page by page, and added to."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.parse import urlencode
from urllib.request import Request

import msgspec
from typing_extensions import override

from handlers.ports import ListedAddress, ListsOutOfReach, SuppressionLists
from infra.connection import Answered, AnswerTooLong, Connections, Limits
from infra.providers.sendgrid import dates

PROVIDER = "sendgrid"
PAGE = 500
PAGES_MAX = 2_000
"""A million addresses in one reading; what goes on for longer is not read to its end."""
GROUPS_MAX = 200
PUSH_MAX = 500
TOTAL_S = 30.0
"""A page of five hundred may take longer than a send."""


T = TypeVar("T")


class _Entry(msgspec.Struct):
    email: str
    created: Any = None


class _Group(msgspec.Struct):
    id: int


_ENTRIES = msgspec.json.Decoder(list[_Entry])
_GROUPS = msgspec.json.Decoder(list[_Group])
_ADDRESSES = msgspec.json.Decoder(list[str])


class SendGridApi:
    """GET and POST of small JSON answers under a deadline; every failure is ListsOutOfReach."""

    def __init__(
        self, api_key: str, base_url: str, *, connect_s: float = 3.0, total_s: float = TOTAL_S
    ) -> None:
        self._key = api_key
        self._base_url = base_url.rstrip("/")
        self._connections = Connections(base_url, Limits(connect_s=connect_s, total_s=total_s))

    def get(self, path: str, **asked: object) -> bytes:
        """The body of a 200 answer."""
        query = f"?{urlencode(asked)}" if asked else ""
        return self._called("GET", path + query, b"").body

    def post(self, path: str, given: Mapping[str, Any]) -> None:
        """Told, and taken with a 2xx answer."""
        self._called("POST", path, json.dumps(given).encode())

    def close(self) -> None:
        """Close kept connections."""
        self._connections.close()

    def _called(self, method: str, path: str, body: bytes) -> Answered:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        request = Request(  # noqa: S310  # the scheme of the base URL is checked by Connections
            self._base_url + path, data=body, headers=headers, method=method
        )
        try:
            answered = self._connections.exchange().run(request)
        except (OSError, HTTPException, AnswerTooLong) as error:
            raise ListsOutOfReach(type(error).__name__) from error
        if not HTTPStatus.OK <= answered.status < HTTPStatus.MULTIPLE_CHOICES:
            raise ListsOutOfReach(f"status_{answered.status}")
        return answered


class SendGridSuppressionLists(SuppressionLists):
    """The suppression lists of one SendGrid account."""

    provider = PROVIDER

    def __init__(self, api: SendGridApi) -> None:
        self._api = api

    @override
    def entries(self, name: str, since: datetime | None) -> Iterator[ListedAddress]:
        start = {} if since is None else {"start_time": int(since.timestamp())}
        seen: set[bytes] = set()
        for number in range(PAGES_MAX):
            body = self._api.get(
                f"/v3/suppression/{name}", **start, limit=PAGE, offset=number * PAGE
            )
            page = _decoded(_ENTRIES, body)
            if page:
                _guard(seen, body)
            yield from (_listed(entry) for entry in page)
            if len(page) < PAGE:
                return
        raise ListsOutOfReach("endless")

    @override
    def groups(self) -> Mapping[str, Sequence[ListedAddress]]:
        found = _decoded(_GROUPS, self._api.get("/v3/asm/groups"))
        if len(found) > GROUPS_MAX:
            raise ListsOutOfReach("endless")
        return {
            str(group.id): [
                ListedAddress(address)
                for address in _decoded(
                    _ADDRESSES, self._api.get(f"/v3/asm/groups/{group.id}/suppressions")
                )
            ]
            for group in found
        }

    @override
    def push(self, addresses: Sequence[str]) -> None:
        for start in range(0, len(addresses), PUSH_MAX):
            some = list(addresses[start : start + PUSH_MAX])
            self._api.post("/v3/asm/suppressions/global", {"recipient_emails": some})


def _guard(seen: set[bytes], body: bytes) -> None:
    """A page that comes again means that the offset is not heeded: it would never end."""
    digest = sha256(body).digest()
    if digest in seen:
        raise ListsOutOfReach("looping")
    seen.add(digest)


def _listed(entry: _Entry) -> ListedAddress:
    at_ms = dates.event_ms(entry.created)
    return ListedAddress(entry.email, None if at_ms is None else dates.instant(at_ms))


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ListsOutOfReach("unreadable") from error
