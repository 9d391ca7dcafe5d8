"""What is wrong with the webhooks of an account, in words that say what to mend."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from infra.providers.sendgrid.suppression_lists import SendGridApi
from infra.providers.sendgrid.webhook_settings import (
    TYPES,
    Hook,
    read_webhooks,
    webhook_settings_faults,
)
from tests.infra.sendgrid_server import Server, answering

URL = "https://mail.example/webhooks/sendgrid/acme"
KEY = "MFkw-key"
GOOD = Hook(id="h1", url=URL, enabled=True, public_key=KEY, flags=frozenset(TYPES))


def faults(*hooks: Hook) -> list[str]:
    return webhook_settings_faults(hooks, URL, [KEY])


def test_one_signed_webhook_with_all_types_is_what_is_wanted() -> None:
    assert faults(GOOD, replace(GOOD, id="h2", url="https://other.example/x", public_key="")) == []
    assert faults(replace(GOOD, flags=GOOD.flags - {"open", "click"})) == []


@pytest.mark.parametrize(
    ("hooks", "words"),
    [
        ((), ["no webhook posts to"]),
        ((replace(GOOD, url=URL + "/"),), ["no webhook posts to", "h1 has a wrong URL"]),
        ((replace(GOOD, enabled=False),), ["not enabled"]),
        ((GOOD, replace(GOOD, id="h2")), ["2 webhooks post to", "h1, h2"]),
        ((replace(GOOD, flags=GOOD.flags - {"bounce"}),), ["h1 does not post bounce"]),
        ((replace(GOOD, public_key=""),), ["h1 is not signed"]),
        ((replace(GOOD, public_key="another"),), ["a key that is not registered"]),
    ],
)
def test_each_fault_is_told(hooks: tuple[Hook, ...], words: list[str]) -> None:
    found = "\n".join(faults(*hooks))
    assert all(word in found for word in words), found


def test_settings_are_read_as_the_account_tells_them() -> None:
    settings: dict[str, Any] = {name: True for name in TYPES if name != "deferred"}
    told = {"id": "h1", "url": URL, "enabled": True, "public_key": KEY, **settings}
    body = json.dumps({"max_allowed": 5, "webhooks": [told, {"id": "h2"}, 7]}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    server = Server(answering(head + body))
    api = SendGridApi("SG.key", server.url)
    try:
        first, second = read_webhooks(api)
    finally:
        api.close()
        server.close()
    assert first == replace(GOOD, flags=GOOD.flags - {"deferred"})
    assert (second.url, second.enabled) == ("", False)
    assert b"GET /v3/user/webhooks/event/settings/all " in server.requests[0]
