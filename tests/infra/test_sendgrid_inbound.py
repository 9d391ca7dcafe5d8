from datetime import UTC, date, datetime

import pytest

from handlers.webhooks.words import MatchedBy, ReplyClass
from tests.infra.sendgrid_replies import (
    FORM,
    MESSAGE,
    NOW,
    OTHER,
    PARSED,
    READER,
    envelope,
    multipart,
    read_form_of,
    reply,
)

# --- which message


def test_sample_reply_is_a_human_answer_to_our_message() -> None:
    found = read_form_of(PARSED["reply"])
    assert (found.message_id, found.attempt) == (MESSAGE, 1)
    assert found.matched_by is MatchedBy.IN_REPLY_TO
    assert found.reply_class is ReplyClass.HUMAN
    assert (found.address, found.subject) == ("contact@example.com", "Re: Hello")
    assert found.text.startswith("Sounds good, call me on Thursday.")
    assert found.html.startswith("<p>Sounds good")
    assert found.at == datetime(2024, 10, 29, 9, 15, tzinfo=UTC)
    assert (found.opt_out, found.problems) == ("", ())


@pytest.mark.parametrize("written", [str(MESSAGE), MESSAGE.hex, str(MESSAGE).upper()])
def test_plus_token_of_the_envelope_comes_first(written: str) -> None:
    headers = f"In-Reply-To: <{OTHER}.2@mail.sender.example>\nMessage-ID: <r@example.com>\n"
    to = envelope("first@example.com", f"r+7f3a.{written}@reply.sender.example")
    found = reply(headers=headers, envelope=to)
    assert (found.message_id, found.tenant_tag) == (MESSAGE, "7f3a")
    assert found.matched_by is MatchedBy.TOKEN
    assert found.attempt is None


def test_token_takes_the_attempt_from_the_references() -> None:
    found = reply(envelope=envelope(f"r+7f3a.{MESSAGE}@reply.sender.example"))
    assert (found.matched_by, found.attempt) == (MatchedBy.TOKEN, 1)


def test_nearest_of_the_references_is_answered() -> None:
    headers = f"References: <a@b> <{OTHER}.1@x.example>\n <{MESSAGE}.2@x.example> <c@d>\n"
    found = reply(headers=headers)
    assert (found.message_id, found.attempt) == (MESSAGE, 2)
    assert found.matched_by is MatchedBy.REFERENCES


@pytest.mark.parametrize(
    "to", ["r+7f3a.0192f3c4@reply.example", "reply@reply.example", f"r+.{MESSAGE}@x", "", "r+@"]
)
def test_reply_that_names_no_message_is_left_to_the_weak_match(to: str) -> None:
    found = reply(headers="In-Reply-To: <foreign@example.com>\n", envelope=envelope(to))
    assert (found.message_id, found.matched_by) == (None, MatchedBy.NOTHING)
    assert (found.address, found.subject) == ("contact@example.com", "Re: Hello")


# --- who wrote it


@pytest.mark.parametrize("text", ["Yes!", "no", "?", "Who are you", ""])
def test_neutral_reply_stops(text: str) -> None:
    assert reply(text).reply_class is ReplyClass.HUMAN


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "auto-submitted: Auto-Generated; owner=x",
        "X-Autoreply: yes",
        "X-Autorespond: x",
        "Precedence: auto_reply",
        "Precedence: BULK",
        "Precedence: junk",
    ],
)
def test_out_of_office_is_not_a_reply(header: str) -> None:
    assert reply("I am away, please stop by", header).reply_class is ReplyClass.AUTOMATIC


def test_sample_automatic_reply_says_until_when() -> None:
    found = read_form_of(PARSED["automatic_reply"])
    assert found.reply_class is ReplyClass.AUTOMATIC
    assert found.returns_on == date(2024, 11, 4)
    assert found.opt_out == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Back on Monday, November 4th.", date(2024, 11, 4)),
        ("I return on 4 November 2025", date(2025, 11, 4)),
        ("out until the 3rd of Jan", date(2025, 1, 3)),
        ("until 2024-12-24", date(2024, 12, 24)),
        ("until 31 February", None),
        ("until further notice", None),
        ("", None),
    ],
)
def test_day_of_return_is_read_when_it_is_stated(text: str, expected: date | None) -> None:
    assert reply(text, "Auto-Submitted: auto-replied").returns_on == expected


@pytest.mark.parametrize("header", ["Auto-Submitted: no", "Precedence: list", "X-Mailer: auto"])
def test_header_that_says_nothing_automatic_leaves_a_human(header: str) -> None:
    assert reply("Yes", header).reply_class is ReplyClass.HUMAN


def test_empty_reverse_path_is_automatic() -> None:
    assert reply(envelope=envelope("x@y", sender="")).reply_class is ReplyClass.AUTOMATIC
    assert reply(envelope="broken").reply_class is ReplyClass.HUMAN


@pytest.mark.parametrize(
    "subject", ["Automatic reply: Hello", "Out of office: Hello", "Abwesenheitsnotiz: Hallo"]
)
def test_subject_of_an_out_of_office_is_automatic(subject: str) -> None:
    assert reply(subject=subject).reply_class is ReplyClass.AUTOMATIC
    assert reply(subject=f"Re: {subject}").reply_class is ReplyClass.HUMAN


def test_delivery_report_is_a_bounce_and_no_reply() -> None:
    report = "Content-Type: multipart/report; report-type=delivery-status; boundary=b"
    head = f"{report}\nAuto-Submitted: auto-replied\n"
    assert reply(headers=head).reply_class is ReplyClass.BOUNCE_REPORT
    daemon = reply(**{"from": "MAILER-DAEMON@mx.example"}, envelope=envelope("x@y", sender=""))
    assert daemon.reply_class is ReplyClass.BOUNCE_REPORT


def test_own_sent_copy_is_not_a_reply() -> None:
    written = reply(**{"from": "Agent <AGENT@sender.example>"})
    assert written.reply_class is ReplyClass.OWN
    copy = reply(headers=f"Message-ID: <{MESSAGE}.1@sender.example>\n")
    assert copy.reply_class is ReplyClass.OWN
    stranger = reply(headers=f"Message-ID: <{MESSAGE}.1@example.com>\n")
    assert stranger.reply_class is ReplyClass.HUMAN


# --- one mail, one key


def test_copy_of_a_post_has_the_same_key() -> None:
    first = READER.read_inbound(FORM, multipart(dict(PARSED["reply"])), now=NOW)
    other_form = "multipart/form-data; boundary=other"
    body = multipart({**PARSED["reply"], "spam_score": "0.2"}, "other")
    assert READER.read_inbound(other_form, body, now=NOW).key == first.key


def test_other_mail_has_another_key() -> None:
    keys = {
        reply().key,
        reply(headers="Message-ID: <reply-0002@example.com>\n").key,
        reply(envelope=envelope("r+7f3a.other@reply.sender.example")).key,
    }
    assert len(keys) == 3


def test_mail_without_a_message_id_is_known_by_its_body() -> None:
    assert reply("a", headers="").key == reply("a", headers="").key
    assert reply("a", headers="").key != reply("b", headers="").key
