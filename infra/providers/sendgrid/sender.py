"""Sends one mail by one call of the official SendGrid client, over kept-alive connections."""

import logging
import urllib.request

import python_http_client
import sendgrid

from handlers.ports import Answer, Mail
from infra.connection import Answered, Connections, Exchange, Limits
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
        self._base_url = base_url.rstrip("/")
        self._api = sendgrid.SendGridAPIClient(api_key=api_key, host=self._base_url)
        self._connections = Connections(self._base_url, Limits(connect_s, total_s))
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
        client = _OneCall(exchange, host=self._base_url, headers=self._api.client.request_headers)
        try:
            response = client.mail.send.post(request_body=body)
            headers = {name.lower(): text for name, text in response.headers.items()}
        except Exception as error:  # noqa: BLE001  # the port never raises; the class decides, not we
            return classify(Failed(error, written=exchange.written))
        return classify(Heard(response.status_code, headers, response.body))


class _OneCall(python_http_client.Client):  # type: ignore[misc]  # the wheel carries no types
    """The official client with its transport exchanged: statuses are answers, not exceptions."""

    def __init__(self, exchange: Exchange, *, host: str, headers: dict[str, str]) -> None:
        super().__init__(host=host, request_headers=dict(headers), version=3)
        self._exchange = exchange

    def _build_client(self, name: str | None = None) -> "_OneCall":
        longer = _OneCall(self._exchange, host=self.host, headers=self.request_headers)
        longer._url_path = [*self._url_path, name] if name else self._url_path
        return longer

    def _make_request(
        self, _opener: object, request: urllib.request.Request, timeout: float | None = None
    ) -> Answered:
        assert timeout is None, "the exchange has its own deadlines"
        return self._exchange.run(request)
