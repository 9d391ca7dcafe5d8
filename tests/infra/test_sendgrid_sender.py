import json
import logging
from typing import Any

import pytest

from domain.taxonomy import AnswerClass
from infra.providers.sendgrid.sender import SendGridProvider
from tests.infra.sendgrid_server import (
    ACCEPTED,
    MAIL,
    MESSAGE,
    Server,
    answering,
    send_to,
    serving,
)


def posted(server: Server) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    return body


def test_request_is_one_message_to_one_recipient_with_our_marks() -> None:
    with serving(answering(ACCEPTED)) as (provider, server):
        answer = send_to(provider, attempt=3)
        assert (answer.kind, answer.provider_id) == (AnswerClass.ACCEPTED, "abc")
        assert posted(server) == {
            "personalizations": [{"to": [{"email": "contact@example.com"}]}],
            "from": {"email": "agent@sender.example", "name": "Agent"},
            "reply_to": {"email": MAIL.reply_to},
            "subject": "Hello",
            "content": [
                {"type": "text/plain", "value": "Hi"},
                {"type": "text/html", "value": "<p>Hi</p>"},
            ],
            "headers": {
                **MAIL.headers,
                "Message-ID": f"<{MESSAGE}.3@mail.sender.example>",
            },
            "custom_args": {
                "antiphon_message": str(MESSAGE),
                "antiphon_attempt": "3",
                "antiphon_tenant": "7f3a",
            },
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": {"enable": False},
                "subscription_tracking": {"enable": False},
            },
        }


def test_request_is_the_documented_call() -> None:
    with serving(answering(ACCEPTED)) as (provider, server):
        send_to(provider)
        head = server.requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
        assert head[0] == "POST /v3/mail/send HTTP/1.1"
        fields = {line.split(": ")[0].lower(): line.split(": ")[1] for line in head[1:]}
        assert fields["authorization"] == "Bearer SG.key"
        assert fields["content-type"] == "application/json"
        assert fields["host"] == server.url.removeprefix("http://")


def test_open_tracking_is_a_setting() -> None:
    with serving(answering(ACCEPTED), open_tracking=True) as (provider, server):
        send_to(provider)
        assert posted(server)["tracking_settings"]["open_tracking"] == {"enable": True}


def test_redirect_is_not_followed() -> None:
    with serving(answering(ACCEPTED)) as (_, elsewhere):
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n"
        with serving(answering(moved.encode())) as (provider, _):
            answer = send_to(provider)
        assert (answer.kind, answer.opens_circuit) == (AnswerClass.NOT_SENT, True)
        assert elsewhere.connections == 0


def test_server_error_is_a_doubt_and_not_tried_again() -> None:
    with serving(answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as (
        provider,
        server,
    ):
        assert send_to(provider).kind is AnswerClass.AMBIGUOUS
        assert len(server.requests) == 1


def test_key_that_no_header_can_carry_is_not_sent() -> None:
    with serving(answering(ACCEPTED)) as (_, server):
        provider = SendGridProvider("SG.\u0142", server.url)
        answer = send_to(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.NOT_SENT, "not_called")
        assert server.requests == []


def test_key_and_addresses_never_reach_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), serving(answering(ACCEPTED)) as (provider, _):
        send_to(provider)
    assert "SG.key" not in caplog.text
    assert "contact@example.com" not in caplog.text


def test_empty_key_is_refused_and_not_looked_for_elsewhere() -> None:
    with pytest.raises(ValueError, match="key"):
        SendGridProvider("")


@pytest.mark.parametrize("url", ["ftp://api.example", "api.example", "https://"])
def test_base_url_without_scheme_and_host_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        SendGridProvider("SG.key", url)
