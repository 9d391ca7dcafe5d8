from typing import Any

import pytest

from tests.plans.content_cases import issues, only
from tests.plans.plan_cases import END, Json, mail, plan


def send(channel: str, **message: Json) -> dict[str, Any]:
    """A plan that sends this on that channel."""
    return plan(mail(channel=channel, message=message), END)


def test_a_send_without_content_is_told_at_its_node() -> None:
    found = only(plan(mail(message=None), END))
    assert (found.code, found.path, found.node) == ("E_MESSAGE_MISSING", "/nodes/0", "mail")


def test_a_send_has_a_message_or_variants_but_not_both() -> None:
    variants = [{"id": "a", "message": {"subject": "x", "text": "x"}}]
    assert issues(plan(mail(variants=variants), END)) == [("E_MESSAGE_AND_VARIANTS", "/nodes/0")]
    assert issues(plan(mail(variants=variants, message=None), END)) == []


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ({"text": "x"}, ["subject or replyTo"]),
        ({"subject": "x"}, ["html or text"]),
        ({}, ["subject or replyTo", "html or text"]),
        ({"subject": "  ", "text": "x"}, ["subject or replyTo"]),
        ({"subject": "x", "text": " \n"}, ["html or text"]),
    ],
)
def test_what_a_mail_lacks_is_told_once_at_the_message(
    message: dict[str, str], wanted: list[str]
) -> None:
    found = only(send("email", **message))
    assert (found.code, found.path) == ("E_MESSAGE_FIELD", "/nodes/0/message")
    assert found.expected == wanted


@pytest.mark.parametrize(
    "message",
    [
        {"subject": "x", "text": "x"},
        {"subject": "x", "html": "<p>x</p>"},
        {"replyTo": "mail", "text": "x"},
    ],
)
def test_a_mail_needs_a_subject_or_a_thread_and_one_body(message: dict[str, str]) -> None:
    assert issues(send("email", **message)) == []


@pytest.mark.parametrize("channel", ["sms", "linkedin_message"])
def test_a_text_channel_needs_a_text(channel: str) -> None:
    assert issues(send(channel)) == [("E_MESSAGE_FIELD", "/nodes/0/message")]
    assert issues(send(channel, text="x")) == []


def test_an_invitation_may_be_empty() -> None:
    assert issues(send("linkedin_invite")) == []


def test_fields_of_mails_are_told_once_at_the_first_and_all_removed() -> None:
    found = only(send("sms", text="x", subject="x", html="x"))
    assert (found.code, found.path) == ("E_MESSAGE_FIELD", "/nodes/0/message/subject")
    assert found.patch == (
        {"op": "remove", "path": "/nodes/0/message/subject"},
        {"op": "remove", "path": "/nodes/0/message/html"},
    )
    assert issues(send("linkedin_invite", html="x")) == [
        ("E_MESSAGE_FIELD", "/nodes/0/message/html")
    ]


def test_too_much_and_too_little_in_one_message_are_two_issues() -> None:
    assert issues(send("linkedin_message", subject="x")) == [
        ("E_MESSAGE_FIELD", "/nodes/0/message/subject"),
        ("E_MESSAGE_FIELD", "/nodes/0/message"),
    ]


def test_what_other_channels_ignore_is_no_error() -> None:
    ignored = {"preheader": "x", "replyTo": "mail", "trackOpens": False}
    first = mail(transitions=[{"on": "no_reply", "to": "sms"}])
    second = mail(id="sms", channel="sms", message={"text": "x", **ignored})
    assert issues(plan(first, second, END)) == []


@pytest.mark.parametrize(
    ("channel", "longest"), [("sms", 480), ("linkedin_invite", 300), ("linkedin_message", 1900)]
)
def test_a_text_is_as_long_as_its_channel_allows(channel: str, longest: int) -> None:
    assert issues(send(channel, text="é" * longest)) == []
    found = only(send(channel, text="é" * (longest + 1)))
    assert (found.code, found.path) == ("E_MESSAGE_TOO_LONG", "/nodes/0/message/text")
    assert (found.expected, found.got) == (longest, longest + 1)


def test_a_mail_may_be_long() -> None:
    assert issues(send("email", subject="x", text="x" * 100_000)) == []


def test_variants_are_checked_each_at_its_own_place() -> None:
    variants = [
        {"id": "a", "message": {"text": "x"}},
        {"id": "b", "message": {"text": "x", "html": "x"}},
        {"id": "c", "message": {"text": "x" * 481}},
    ]
    assert issues(plan(mail(channel="sms", message=None, variants=variants), END)) == [
        ("E_MESSAGE_FIELD", "/nodes/0/variants/1/message/html"),
        ("E_MESSAGE_TOO_LONG", "/nodes/0/variants/2/message/text"),
    ]
