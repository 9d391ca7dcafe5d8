"""Dispatch: what the plan itself demands of the instant a message leaves (7.2, 4.3)."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.events import MessageDeferred
from domain.taxonomy import Channel
from domain.timing import Window
from tests.domain.asking import accepts, claims, doubts, hears, loses, queues, times_out
from tests.domain.building import SECOND, on, plan, send, stop, t
from tests.domain.spec import Story, given

LA = "America/Los_Angeles"


def chain(second: Channel = Channel.EMAIL, **limits: str) -> Story:
    """One mail sent at T0; the next message wanted a minute later."""
    nodes = (
        send("intro", on("timeout", "next", after="PT1M")),
        send("next", on("timeout", "end", after="P1D"), channel=second),
        stop(),
    )
    story = given(
        plan(*nodes, spacing=limits.get("spacing", "PT0S"), spacing_any=limits.get("any", "PT0S"))
    )
    return story.sends("intro").when(times_out("intro", 0, t(minutes=1))).when(queues("next"))


def test_a_message_leaves_when_it_is_due_and_not_before() -> None:
    story = given(plan(send("intro", on("sent", "end"), delay="PT1H"), stop())).when(
        queues("intro")
    )
    story.when(claims("intro", t(hours=1) - SECOND)).then()
    story.when(claims("intro", t(hours=1))).then("attempt 1")


def test_only_a_rendered_message_leaves() -> None:
    given(plan(send("intro", on("sent", "end")), stop())).when(claims("intro", t())).then()


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (datetime(2026, 6, 2, 3, 59, 59, tzinfo=UTC), "attempt 1"),  # 20:59:59
        (datetime(2026, 6, 2, 4, tzinfo=UTC), "deferred hours"),  # 21:00
        (datetime(2026, 6, 2, 14, 29, 59, tzinfo=UTC), "deferred hours"),  # 07:29:59
        (datetime(2026, 6, 2, 14, 30, tzinfo=UTC), "attempt 1"),  # 07:30
    ],
)
def test_a_late_dispatch_keeps_to_quiet_hours(now: datetime, then: str) -> None:
    nodes = (send("intro", on("sent", "end")), stop())
    story = given(plan(*nodes, zone=LA, quiet=("21:00", "07:30"), jitter_s=(60, 60)))
    story.when(queues("intro"), claims("intro", now)).then(then)
    if then == "deferred hours":
        fact = story.facts[-1]
        assert isinstance(fact, MessageDeferred)
        assert fact.due_at == datetime(2026, 6, 2, 14, 31, tzinfo=UTC)
        assert fact.expires_at == fact.due_at + timedelta(days=3)


def test_a_late_dispatch_keeps_to_the_window() -> None:
    nodes = (send("intro", on("sent", "end")), stop())
    window = Window(frozenset(range(5)), 9 * 60, 17 * 60)
    story = given(plan(*nodes, zone=LA, window=window)).when(queues("intro"))
    story.when(claims("intro", t(hours=8))).then("deferred hours")
    assert story.message("intro").due_at == t(days=1)


def test_spacing_places_the_next_message_of_the_family() -> None:
    assert chain(spacing="PT12H").message("next").due_at == t(hours=12)
    assert chain(Channel.SMS, spacing="PT12H").message("next").due_at == t(minutes=1)


def test_spacing_of_any_two_messages_places_every_one() -> None:
    assert chain(Channel.SMS, any="PT15M").message("next").due_at == t(minutes=15)


def test_both_linkedin_channels_are_one_family() -> None:
    nodes = (
        send("invite", on("timeout", "note", after="PT1M"), channel=Channel.LINKEDIN_INVITE),
        send("note", on("sent", "end"), channel=Channel.LINKEDIN_MESSAGE),
        stop(),
    )
    story = given(plan(*nodes, spacing="PT12H")).sends("invite")
    story.when(times_out("invite", 0, t(minutes=1)))
    assert story.message("note").due_at == t(hours=12)


def lost_and_found() -> Story:
    """A mail held for lost, the next one queued, then the first turns out to have left."""
    nodes = (
        send("intro", on("send_failed", "next"), on("timeout", "end", after="P9D")),
        send("next", on("timeout", "end", after="P9D")),
        stop(),
    )
    story = given(plan(*nodes, spacing="PT12H"))
    story.when(queues("intro"), claims("intro", t()), doubts("intro", t()))
    story.when(loses("intro", t(3)), queues("next"))
    return story


def test_spacing_is_looked_at_again_at_dispatch() -> None:
    story = lost_and_found().when(accepts("intro", t(3)))
    story.when(claims("next", t(3))).then("deferred spacing")
    assert story.message("next").due_at == t(3, hours=12)
    story.when(claims("next", t(3, hours=12))).then("attempt 1")


def test_an_out_of_office_is_looked_at_again_at_dispatch() -> None:
    story = chain().when(hears("auto_replied", t(minutes=1), "intro"))
    assert story.message("next").due_at == t(3, minutes=1)
    story.when(claims("next", t(1))).then()


def test_the_limit_of_sends_is_kept_at_dispatch() -> None:
    nodes = (
        send("intro", on("timeout", "next", after="PT1M")),
        send("next", on("timeout", "end", after="P1D")),
        stop(),
    )
    story = given(plan(*nodes, max_sends=1)).sends("intro")
    story.when(times_out("intro", 0, t(minutes=1))).when(queues("next"))
    story.when(claims("next", t(minutes=1))).then("cancelled policy", "exited undeliverable")


def test_a_doubt_counts_against_the_limit() -> None:
    nodes = (
        send("intro", on("send_failed", "next"), on("timeout", "end", after="P9D")),
        send("next", on("timeout", "end", after="P9D")),
        stop(),
    )
    story = given(plan(*nodes, max_sends=1))
    story.when(queues("intro"), claims("intro", t()), doubts("intro", t()), loses("intro", t(3)))
    story.when(queues("next"), claims("next", t(3)))
    story.then("cancelled policy", "exited undeliverable")


def test_a_window_that_no_longer_comes_fails_closed_at_dispatch() -> None:
    days = [datetime(2026, 6, 2, tzinfo=UTC).date() + timedelta(days=ahead) for ahead in range(500)]
    nodes = (send("intro", on("sent", "end")), stop())
    story = given(plan(*nodes, holidays=days)).when(queues("intro"))
    story.when(claims("intro", t(1))).then("failed no_window", "exited undeliverable")
