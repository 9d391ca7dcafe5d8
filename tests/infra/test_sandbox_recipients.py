import json
from email import message_from_string

import pytest

from infra.sandbox.outgoing import reachable
from tests.infra.sandbox_running import (
    MESSAGE,
    Receiver,
    config_for,
    fast_now,
    html_mail,
    mail,
    receiving,
    running,
)

OUR_MESSAGE_ID = f"<{MESSAGE}.1@sender.example>"
REPLY_TO = "r+7f3a.0192@reply.sender.example"


def page(receiver: Receiver) -> str:
    return (
        f'<a href="{receiver.url}/t/c/one">one</a>'
        f'<a href="{receiver.url}/u/tok">unsubscribe</a>'
        f'<a style="display: none" href="{receiver.url}/t/c/trap">.</a>'
        f'<img src="{receiver.url}/logo.png"><img src="{receiver.url}/t/o/tok.gif">'
    )


def list_headers(receiver: Receiver) -> dict[str, str]:
    return {
        "Message-ID": OUR_MESSAGE_ID,
        "List-Unsubscribe": f"<mailto:u@sender.example>, <{receiver.url}/u/tok>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_an_open_fetches_our_pixel_like_a_browser() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(html_mail("open+a@example.com", page(receiver)))
        fetched = receiver.first("/t/o/tok.gif", "GET")
        assert fetched.headers["user-agent"].startswith("Mozilla/5.0 (")
        assert not receiver.events("open")
        live.wait_until_idle(receiver)
        assert live.stats()["signals"]["open"] >= 1


def test_a_relay_fetches_our_pixel_and_says_only_mozilla() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(html_mail("machine+a@example.com", page(receiver)))
        assert receiver.first("/t/o/tok.gif", "GET").headers["user-agent"] == "Mozilla/5.0"


def test_a_person_clicks_a_visible_link_and_never_the_opt_out() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        for number in range(8):
            request = html_mail(f"click+{number}@example.com", page(receiver))
            live.send({**request, "headers": list_headers(receiver)})
        receiver.wait_for(lambda: len(receiver.to("/t/c/one", "GET")) == 8)
        live.wait_until_idle(receiver)
        assert not receiver.to("/u/tok", "GET")
        assert not receiver.to("/t/c/trap", "GET")


def test_a_redirect_is_not_followed() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        receiver.answer = lambda request: 302 if request.method == "GET" else 204
        live.send(html_mail("click+a@example.com", page(receiver)))
        receiver.first("/t/c/one", "GET")
        live.wait_until_idle(receiver)
        assert len(receiver.to("/t/c/one", "GET")) == 1


def test_a_scanner_looks_at_every_link_even_hidden_ones() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(html_mail("scanner+a@example.com", page(receiver)))
        paths = {"/t/c/one", "/t/c/trap", "/u/tok"}
        receiver.wait_for(lambda: paths <= {request.path for request in receiver.requests})
        assert {r.method for r in receiver.requests if r.path in paths} <= {"GET", "HEAD"}


def test_an_opt_out_is_a_one_click_post() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        request = html_mail("unsub+a@example.com", page(receiver))
        live.send({**request, "headers": list_headers(receiver)})
        post = receiver.first("/u/tok")
        assert post.body == b"List-Unsubscribe=One-Click"
        assert post.headers["content-type"] == "application/x-www-form-urlencoded"
        live.wait_until_idle(receiver)
        assert len(receiver.to("/u/tok")) == 1
        assert not receiver.events("unsubscribe")


def test_without_the_one_click_header_nothing_is_posted() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        headers = list_headers(receiver)
        del headers["List-Unsubscribe-Post"]
        live.send(mail("unsub+a@example.com", headers=headers))
        receiver.first_event("delivered")
        live.wait_until_idle(receiver)
        assert not receiver.to("/u/tok")
        assert "unsubscribe" not in live.stats()["signals"]


def test_an_opt_out_of_a_group_is_told_by_webhook() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(mail("unsub+a@example.com", asm={"group_id": 10}))
        assert receiver.first_event("group_unsubscribe")["asm_group_id"] == 10


def test_a_reply_is_a_form_that_names_our_message() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(mail("reply+a@example.com"))
        form = receiver.first("/inbound").form()
        headers = message_from_string(form["headers"].decode())
        assert headers["In-Reply-To"] == headers["References"] == OUR_MESSAGE_ID
        assert headers["Message-ID"].endswith("@example.com>")
        assert "Auto-Submitted" not in headers
        assert form["to"].decode() == REPLY_TO
        assert form["from"].decode() == "Ann Ample <reply+a@example.com>"
        envelope = json.loads(form["envelope"])
        assert envelope == {"to": [REPLY_TO], "from": "reply+a@example.com"}
        assert form["subject"].decode() == "Re: Hello"
        assert b"> shall we talk?" in form["text"]
        assert {"dkim", "SPF", "sender_ip", "spam_score", "attachments"} <= set(form)


def test_replies_come_plain_and_formatted_and_in_their_own_charset() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        for number in range(40):
            live.send(mail(f"reply+{number}@example.com"))
        receiver.wait_for(lambda: len(receiver.to("/inbound")) == 40)
        forms = [post.form() for post in receiver.to("/inbound")]
        assert {"html" in form for form in forms} == {True, False}
        charsets = [json.loads(form["charsets"]) for form in forms]
        assert {charset["text"] for charset in charsets} == {"UTF-8", "iso-8859-1"}
        texts = [f["text"].decode(c["text"]) for f, c in zip(forms, charsets, strict=True)]
        assert len(set(texts)) > 3


def test_an_automatic_reply_says_so() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        live.send(mail("ooo+a@example.com"))
        form = receiver.first("/inbound").form()
        headers = message_from_string(form["headers"].decode())
        assert headers["Auto-Submitted"] == "auto-replied"
        assert form["text"].startswith(b"I am out of the office until ")
        live.wait_until_idle(receiver)
        assert live.stats()["signals"]["out_of_office"] == 1


def test_a_reply_that_is_not_taken_is_posted_again() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        receiver.answer = lambda _: 204 if receiver.to("/inbound") else 500
        live.send(mail("reply+a@example.com"))
        receiver.wait_for(lambda: len(receiver.to("/inbound")) == 2)
        first, second = receiver.to("/inbound")
        assert first.body == second.body
        assert "x-twilio-email-event-webhook-signature" in second.headers


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/a", "http://10.0.0.1/", "http://127.0.0.1.evil.example/"]
)
def test_a_host_that_is_not_ours_is_never_contacted(url: str) -> None:
    assert reachable(url, {}) is None


def test_a_public_origin_is_served_where_the_map_says() -> None:
    with receiving() as receiver:
        config = config_for(receiver, reach={"https://links.sender.example": receiver.url})
        with running(config, fast_now()) as live:
            link = '<a href="https://links.sender.example/t/c/abc?x=1&amp;y=2">look</a>'
            live.send(html_mail("click+a@example.com", link))
            fetched = receiver.first("/t/c/abc?x=1&y=2", "GET")
            assert fetched.headers["host"] == "links.sender.example"


def test_a_link_in_plain_text_is_followed_too() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        text = f"Look at <{receiver.url}/t/c/plain>."
        live.send(mail("click+a@example.com", content=[{"type": "text/plain", "value": text}]))
        assert receiver.first("/t/c/plain", "GET").body == b""


def test_a_recipient_acts_when_told() -> None:
    with receiving() as receiver, running(config_for(receiver), fast_now()) as live:
        request = html_mail("silent+a@example.com", page(receiver))
        live.send({**request, "headers": list_headers(receiver)})
        for kind in ("open", "click", "reply", "unsubscribe"):
            assert live.call("POST", f"/_sandbox/messages/{MESSAGE}/{kind}").status == 202
        assert receiver.first("/t/o/tok.gif", "GET")
        assert receiver.first("/t/c/one", "GET")
        assert receiver.first("/inbound").form()["to"] == REPLY_TO.encode()
        live.wait_until_idle(receiver)
        assert live.stats()["signals"]["unsubscribe"] == 1


def test_nobody_acts_on_a_message_that_was_not_accepted_or_in_a_way_that_is_unknown() -> None:
    with running(config_for(), fast_now()) as live:
        assert live.call("POST", f"/_sandbox/messages/{MESSAGE}/open").status == 404
        unknown = live.call("POST", f"/_sandbox/messages/{MESSAGE}/dance")
        assert unknown.status == 400
        assert "reply" in unknown.json()["errors"][0]["message"]
