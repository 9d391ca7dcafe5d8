"""E_DEAD_TRANSITION in stage 5: what can never be taken, and why."""

import pytest

from tests.plans.timed_cases import errors, mail, on, one, task, wait, witness

DEAD = "E_DEAD_TRANSITION"
YES = {"all": [{"field": "contact.x", "op": "exists"}]}


def cause(*nodes: dict[str, object]) -> tuple[str, str]:
    """Where the only error is, and its cause."""
    issue = one(*nodes)
    assert issue.code == DEAD
    assert issue.patch == ({"op": "remove", "path": issue.path},)
    return issue.path, witness(issue)["reason"]


def test_a_timer_after_a_timeout_is_late() -> None:
    node = mail("a", on("no_click", after="P4D"), on("timeout", after="P3D"))
    assert cause(node) == ("/nodes/0/transitions/0", "late")


def test_of_two_timeouts_at_one_time_the_later_written_is_late() -> None:
    node = mail("a", on("timeout", after="P3D"), on("timeout", after="P3D"))
    assert cause(node) == ("/nodes/0/transitions/1", "late")


def test_an_event_at_the_very_time_of_the_timeout_still_goes_first() -> None:
    assert errors(mail("a", on("timeout", after="P3D"), on("clicked", after="P3D"))) == []
    node = mail("a", on("timeout", after="P3D"), on("clicked", after="P3DT1S"))
    assert cause(node) == ("/nodes/0/transitions/1", "late")


def test_the_last_of_the_missing_events_ends_the_wait_when_no_timeout_does() -> None:
    ways = on("opened"), on("no_open", after="P2D"), on("clicked", after="P5D")
    assert cause(mail("a", *ways)) == ("/nodes/0/transitions/2", "late")


def test_a_day_and_24_hours_are_never_called_late_for_each_other() -> None:
    for first, second in (("P1D", "PT24H"), ("PT24H", "P1D"), ("P1D", "PT24H30M")):
        assert errors(mail("a", on("timeout", after=first), on("timeout", after=second))) == []
    node = mail("a", on("timeout", after="P1D"), on("timeout", after="PT25H1S"))
    assert cause(node) == ("/nodes/0/transitions/1", "late")


def test_nothing_comes_after_a_message_that_leads_on_as_soon_as_it_is_sent() -> None:
    node = mail("a", on("clicked"), on("sent"))
    assert cause(node) == ("/nodes/0/transitions/0", "late")
    assert errors(mail("a", on("sent"), on("send_failed"), on("send_skipped"))) == []


def test_what_became_of_the_own_message_is_known_at_once_or_never() -> None:
    node = mail("a", on("send_failed", after="PT1H"), on("timeout", after="P3D"))
    assert cause(node) == ("/nodes/0/transitions/0", "late")


@pytest.mark.parametrize("known", ["clicked", "replied"])
def test_a_click_or_a_reply_implies_the_open_that_a_later_timer_would_miss(known: str) -> None:
    after = task("t", on("no_open", after="P1D"), on("timeout", after="P2D"))
    first = mail("a", on(known, "t"), on("timeout", after="P3D"))
    assert cause(first, after) == ("/nodes/1/transitions/0", "fact")


def test_what_can_be_taken_in_one_state_is_not_dead() -> None:
    after = wait("w", on("no_open", after="P1D"), on("timeout", after="P2D"))
    first = mail("a", on("opened", "w"), on("timeout", "w", after="P3D"))
    assert errors(first, after) == []


def test_a_new_message_has_no_facts_yet() -> None:
    second = mail("b", on("no_open", after="P1D"), on("timeout", after="P2D"))
    first = mail("a", on("opened", "b"), on("timeout", after="P3D"))
    second["schedule"] = {"delay": "P1D"}
    assert errors(first, second) == []


def test_an_earlier_transition_shadows_one_inside_its_interval() -> None:
    ways = on("clicked", within="P2D"), on("clicked", within="P1D"), on("timeout", after="P3D")
    assert cause(mail("a", *ways)) == ("/nodes/0/transitions/1", "shadowed")


@pytest.mark.parametrize(
    "first",
    [
        on("clicked", within="PT12H"),
        on("clicked", after="PT1H"),
        on("clicked", within="PT24H"),
        on("clicked", urlContains="/a"),
        on("clicked", when=YES),
        on("clicked", about="any"),
        on("opened"),
    ],
)
def test_an_earlier_transition_that_leaves_something_over_shadows_nothing(
    first: dict[str, object],
) -> None:
    node = mail("a", first, on("clicked", within="P1D"), on("timeout", after="P3D"))
    assert errors(node) == []


def test_an_interval_up_to_the_timeout_shadows_all_of_an_event() -> None:
    ways = on("clicked", within="P3D"), on("clicked"), on("timeout", after="P3D")
    assert cause(mail("a", *ways)) == ("/nodes/0/transitions/1", "shadowed")


def test_when_the_causes_differ_the_fact_is_told_first() -> None:
    after = wait("w", on("no_open", after="P3D"), on("timeout", after="P2D"))
    first = mail("a", on("opened", "w"), on("timeout", "w", after="P3D"))
    assert cause(first, after) == ("/nodes/1/transitions/0", "fact")
