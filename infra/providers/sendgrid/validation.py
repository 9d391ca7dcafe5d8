"""What SendGrid's Email Address Validation says of an address; it needs a key of its own."""

import logging
import urllib.request
from http import HTTPStatus

import msgspec
from typing_extensions import override

from domain.taxonomy import AddressVerdict
from handlers.addresses import Validation
from infra.connection import Connections, Limits

VERDICTS = {
    "Valid": AddressVerdict.VALID,
    "Risky": AddressVerdict.RISKY,
    "Invalid": AddressVerdict.INVALID,
}
_PATH = "/v3/validations/email"
_SOURCE = "antiphon"
_LOG = logging.getLogger(__name__)


class _Result(msgspec.Struct, frozen=True):
    verdict: str


class _Told(msgspec.Struct, frozen=True):
    result: _Result


class SendGridValidation(Validation):
    """One call for each address, over kept-alive connections; safe to use from many threads."""

    name = "sendgrid"

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
        self._url = base_url.rstrip("/") + _PATH
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        self._connections = Connections(base_url, Limits(connect_s, total_s))

    @override
    def verdict(self, address: str) -> AddressVerdict:
        body = msgspec.json.encode({"email": address, "source": _SOURCE})
        request = urllib.request.Request(self._url, body, self._headers, method="POST")  # noqa: S310  # http(s) only, as Connections checked
        try:
            answered = self._connections.exchange().run(request)
            if answered.status == HTTPStatus.OK:
                told = msgspec.json.decode(answered.body, type=_Told)
                return VERDICTS.get(told.result.verdict, AddressVerdict.UNCHECKED)
        except Exception as error:  # noqa: BLE001  # the port never raises; without an answer nothing is known
            _LOG.warning("an address could not be validated: %s", type(error).__name__)
            return AddressVerdict.UNCHECKED
        _LOG.warning("an address could not be validated: status %d", answered.status)
        return AddressVerdict.UNCHECKED

    def close(self) -> None:
        """Close the idle connections; for the end of the process and of tests."""
        self._connections.close()
