"""Posts to registered endpoints: one signed request, two deadlines, no redirect."""

import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from importlib.metadata import version

from typing_extensions import override

from domain.ids import ErrandId
from handlers.ports import Called, Endpoint, EndpointCaller
from infra.connection import (
    AnswerTooLong,
    KeptConnection,
    Limits,
    Resolve,
    addresses_of,
    tls_context,
)
from infra.endpoints.addresses import AddressRefused, checked_url, public_only
from infra.endpoints.signing import signed

CONNECT_S, TOTAL_S = 3.0, 10.0
ANSWER_READ_MAX = 65_536
"""So much of an answer is read, to let the endpoint finish; nothing of it is kept."""
RETRY_AFTER_S_MAX = 86_400.0
WORTH_RETRYING = frozenset({408, 409, 425, 429})
"""Of the answers that say the request was wrong, those that may be another the next time."""

_Failure = type[Exception] | tuple[type[Exception], ...]
_REASONS: tuple[tuple[_Failure, str], ...] = (
    (TimeoutError, "timeout"),
    (socket.gaierror, "no_such_host"),
    (ssl.SSLError, "tls"),
    ((OSError, HTTPException, AnswerTooLong), "connection"),
)
"""The word for each failure of a call; the first that fits."""


class HttpCaller(EndpointCaller):
    """Implements handlers.ports.EndpointCaller; safe to use from many threads at once."""

    def __init__(
        self,
        real_now: Callable[[], datetime],
        *,
        allow_private: bool = False,
        limits: Limits | None = None,
        resolve: Resolve = addresses_of,
    ) -> None:
        self._real_now = real_now
        self._allow_private = allow_private
        self._resolve = resolve if allow_private else public_only(resolve)
        self._limits = limits or Limits(CONNECT_S, TOTAL_S)
        self._tls = tls_context()

    @override
    def call(self, endpoint: Endpoint, call_id: ErrandId, body: bytes) -> Called:
        try:
            status, headers = self._post(endpoint, str(call_id), body)
        except (AddressRefused, UnicodeError):  # the latter: a name that no resolver takes
            return Called(ok=False, reason="address_refused")
        except (OSError, HTTPException, AnswerTooLong) as error:
            reason = next(word for kinds, word in _REASONS if isinstance(error, kinds))
            return Called(ok=False, final=False, reason=reason)
        return classified(status, headers, self._real_now)

    def _post(self, endpoint: Endpoint, call_id: str, body: bytes) -> tuple[int, Mapping[str, str]]:
        url = checked_url(endpoint.url, allow_private=self._allow_private)
        tls = self._tls if url.scheme == "https" else None
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        at = int(self._real_now().timestamp())  # receivers compare with their own clock
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"antiphon/{version('antiphon')}",
            "Connection": "close",
            **signed(endpoint.secret, call_id, at, body),
        }
        connection = KeptConnection(url, tls, self._resolve)
        try:
            connection.begin(self._limits)
            connection.request("POST", path, body, headers)
            connection.flush()
            response = connection.getresponse()
            with suppress(OSError, HTTPException, AnswerTooLong):  # the status says it all
                response.read(ANSWER_READ_MAX)
            return response.status, dict(response.headers.items())
        finally:
            connection.close()


def classified(status: int, headers: Mapping[str, str], real_now: Callable[[], datetime]) -> Called:
    """What an answer means: done, once more, or never."""
    if 200 <= status < 300:  # noqa: PLR2004  # the class of statuses that means done
        return Called(ok=True)
    final = 400 <= status < 500 and status not in WORTH_RETRYING  # noqa: PLR2004  # as above
    wait = None if final else _retry_after_s(headers, real_now)
    return Called(ok=False, final=final, reason=f"http_{status}", retry_after_s=wait)


def _retry_after_s(headers: Mapping[str, str], real_now: Callable[[], datetime]) -> float | None:
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    if text.strip().isdecimal():
        return min(float(text), RETRY_AFTER_S_MAX)
    try:
        seconds = (parsedate_to_datetime(text) - real_now()).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):  # no date, or one without a zone
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_S_MAX)
