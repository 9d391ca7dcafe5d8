from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.webhooks.words import MatchedBy, ReplyClass
from infra.providers.sendgrid.form import BODY_BYTES_MAX
from tests.infra.sendgrid_replies import (
    FORM,
    MESSAGE,
    NOW,
    PARSED,
    RAW,
    READER,
    envelope,
    multipart,
    read_form_of,
    reply,
)

# --- what it says

QUOTE = (
    "On Tue, Oct 29, 2024 at 9:00 Agent\n<agent@sender.example> wrote:\n\n> Hi\n> unsubscribe: x"
)
OUTLOOK = "________________________________\nFrom: Agent <agent@sender.example>\nunsubscribe here"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stop", "stop"),
        ("STOP!", "stop"),
        ("Please stop.", "stop"),
        ("Hi\nunsubscribe please\nBob", "unsubscribe"),
        ("Could you remove me from this?", "remove me"),
        ("Please stop emailing me", "stop emailing"),
        (f"Please unsubscribe\n\n{QUOTE}", "unsubscribe"),
        (f"{QUOTE}\n\nstop\n", "stop"),
        (f"Stop\nSent from my phone\n\n{OUTLOOK}", "stop"),
        ("Happy to stop by on Thursday", ""),
        ("We cannot stop talking about it", ""),
        (f"Yes, gladly.\n\n{QUOTE}", ""),
        (f"Yes, gladly.\n\n{OUTLOOK}", ""),
        ("", ""),
    ],
)
def test_wish_to_be_left_alone_is_found_in_the_own_words_only(text: str, expected: str) -> None:
    assert reply(text).opt_out == expected
    assert reply(text.replace("\n", "\r\n")).opt_out == expected


def test_plain_text_reply_stops() -> None:
    found = read_form_of(PARSED["plain_text_only"])
    assert (found.reply_class, found.opt_out) == (ReplyClass.HUMAN, "stop")
    assert found.html == ""


def test_subject_of_the_unsubscribe_address_is_a_wish() -> None:
    assert reply("", subject="Unsubscribe").opt_out == "unsubscribe"
    assert reply("", subject="Re: How to stop churn").opt_out == ""


def test_reply_in_html_only_is_looked_at_without_its_quotes() -> None:
    quoted = "<blockquote>unsubscribe</blockquote><style>stop</style>"
    assert reply("", html=f"<div>Please <b>remove me</b></div>{quoted}").opt_out == "remove me"
    assert reply("", html=f"<div>Yes</div>{quoted}").opt_out == ""
    assert reply("", html="<p>stop</p><![broken").opt_out == "stop"


def test_each_field_is_read_in_its_own_charset() -> None:
    found = read_form_of(
        {
            **PARSED["latin1_text"],
            "text": "Schöne Grüße".encode("iso-8859-1"),
            "subject": "Grüße".encode(),
        }
    )
    assert (found.text, found.subject) == ("Schöne Grüße", "Grüße")


@pytest.mark.parametrize(
    "charsets", ["", "[]", '{"text":"none"}', '{"text":5}', '{"text":"unicode_escape"}', "{"]
)
def test_unknown_charset_is_read_as_utf8_with_replacements(charsets: str) -> None:
    found = read_form_of({**PARSED["reply"], "text": b"Gr\xc3\xbc\xff\\n", "charsets": charsets})
    assert found.text == "Grü\ufffd\\n"


def test_raw_mail_is_read_like_its_parts() -> None:
    mail = (
        "Message-ID: <reply-1@example.com>\r\n"
        f"In-Reply-To: <{MESSAGE}.1@mail.sender.example>\r\n"
        "From: =?utf-8?q?J=C3=B6rg?= <contact@example.com>\r\n"
        "Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n"
        "Date: Tue, 29 Oct 2024 09:15:00 +0000\r\n"
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe, stop\r\n\r\nstop\r\n"
        "--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--b--\r\n"
    )
    found = read_form_of({"email": mail, "envelope": envelope("x@y")})
    assert (found.message_id, found.matched_by) == (MESSAGE, MatchedBy.IN_REPLY_TO)
    assert found.address == "contact@example.com"
    assert found.subject == "Grüße"
    assert found.text.startswith("Grüße, stop")
    assert found.html.strip() == "<p>x</p>"
    assert found.opt_out == "stop"
    assert found.at == datetime(2024, 10, 29, 9, 15, tzinfo=UTC)


def test_documented_raw_example_is_read() -> None:
    found = read_form_of(RAW)
    assert (found.address, found.subject) == ("example@example.com", "Hello")
    assert (found.reply_class, found.problems) == (ReplyClass.HUMAN, ())


def test_attachments_are_passed_over() -> None:
    attachment = (
        '--xYzZY\r\nContent-Disposition: form-data; name="attachment1"; filename="a.eml"\r\n'
        "Content-Type: message/rfc822\r\n\r\nSubject: other\r\n\r\nstop\r\n"
    )
    body = attachment.encode() + multipart(dict(PARSED["with_attachment"]))
    found = READER.read_inbound(FORM, body, now=NOW)
    assert (found.subject, found.opt_out, found.problems) == ("Re: Hello", "", ())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Tue, 29 Oct 2024 10:15:00 +0100", datetime(2024, 10, 29, 9, 15, tzinfo=UTC)),
        ("Tue, 29 Oct 2024 09:15:00 -0000", datetime(2024, 10, 29, 9, 15, tzinfo=UTC)),
        ("Tue, 29 Oct 2024 09:50:00 +0000", NOW),
        ("Tue, 29 Oct 2024 11:50:00 +0000", None),
        ("Tue, 1 Oct 2024 09:15:00 +0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_date_of_the_writer_is_taken_when_it_is_sane(line: str, expected: datetime | None) -> None:
    assert reply(headers=f"Date: {line}\n").at == expected


# --- whatever was posted


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=\u0142",
     "multipart/form-data; boundary=" + "x" * 1000, "multipart/form-data; boundary=other"],
)  # fmt: skip
def test_body_of_another_type_is_a_problem_and_no_error(content_type: str) -> None:
    found = READER.read_inbound(content_type, multipart(dict(PARSED["reply"])), now=NOW)
    assert found.problems != ()
    assert (found.message_id, found.text) == (None, "")


def test_cut_body_gives_what_came_whole() -> None:
    body = multipart({"text": "stop", "envelope": envelope("x@y"), "html": "<p>long</p>"})
    found = READER.read_inbound(FORM, body[:-40], now=NOW)
    assert (found.text, found.address) == ("stop", "contact@example.com")
    assert found.problems != ()


def test_body_beyond_the_limit_is_not_taken_apart() -> None:
    body = multipart({"text": "x" * BODY_BYTES_MAX})
    assert READER.read_inbound(FORM, body, now=NOW).problems == ("the body is too large",)


HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "=?utf-8?q?=C3?=",
        "=?x?b?!?=",
        "\x00",
        "Date: Tue",
        '{"to":[5],"from":null}',
        "<![x",
        "a" * 999,
    ]
)
NAMES = st.sampled_from(["headers", "from", "subject", "text", "html", "envelope", "charsets"])


@settings(max_examples=200, deadline=None)
@given(odd=st.dictionaries(NAMES, HOSTILE))
def test_no_field_raises(odd: dict[str, str]) -> None:
    found = read_form_of({**PARSED["reply"], **{name: it.encode() for name, it in odd.items()}})
    for text in (found.subject, found.text, found.html, found.address or ""):
        assert "\x00" not in text
        text.encode()


@settings(max_examples=200, deadline=None)
@given(mail=st.binary(max_size=300), head=st.lists(HOSTILE, max_size=3))
def test_no_mail_raises(mail: bytes, head: list[str]) -> None:
    whole = "".join(f"Subject: {line}\n" for line in head).encode() + b"\n" + mail
    assert read_form_of({"email": whole.replace(b"--xYzZY", b"")}).provider == "sendgrid"


@settings(max_examples=200, deadline=None)
@given(content_type=st.text() | st.just(FORM), body=st.binary(max_size=300))
def test_no_post_raises(content_type: str, body: bytes) -> None:
    assert len(READER.read_inbound(content_type, body, now=NOW).key) == 32


ENDLESS = [
    *("on " * 100_000, "on a\n" * 50_000, "stop " * 50_000, "!" * 500_000, "until " * 50_000),
    *(
        "on wrote" * 20_000,
        "From: " * 50_000,
        "<" * 100_000,
        "<!--" * 50_000,
        "until" + " " * 90_000,
    ),
]


@pytest.mark.parametrize("text", ENDLESS)
def test_long_text_is_read_to_an_end(text: str) -> None:
    assert reply(text).reply_class is ReplyClass.HUMAN
    assert reply("", html=text).reply_class is ReplyClass.HUMAN
    assert reply(text, "Auto-Submitted: auto-replied").returns_on is None
