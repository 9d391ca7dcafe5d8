import base64
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.sandbox.clock import real_now
from infra.sandbox.faults import Mode
from infra.sandbox.persons import Kind, Rates
from infra.sandbox.suppressions import BLOCKED, Suppressions
from tests.infra.sandbox_running import (
    MESSAGE,
    ORIGIN,
    Live,
    Received,
    config_for,
    fast_now,
    html_mail,
    mail,
    receiving,
    running,
)

TRACKED = {"click_tracking": {"enable": True}, "open_tracking": {"enable": True}}
LINKED = '<p><a href="https://elsewhere.example/a?x=1&amp;y=2">look</a></p>'
IDS = {"email", "timestamp", "event", "sg_event_id", "sg_message_id", "category"}
OURS = {"antiphon_message", "antiphon_attempt", "antiphon_tenant"}


def verify(live: Live, post: Received, body: bytes) -> None:
    public = serialization.load_der_public_key(base64.b64decode(live.sandbox.public_key_base64))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    stamp = post.headers["x-twilio-email-event-webhook-timestamp"]
    signature = base64.b64decode(post.headers["x-twilio-email-event-webhook-signature"])
    public.verify(signature, stamp.encode() + body, ec.ECDSA(hashes.SHA256()))


def semantics(event: dict[str, Any]) -> str:
    return json.dumps({**event, "sg_event_id": None}, sort_keys=True)


def numbered(count: int, **changes: object) -> list[dict[str, Any]]:
    own = mail()["custom_args"]
    return [
        mail(f"silent+{n}@example.com", custom_args={**own, "antiphon_message": str(n)}, **changes)
        for n in range(count)
    ]


def test_a_post_is_signed_over_the_raw_bytes_with_the_real_time() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(mail())
        post = receiver.first("/events")
        verify(live, post, post.body)
        with pytest.raises(InvalidSignature):
            verify(live, post, json.dumps(json.loads(post.body)).encode())
        stamp = int(post.headers["x-twilio-email-event-webhook-timestamp"])
        assert abs(real_now().timestamp() - stamp) < 60


def test_a_body_has_the_form_of_the_provider() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(mail())
        receiver.first_event("delivered")
        live.wait_until_idle(receiver)
        for post in receiver.to("/events"):
            assert post.body.startswith(b"[{")
            assert post.body.endswith(b"}]\r\n")
            assert post.body.count(b"},\r\n{") == len(post.events()) - 1
            assert not re.search(rb"[<>]", post.body)
            assert b'"smtp-id":"\\u003c' + MESSAGE.encode() in post.body


@pytest.mark.parametrize(
    ("to", "kind", "fields"),
    [
        ("silent+a", "processed", {"smtp-id", "pool"}),
        ("defer+a", "deferred", {"smtp-id", "response", "attempt", "domain", "from"}),
        ("silent+a", "delivered", {"smtp-id", "response", "ip", "tls"}),
        (
            "bounce+a",
            "bounce",
            {"smtp-id", "type", "reason", "status", "bounce_classification", "ip", "tls"},
        ),
        ("open+a", "open", {"useragent", "ip", "sg_machine_open", "sg_content_type"}),
        ("click+a", "click", {"useragent", "ip", "url", "url_offset"}),
        ("spam+a", "spamreport", set()),
    ],
)
def test_an_event_has_the_documented_fields(to: str, kind: str, fields: set[str]) -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        request = html_mail(f"{to}@example.com", LINKED, tracking_settings=TRACKED)
        live.send({**request, "ip_pool_name": "outreach_pool"})
        event = receiver.first_event(kind)
        assert set(event) == IDS | OURS | fields
        assert event["antiphon_message"] == MESSAGE
        assert event["timestamp"] >= ORIGIN.timestamp()


def test_event_times_are_the_simulated_instants() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(html_mail("click+a@example.com", LINKED, tracking_settings=TRACKED))
        times = [receiver.first_event(k)["timestamp"] for k in ("delivered", "open", "click")]
        assert times == sorted(times)
        assert times[1] - times[0] >= 10
        assert times[2] - times[1] >= 10
        assert times[2] - ORIGIN.timestamp() < timedelta(days=30).total_seconds()


def test_the_message_id_of_the_answer_is_the_prefix_of_the_events() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        provider_id = live.send(mail()).headers["x-message-id"]
        event = receiver.first_event("delivered")
        assert event["sg_message_id"].partition(".")[0] == provider_id


def test_a_machine_open_is_told_as_such() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(html_mail("machine+a@example.com", LINKED, tracking_settings=TRACKED))
        event = receiver.first_event("open")
        assert event["sg_machine_open"] is True
        assert event["useragent"] == "Mozilla/5.0"


def test_a_block_is_a_bounce_of_another_type() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(mail("block+a@example.com"))
        assert receiver.first_event("bounce")["type"] == "blocked"


def test_a_late_bounce_carries_no_ids() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        for n in range(12):
            live.send(mail(f"latebounce+{n}@example.com"))
        receiver.wait_for(lambda: len(receiver.events("bounce")) == 12)
        bounces = receiver.events("bounce")
        assert {event["sg_message_id"] for event in bounces} == {""}
        assert not any(OURS & set(event) for event in bounces)
        assert {"smtp-id" in event for event in bounces} == {True, False}
        assert len(receiver.events("delivered")) == 12


def test_opens_and_clicks_are_not_told_where_tracking_is_off() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(html_mail("click+a@example.com", LINKED))
        receiver.first_event("delivered")
        live.wait_until_idle(receiver)
        assert {event["event"] for event in receiver.events()} == {"processed", "delivered"}
        assert live.stats()["signals"] == {"delivered": 1, "processed": 1}


def test_a_repeat_differs_in_its_event_id_only() -> None:
    untidy = {"repeat_share": 1.0, "shuffle_share": 1.0}
    with receiving() as receiver, running(config_for(receiver, **untidy), fast_now()) as live:
        live.send(mail())
        receiver.wait_for(lambda: len(receiver.events()) == 4)
        events = receiver.events()
        assert len({event["sg_event_id"] for event in events}) == 4
        assert sorted(map(semantics, events))[0::2] == sorted(map(semantics, events))[1::2]
        assert live.stats()["signals"] == {"delivered": 1, "processed": 1}
        assert live.stats()["events_repeated"] == 2


def test_about_one_event_in_twenty_is_repeated() -> None:
    with (
        receiving() as receiver,
        running(config_for(receiver, repeat_share=0.05), fast_now()) as live,
    ):
        for request in numbered(200):
            live.send(request)
        receiver.wait_for(lambda: len({semantics(event) for event in receiver.events()}) == 400)
        live.wait_until_idle(receiver)
        assert 400 + 8 <= len(receiver.events()) <= 400 + 36
        assert len({event["sg_event_id"] for event in receiver.events()}) == len(receiver.events())


def test_what_is_not_taken_is_posted_again_with_the_same_body() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        receiver.answer = lambda _: 204 if len(receiver.requests) >= 3 else 503
        live.send(mail())
        receiver.wait_for(lambda: len(receiver.requests) >= 4)
        live.wait_until_idle(receiver)
        assert len({post.body for post in receiver.requests[:4]}) <= 2
        assert live.stats()["webhook_failures"] == 3
        assert len({semantics(event) for event in receiver.events()}) == 2


def test_a_post_is_given_up_when_its_time_is_over() -> None:
    with receiving() as receiver:
        receiver.answer = lambda _: 503
        with running(config_for(receiver, retry_for_real_s=0.0), fast_now()) as live:
            live.send(mail())
            receiver.first("/events")
            live.wait_until_idle(receiver)
            stats = live.stats()
            assert stats["webhook_failures"] == stats["webhook_posts"] > 0


def test_lost_events_never_arrive_and_are_counted() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.set_fault(Mode.LOSE_EVENTS)
        assert live.send(mail()).status == 202
        live.wait_until_idle(receiver)
        assert receiver.events() == []
        assert live.stats()["events_lost"] == 2
        live.set_fault(Mode.ACCEPT)
        live.send(mail())
        assert receiver.first_event("delivered")


def test_mail_to_an_address_that_bounced_is_dropped() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(mail("bounce+a@example.com"))
        receiver.first_event("bounce")
        listed = live.call("GET", "/v3/suppression/bounces").json()
        assert [entry["email"] for entry in listed] == ["bounce+a@example.com"]
        assert set(listed[0]) == {"created", "email", "reason", "status"}
        assert live.call("GET", "/v3/suppression/bounces?offset=1").json() == []
        assert live.call("GET", f"/v3/suppression/bounces?end_time={1}").json() == []
        assert live.call("GET", "/v3/suppression/none").status == 404
        live.send(mail("spam+a@example.com"))
        receiver.first_event("spamreport")
        complaints = live.call("GET", "/v3/suppression/spam_reports").json()
        assert [set(entry) for entry in complaints] == [{"created", "email", "ip"}]
        live.send(mail("Bounce+A@example.com"))
        assert receiver.first_event("dropped")["reason"] == "Bounced Address"
        assert len(receiver.events("processed")) == 2


def test_mail_that_is_scheduled_leaves_at_its_time() -> None:
    later = int((ORIGIN + timedelta(hours=60)).timestamp())
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(mail(send_at=later))
        assert receiver.first_event("processed")["timestamp"] in {later, later + 1}


def test_a_domain_with_too_many_complaints_refuses_the_sender() -> None:
    lists, facts = Suppressions(share_max=0.003, delivered_min=500), {"ip": "198.51.100.7"}
    for number in range(499):
        lists.note(Kind.DELIVERED, f"{number}@mail.example", ORIGIN, facts)
    for number in range(2):
        lists.note(Kind.COMPLAINED, f"{number}@mail.example", ORIGIN, facts)
    assert lists.refusal("new@mail.example") == ""
    lists.note(Kind.DELIVERED, "last@mail.example", ORIGIN, facts)
    assert lists.refusal("new@mail.example") == BLOCKED
    assert lists.refusal("new@other.example") == ""
    assert lists.refusal("0@mail.example") == "Spam Reporting Address"


def test_rates_decide_what_people_do() -> None:
    everybody_bounces = Rates(bounce=1.0, late_bounce=0.0)
    with (
        receiving() as receiver,
        running(config_for(receiver, rates=everybody_bounces), fast_now()) as live,
    ):
        live.send(mail("ann@example.com"))
        assert receiver.first_event("bounce")["type"] == "bounce"
