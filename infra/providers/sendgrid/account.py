"""What SendGrid tells about an account: its verified addresses, and whether a key is good.

No call here sends anything; each is made once, within its time-out.
"""

import http.client
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from typing_extensions import override

from handlers.ports.accounts import ProviderAccount, ProviderUnseen
from infra.connection import Answered, AnswerTooLong, Connections, Limits

PAGE, PAGES_MAX = 100, 50
MAIL_SEND = "mail.send"
REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class _Address(msgspec.Struct, frozen=True):
    id: int
    from_email: str
    verified: bool


class _Addresses(msgspec.Struct, frozen=True):
    results: list[_Address]


class _Scopes(msgspec.Struct, frozen=True):
    scopes: list[str]


Shape = TypeVar("Shape", _Addresses, _Scopes)


class SendGridAccount(ProviderAccount):
    """Implements handlers.ports.accounts.ProviderAccount."""

    def __init__(
        self,
        api_key: str,
        base_url: str = "https://api.sendgrid.com",
        *,
        connect_s: float = 3.0,
        total_s: float = 10.0,
    ) -> None:
        if not api_key:
            raise ValueError("the API key is empty")
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._connections = Connections(self._base_url, Limits(connect_s, total_s))

    @override
    def verified(self) -> Mapping[str, bool]:
        found: dict[str, bool] = {}
        after = 0
        for _ in range(PAGES_MAX):
            page = self._page(after)
            for one in page:
                address = one.from_email.lower()
                found[address] = found.get(address, False) or one.verified
            if len(page) < PAGE:
                return found
            after = page[-1].id
        raise ProviderUnseen(f"the list of addresses has more than {PAGE * PAGES_MAX} rows")

    @override
    def credentials_work(self) -> bool:
        answered = self._get("/v3/scopes")
        if answered.status in REFUSED:
            return False
        return MAIL_SEND in _read(answered, _Scopes).scopes

    def close(self) -> None:
        """Close the idle connections."""
        self._connections.close()

    def _page(self, after: int) -> list[_Address]:
        query = {"limit": PAGE} | ({"lastSeenID": after} if after else {})
        return _read(self._get(f"/v3/verified_senders?{urlencode(query)}"), _Addresses).results

    def _get(self, path: str) -> Answered:
        request = urllib.request.Request(  # noqa: S310  # the scheme is checked by the connections
            self._base_url + path, data=b"", headers=self._headers, method="GET"
        )
        try:
            return self._connections.exchange().run(request)
        except (OSError, http.client.HTTPException, AnswerTooLong) as error:
            raise ProviderUnseen(type(error).__name__) from error


def _read(answered: Answered, shape: type[Shape]) -> Shape:
    if answered.status != HTTPStatus.OK:
        raise ProviderUnseen(f"status {answered.status}")
    try:
        return msgspec.json.decode(answered.body, type=shape)
    except msgspec.DecodeError as error:
        raise ProviderUnseen("an answer that cannot be read") from error
