"""What is awaited must be able to happen to the message that is watched."""

import pytest

from tests.plans.timed_cases import (
    branch,
    errors,
    linkedin,
    mail,
    on,
    one,
    sms,
    task,
    wait,
    witness,
)

LAST = on("timeout", after="P3D")
HERE = "/nodes/0/transitions/0/on"


@pytest.mark.parametrize("word", ["opened", "no_open", "deferred", "invite_accepted", "no_accept"])
def test_an_sms_is_never_opened_or_accepted(word: str) -> None:
    assert errors(sms("a", on(word, after="P1D"), LAST)) == [("E_EVENT_CHANNEL", HERE)]


def test_a_linkedin_message_is_only_replied_to() -> None:
    issue = one(linkedin("a", on("clicked"), LAST))
    assert (issue.code, issue.path, issue.expected) == ("E_EVENT_CHANNEL", HERE, ["replied"])
    assert errors(linkedin("a", on("replied"), on("no_reply", after="P2D"))) == []


def test_a_wait_hears_what_happens_on_any_of_the_channels_that_lead_to_it() -> None:
    after = wait("w", on("opened"), LAST)
    text = sms("b", on("timeout", "w", "P1D"))
    assert errors(text, after) == [("E_EVENT_CHANNEL", "/nodes/1/transitions/0/on")]
    both = branch("x", "b", ("contact.x", "exists", "c")), mail("c", on("timeout", "w", "P1D"))
    assert errors(*both, text, after) == []


@pytest.mark.parametrize("word", ["task_done", "task_skipped"])
def test_only_a_task_hears_of_a_task(word: str) -> None:
    assert errors(mail("a", on(word), LAST)) == [("E_EVENT_CHANNEL", HERE)]
    assert errors(task("a", on(word), LAST)) == []


def test_only_the_send_itself_hears_that_it_was_sent() -> None:
    nodes = mail("a", on("timeout", "w", "P1D")), wait("w", on("sent"), LAST)
    assert errors(*nodes) == [("E_EVENT_CHANNEL", "/nodes/1/transitions/0/on")]


@pytest.mark.parametrize("word", ["meeting_booked", "x_demo", "send_failed", "send_skipped"])
def test_some_events_happen_everywhere(word: str) -> None:
    assert errors(wait("a", on(word), LAST)) == []


@pytest.mark.parametrize("word", ["opened", "no_open", "bounced"])
def test_before_the_first_message_there_is_nothing_to_watch(word: str) -> None:
    issue = one(wait("a", on(word, after="PT1H"), LAST))
    assert (issue.code, issue.path, witness(issue)) == ("E_NO_ANCHOR", HERE, {"path": ["a"]})


def test_one_path_without_a_message_is_enough_and_is_told() -> None:
    nodes = (
        branch("x", "w", ("contact.x", "exists", "a")),
        mail("a", on("timeout", "w", "P1D")),
        wait("w", on("opened"), LAST),
    )
    issue = one(*nodes)
    assert (issue.code, issue.path) == ("E_NO_ANCHOR", "/nodes/2/transitions/0/on")
    assert witness(issue) == {"path": ["x", "w"]}


def test_a_message_that_could_not_be_sent_is_no_subject() -> None:
    nodes = mail("a", on("send_failed", "w"), LAST), wait("w", on("opened"), LAST)
    issue = one(*nodes)
    assert (issue.code, issue.path) == ("E_NO_ANCHOR", "/nodes/1/transitions/0/on")


def test_a_wait_about_a_message_that_some_path_does_not_send_has_no_subject_there() -> None:
    nodes = (
        branch("x", "b", ("contact.x", "exists", "a")),
        mail("a", on("timeout", "b", "P1D")),
        mail("b", on("timeout", "w", "P1D")),
        wait("w", on("clicked"), LAST, about="a"),
    )
    assert errors(*nodes) == [("E_NO_ANCHOR", "/nodes/3/transitions/0/on")]


def plain(
    name: str, *ways: dict[str, object], text: str = "Hi", **more: object
) -> dict[str, object]:
    return mail(name, *ways, message={"subject": "Hi", "text": text, **more})


@pytest.mark.parametrize("word", ["clicked", "no_click"])
def test_a_click_needs_a_link(word: str) -> None:
    assert errors(plain("a", on(word, after="PT1H"), LAST)) == [("E_NO_LINK", HERE)]


@pytest.mark.parametrize("text", ["see HTTPS://a.test", "{{ sender.calendar_url }}"])
def test_a_link_may_come_from_the_template(text: str) -> None:
    assert errors(plain("a", on("clicked"), LAST, text=text)) == []


def test_a_link_in_one_variant_is_enough() -> None:
    texts = "none", "https://a.test"
    variants = [
        {"id": str(at), "message": {"subject": "Hi", "text": text}} for at, text in enumerate(texts)
    ]
    node = mail("a", on("clicked"), LAST, variants=variants)
    del node["message"]
    assert errors(node) == []


@pytest.mark.parametrize(
    ("word", "field"),
    [
        ("opened", "trackOpens"),
        ("no_open", "trackOpens"),
        ("clicked", "trackClicks"),
        ("no_click", "trackClicks"),
    ],
)
def test_what_is_not_tracked_is_not_heard_of(word: str, field: str) -> None:
    more = {"text": "https://a.test", field: False}
    assert errors(plain("a", on(word, after="PT1H"), LAST, **more)) == [("E_TRACKING_OFF", HERE)]


def test_of_a_click_neither_linked_nor_tracked_the_link_is_told() -> None:
    node = plain("a", on("clicked"), LAST, trackClicks=False)
    assert errors(node) == [("E_NO_LINK", HERE)]


def test_the_subject_may_be_named_by_the_transition() -> None:
    first = mail("a", on("timeout", "b", "P3D"))
    second = linkedin("b", on("clicked", about="a"), LAST)
    assert errors(first, second) == []
    assert errors(first, linkedin("b", on("clicked", about="b"), LAST)) == [
        ("E_EVENT_CHANNEL", "/nodes/1/transitions/0/on")
    ]
