"""A7 to A9: events and timers in the order of what happened; what comes late or twice."""

from datetime import UTC, datetime

import pytest

from tests.domain.asking import hears, times_out
from tests.domain.building import GRACE, SECOND, branch, field, on, plan, send, stop, t, wait
from tests.domain.spec import given

ONE_MAIL = plan(
    send("intro", on("clicked", "warm"), on("no_open", "cold", after="P3D")),
    stop("warm"),
    stop("cold"),
)


def test_a07_an_event_at_the_same_instant_goes_before_the_timer() -> None:
    story = given(ONE_MAIL).sends("intro")
    story.when(hears("clicked", t(days=3), "intro", now=t(days=3) + GRACE - SECOND))
    assert story.state.node == "warm"


def test_a07_an_event_one_second_later_waits_for_the_timer_and_is_offered_where_it_leads() -> None:
    story = given(
        plan(
            send("intro", on("clicked", "warm"), on("no_open", "patient", after="P3D")),
            wait("patient", on("clicked", "late"), on("timeout", "late", after="P9D")),
            stop("warm"),
            stop("late"),
        )
    )
    story.sends("intro").when(hears("clicked", t(days=3, seconds=1), "intro"))
    story.then("opened derived", "clicked")
    story.when(times_out("intro", 1, t(days=3))).then(
        "take intro.1 no_open", "enter patient", "take patient.0 clicked", "completed completed"
    )


def test_a07_a_slightly_late_event_within_the_grace_still_wins() -> None:
    story = given(ONE_MAIL).sends("intro")
    opened = hears("opened", t(days=3), "intro", now=t(days=3) + GRACE - SECOND)
    story.when(opened).then("opened")
    story.when(times_out("intro", 1, t(days=3))).then()


def test_a07_a_timer_that_should_have_gone_goes_before_a_younger_event() -> None:
    story = given(ONE_MAIL).sends("intro")
    at = t(days=3) + GRACE
    story.when(hears("clicked", at, "intro")).then(
        "opened derived", "clicked", "take intro.1 no_open", "completed completed"
    )


@pytest.mark.parametrize(
    ("signal", "end"), [("replied", "replied"), ("meeting_booked", "converted")]
)
def test_a07_a_reply_or_a_goal_waits_for_an_older_timer_too(signal: str, end: str) -> None:
    story = given(
        plan(
            send("intro", on("no_click", "follow", after="P1D")),
            send("follow", on("timeout", "end", after="P9D")),
            stop(),
        )
    )
    story.sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(hears(signal, t(days=1, seconds=1), "intro")).then(signal)
    story.when(times_out("intro", 0, t(days=1))).then(
        "take intro.0 no_click",
        "enter follow",
        f"cancelled {'goal' if end == 'converted' else end}",
        f"exited {end}",
    )


@pytest.mark.parametrize(
    ("signal", "end"), [("replied", "replied"), ("meeting_booked", "converted")]
)
def test_a07_an_exit_goes_before_a_younger_event_that_had_waited_with_it(
    signal: str, end: str
) -> None:
    nodes = (
        send("intro", on("no_click", "more", after="P1D")),
        wait("more", on("x_demo", "end"), on("timeout", "end", after="P9D")),
        stop(),
    )
    story = given(plan(*nodes)).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(hears(signal, t(days=1, seconds=1), "intro"), hears("x_demo", t(1, seconds=5)))
    story.when(times_out("intro", 0, t(1)))
    story.then("take intro.0 no_click", "enter more", f"exited {end}")


def test_a07_a_reply_that_waited_ends_it_with_the_next_report_once_the_grace_is_over() -> None:
    gold = field("contact.tier", "eq", "gold")
    ways = (on("timeout", "end", after="P1D", when=gold), on("timeout", "end", after="P9D"))
    story = given(plan(send("intro", *ways), stop())).sends("intro")
    story.when(hears("replied", t(1, seconds=1), "intro")).then("opened derived", "replied")
    story.when(hears("delivered", t(1), "intro", now=t(1) + GRACE)).then(
        "delivered", "exited replied"
    )


def test_a07_what_waited_is_offered_when_the_timer_does_not_fire() -> None:
    never = field("contact.tier", "eq", "gold")
    story = given(
        plan(
            send(
                "intro",
                on("timeout", "cold", after="P1D", when=never),
                on("clicked", "warm"),
                on("timeout", "cold", after="P9D"),
            ),
            stop("warm"),
            stop("cold"),
        )
    )
    story.sends("intro").when(hears("clicked", t(days=1, seconds=1), "intro"))
    story.then("opened derived", "clicked")
    story.when(times_out("intro", 0, t(days=1))).then("take intro.1 clicked", "completed completed")


def test_a07_a_timer_whose_guard_was_false_holds_nothing_up_later() -> None:
    never = field("contact.tier", "eq", "gold")
    story = given(
        plan(
            send("intro", on("timeout", "end", after="P1D", when=never), on("opened", "end")),
            stop(),
        )
    )
    story.sends("intro").when(times_out("intro", 0, t(days=1))).then()
    story.when(hears("opened", t(days=2), "intro")).then(
        "opened", "take intro.1 opened", "completed completed"
    )


def test_a07_an_old_event_does_not_overtake_a_timer_of_the_node_it_leads_to() -> None:
    story = given(
        plan(
            send("intro", on("opened", "soon"), on("timeout", "b", after="P9D")),
            wait("soon", on("timeout", "a", after="PT1H"), on("x_demo", "b")),
            stop("a"),
            stop("b"),
        )
    )
    now = t(hours=9)
    story.sends("intro").when(hears("x_demo", t(hours=3), now=now))
    story.when(hears("opened", t(hours=1), "intro", now=now))
    story.then("opened", "take intro.0 opened", "enter soon")
    story.when(times_out("soon", 0, t(hours=2))).then("take soon.0 timeout", "completed completed")


def test_a07_of_two_timers_at_one_instant_the_lower_index_goes() -> None:
    story = given(
        plan(
            send("intro", on("no_reply", "a", after="P1D"), on("timeout", "b", after="P1D")),
            stop("a"),
            stop("b"),
        )
    )
    story.sends("intro").when(times_out("intro", 1, t(days=1)))
    story.then("take intro.0 no_reply", "completed completed")


def test_a07_an_earlier_timer_goes_first_in_whatever_order_they_are_claimed() -> None:
    story = given(
        plan(
            send("intro", on("timeout", "b", after="P2D"), on("no_open", "a", after="P1D")),
            stop("a"),
            stop("b"),
        )
    )
    story.sends("intro").when(times_out("intro", 0, t(days=2)))
    story.then("take intro.1 no_open", "completed completed")


def test_a08_an_event_dated_before_a_taken_timer_is_late_and_undoes_nothing() -> None:
    story = given(
        plan(
            send("intro", on("opened", "a"), on("no_open", "b", after="P1D")),
            wait("b", on("timeout", "a", after="P9D")),
            stop("a"),
        )
    )
    story.sends("intro").when(times_out("intro", 1, t(days=1)))
    now = t(days=1, hours=1)
    story.when(hears("opened", t(hours=23), "intro", now=now)).then("opened late")
    assert story.state.node == "b"


def test_a08_a_late_event_is_offered_to_the_present_node() -> None:
    story = given(
        plan(
            send("intro", on("no_open", "b", after="P1D")),
            wait("b", on("opened", "end"), on("timeout", "end", after="P9D")),
            stop(),
        )
    )
    story.sends("intro").when(times_out("intro", 0, t(days=1)))
    story.when(hears("opened", t(days=1), "intro", now=t(days=1, hours=1))).then(
        "opened late", "take b.0 opened", "completed completed"
    )


def test_a08_an_event_after_the_timer_is_not_late() -> None:
    story = given(
        plan(
            send("intro", on("no_open", "b", after="P1D")),
            wait("b", on("timeout", "end", after="P9D")),
            stop(),
        )
    )
    story.sends("intro").when(times_out("intro", 0, t(days=1)))
    story.when(hears("opened", t(days=1, seconds=1), "intro")).then("opened")


def test_a09_the_same_report_twice_is_no_news() -> None:
    story = given(ONE_MAIL).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.then("opened")  # `then` reports it once more
    story.when(hears("opened", t(hours=2), "intro")).then("opened")


def test_a09_a_second_report_of_a_machine_is_no_news_either() -> None:
    story = given(ONE_MAIL).sends("intro")
    story.when(hears("opened", t(hours=1), "intro", machine=True)).then("opened machine")


def test_a09_endless_repeats_are_kept_up_to_a_bound_for_people_and_machines_apart() -> None:
    story = given(ONE_MAIL).sends("intro")
    for second in range(60):
        story.when(hears("opened", t(seconds=second), "intro", machine=True))
    story.then()
    assert story.state.signals == 50
    story.when(hears("opened", t(hours=1), "intro")).then("opened")


def test_a09_a_branch_sees_what_is_known_of_the_latest_visit() -> None:
    story = given(
        plan(
            send("intro", on("timeout", "asked", after="P1D")),
            branch("asked", (field("facts.intro.clicked", "exists"), "hot"), otherwise="end"),
            stop("hot"),
            stop(),
        )
    )
    story.sends("intro").when(hears("clicked", t(hours=1), "intro"))
    story.when(times_out("intro", 0, t(days=1))).then(
        "take intro.0 timeout", "enter asked", "completed completed"
    )
    assert story.state.node == "hot"
    assert story.entered("asked").choice == 0
    assert story.entered("asked").at == datetime(2026, 6, 2, 16, tzinfo=UTC)
