"""Posts of providers: verified raw, stored, then acknowledged; never a 500."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.ids import MessageId, TenantId
from domain.taxonomy import Signal
from handlers.ports import Report
from handlers.services import TenantServices
from handlers.webhooks.endpoint import EVENTS_BYTES_MAX, EVENTS_MAX, INBOUND_BYTES_MAX
from handlers.webhooks.inbound import InboundReports, keep_reply
from handlers.webhooks.words import EncodedBody, Inbound, MatchedBy, ReplyClass
from tests.handlers.web_fakes import NOON, TENANT, SignedWithWord, World, a_message

EVENTS = "/webhooks/sendgrid/acme"
INBOUND = "/webhooks/sendgrid/acme/inbound"
GOOD = {"x-twilio-signed": "good", "content-type": "application/json"}
MESSAGE = a_message(1).id


class BadReader(SignedWithWord):
    """A reader that fails in the ways of its arguments."""

    def __init__(self, on_verify: Exception | None = None, events: int = 1) -> None:
        self.on_verify = on_verify
        self.events = events

    def verify(self, headers: Any, body: bytes, *, now: datetime) -> bool:
        if self.on_verify is not None:
            raise self.on_verify
        return super().verify(headers, body, now=now)

    def read(self, body: bytes, *, tenant: TenantId) -> list[Report]:
        return super().read(body, tenant=tenant) * self.events


def test_a_signed_post_is_stored_raw_before_it_is_acknowledged() -> None:
    world = World()
    body = b'[{"a":1},\r\n{"b":"\\u003c"}]\r\n'
    headers = {**GOOD, "authorization": "Bearer of a proxy", "cookie": "x=y"}
    assert world.client.post(EVENTS, content=body, headers=headers).status_code == 204
    ((provider, kept, reports, late),) = world.box.kept
    assert (provider, kept, len(reports), late) == ("sendgrid", body, 1, False)
    assert set(world.box.headers) == {"x-twilio-signed", "content-type", "user-agent"}
    assert world.bell.rung == ["ingest"]


@pytest.mark.parametrize("path", [EVENTS, INBOUND, "/webhooks/sendgrid/nobody"])
def test_unsigned_webhook_refused(path: str) -> None:
    """Nothing is stored but a counter; an unknown tenant looks like a wrong key."""
    world = World()
    headers = GOOD if "nobody" in path else {}
    answer = world.client.post(path, content=b"[]", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature")
    assert (world.box.kept, world.papers.replies) == ([], {})
    assert world.counted == ["webhook.refused.InvalidSignature"]


def test_what_cannot_be_stored_is_asked_for_again() -> None:
    world = World()
    world.box.away = True
    answer = world.client.post(EVENTS, content=b"[]", headers=GOOD)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "secret.example" not in answer.text
    assert world.bell.rung == []


@pytest.mark.parametrize(
    ("reader", "status"),
    [
        (BadReader(on_verify=EncodedBody()), 415),
        (BadReader(on_verify=ValueError("malformed")), 503),
        (BadReader(events=EVENTS_MAX + 1), 413),
    ],
)
def test_webhook_path_never_500s(reader: Any, status: int) -> None:
    world = World(reader=reader)
    assert world.client.post(EVENTS, content=b"[]", headers=GOOD).status_code == status
    assert world.box.kept == []


def test_a_post_that_is_too_long_or_no_json_is_refused() -> None:
    world = World()
    long = b" " * (EVENTS_BYTES_MAX + 1)
    assert world.client.post(EVENTS, content=long, headers=GOOD).status_code == 413
    form = {**GOOD, "content-type": "text/html"}
    assert world.client.post(EVENTS, content=b"[]", headers=form).status_code == 415
    assert INBOUND_BYTES_MAX > 30_000_000


# --- replies --------------------------------------------------------------------------------------


def test_a_reply_is_kept_in_the_vault_and_its_report_in_the_inbox() -> None:
    world = World()
    headers = {"x-twilio-signed": "good", "content-type": "multipart/form-data"}
    for _ in range(2):
        assert world.client.post(INBOUND, content=b"No thanks", headers=headers).status_code == 204
    (reply,) = world.papers.replies.values()
    assert (reply["text"], reply["class"]) == ("No thanks", "human")
    (first, second) = world.box.kept
    assert first[0] == "sendgrid_inbound"
    assert first[1] == b"No thanks"
    assert first[2] == second[2]
    assert b"No thanks" not in first[2][0].raw


def test_the_secret_path_takes_a_post_without_signature_only_where_there_is_a_secret() -> None:
    world = World(inbound_secret="s3cret")
    assert world.client.post(f"{INBOUND}/s3cret", content=b"x").status_code == 204
    assert world.client.post(f"{INBOUND}/wrong", content=b"x").status_code == 401
    assert World().client.post(f"{INBOUND}/x", content=b"x").status_code == 401
    assert World().client.post(f"{INBOUND}/", content=b"x").status_code in (307, 404, 401)


def report(**given: Any) -> Report:
    """The report of an inbound message, as the worker reads it from what was kept."""
    world = World()
    tenant: TenantServices = world.tenant
    inbound = Inbound(provider="sendgrid", key=b"\x02" * 32, **given)
    keep_reply(tenant, inbound, {}, b"", late=False)
    ((_, _, (kept,), _),) = world.box.kept
    read = InboundReports().translate(kept.raw, tenant=TENANT)
    assert read == kept
    return read


def test_neutral_reply_stops() -> None:
    read = report(reply_class=ReplyClass.HUMAN, address="ada@example.com", text="Who are you?")
    assert (read.signal, read.suppresses, read.problem) == (Signal.REPLIED, False, None)
    assert read.at == NOON


def test_a_reply_that_asks_for_no_more_also_suppresses() -> None:
    read = report(reply_class=ReplyClass.HUMAN, address="ada@example.com", opt_out="remove me")
    assert (read.signal, read.suppresses, read.address) == (
        Signal.REPLIED,
        True,
        "ada@example.com",
    )


def test_out_of_office_is_not_a_reply() -> None:
    read = report(reply_class=ReplyClass.AUTOMATIC, returns_on=date(2026, 4, 1))
    assert read.signal == Signal.AUTO_REPLIED
    assert not read.suppresses


def test_own_sent_copy_is_not_a_reply() -> None:
    read = report(reply_class=ReplyClass.OWN, address="sam@mail.example")
    assert (read.signal, read.problem) == (None, "own_message")


def test_a_delivery_report_bounces_its_message_and_bans_no_mail_server() -> None:
    read = report(
        reply_class=ReplyClass.BOUNCE_REPORT, address="mailer-daemon@mx.example", message_id=MESSAGE
    )
    assert (read.signal, read.address, read.suppresses) == (Signal.BOUNCED, None, False)


def test_a_reply_that_names_our_message_proves_that_it_was_sent() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    read = report(
        reply_class=ReplyClass.HUMAN,
        message_id=MessageId(MESSAGE),
        attempt=2,
        tenant_tag="tag-acme",
        matched_by=MatchedBy.IN_REPLY_TO,
        at=at,
    )
    assert (read.accepted, read.attempt, read.tenant_tag, read.at) == (True, 2, "tag-acme", at)
    assert not report(reply_class=ReplyClass.HUMAN).accepted


def test_words_that_the_database_cannot_hold_are_kept_without_them() -> None:
    world = World()
    inbound = Inbound(
        provider="sendgrid", key=b"\x02", reply_class=ReplyClass.HUMAN, text="a\x00b\ud800c"
    )
    keep_reply(world.tenant, inbound, {}, b"", late=False)
    (reply,) = world.papers.replies.values()
    assert reply["text"] == "ab?c"


def test_a_kept_reply_that_cannot_be_read_is_a_report_with_a_problem() -> None:
    for raw in (b"", b"{}", b"\xff", b'{"key": "xyz"}'):
        assert InboundReports().translate(raw, tenant=TENANT).problem == "unreadable"
