"""Sends one mail by one call of the official SendGrid client, over kept-alive connections."""

import logging
import urllib.request
from collections.abc import Mapping, Sequence

import msgspec
import python_http_client
import sendgrid

from handlers.ports import Answer, Mail
from infra.connection import Connections, Limits
from infra.providers.sendgrid.answers import Failed, Heard, classify
from infra.providers.sendgrid.request import Json, mail_send


class SendGridProvider:
    """Implements handlers.ports.Provider; safe to use from many threads at once."""

    idempotent = False
    fenced = False

    def __init__(
        self,
        api_key: str,
        base_url: str = "https://api.sendgrid.com",
        *,
        connect_s: float = 3.0,
        total_s: float = 10.0,
        open_tracking: bool = False,
    ) -> None:
        if not api_key:
            # The official client would look for one in the environment.
            raise ValueError("the API key is empty")
        # The official client writes keys and bodies to its debug log, whatever the root level is.
        logging.getLogger("python_http_client.client").setLevel(logging.WARNING)
        api = sendgrid.SendGridAPIClient(api_key=api_key, host=base_url.rstrip("/"))
        headers = {**api.client.request_headers, "Content-Type": "application/json"}
        self._mail_send = _Requests(api.host, headers).mail.send
        self._connections = Connections(base_url, Limits(connect_s, total_s))
        self._open_tracking = open_tracking

    def send(self, mail: Mail, *, attempt: int, tenant_tag: str) -> Answer:
        body = mail_send(
            mail, attempt=attempt, tenant_tag=tenant_tag, open_tracking=self._open_tracking
        )
        return self._post(body)

    def close(self) -> None:
        """Close the idle connections; for the end of the process and of tests."""
        self._connections.close()

    def _post(self, body: Json) -> Answer:
        exchange = self._connections.exchange()
        try:
            answered = exchange.run(self._mail_send.request(msgspec.json.encode(body)))
            headers = {name.lower(): text for name, text in answered.headers.items()}
        except Exception as error:  # noqa: BLE001  # the port never raises; the class decides, not we
            return classify(Failed(error, written=exchange.written))
        return classify(Heard(answered.status, headers, answered.body))


class _Requests(python_http_client.Client):  # type: ignore[misc]  # the wheel carries no types
    """The official client up to its transport: it says where a call goes, and with which headers.

    Its own `post` makes an opener with ten handlers for every call, which costs more than the call.
    """

    def __init__(self, host: str, headers: Mapping[str, str], path: Sequence[str] = ()) -> None:
        super().__init__(host, dict(headers), version=3, url_path=list(path))

    def _build_client(self, name: str | None = None) -> "_Requests":
        path = [*self._url_path, name] if name else self._url_path
        return _Requests(self.host, self.request_headers, path)

    def request(self, body: bytes) -> urllib.request.Request:
        """The post of a body to where this client points."""
        url = self._build_url(None)
        return urllib.request.Request(url, body, self.request_headers, method="POST")  # noqa: S310  # http(s) only, as Connections checked
