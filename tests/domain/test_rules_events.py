"""A1 to A6: which event leads where, when it came early, twice or about another message."""

import pytest

from domain.errors import MessageUnknownHere
from domain.events import SignalRecorded, TransitionTaken
from tests.domain.asking import hears, mid, times_out
from tests.domain.building import field, on, plan, send, stop, t, wait
from tests.domain.spec import given

ONE_MAIL = plan(
    send("intro", on("clicked", "warm"), on("no_open", "cold", after="P3D")),
    stop("warm"),
    stop("cold"),
)


def test_a01_an_event_that_came_before_its_node_is_taken_on_entry() -> None:
    story = given(
        plan(
            send("intro", on("no_reply", "patient", after="P1D")),
            wait("patient", on("clicked", "end"), on("timeout", "end", after="P9D")),
            stop(),
        )
    )
    story.sends("intro").when(hears("clicked", t(hours=5), "intro"))
    story.then("opened derived", "clicked")
    story.when(times_out("intro", 0, t(days=1))).then(
        "take intro.0 no_reply", "enter patient", "take patient.0 clicked", "completed completed"
    )
    taken = [fact for fact in story.facts if isinstance(fact, TransitionTaken)]
    assert taken[-1].at == t(days=1), "an old event counts as at the start of the node"


def test_a01_events_that_waited_are_offered_oldest_first() -> None:
    story = given(
        plan(
            send("intro", on("timeout", "patient", after="P1D")),
            wait("patient", on("clicked", "b"), on("opened", "a"), on("timeout", "a", after="P9D")),
            stop("a"),
            stop("b"),
        )
    )
    story.sends("intro")
    story.when(hears("clicked", t(hours=9), "intro"), hears("opened", t(hours=2), "intro"))
    story.when(times_out("intro", 0, t(days=1))).then(
        "take intro.0 timeout", "enter patient", "take patient.1 opened", "completed completed"
    )


def test_a02_an_event_is_used_once_but_stays_a_fact() -> None:
    story = given(
        plan(
            send("intro", on("opened", "first"), on("timeout", "end", after="P9D")),
            wait(
                "first",
                on("opened", "end"),
                on("no_open", "end"),
                on("timeout", "end", after="P5D"),
            ),
            stop(),
        )
    )
    story.sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.then("opened", "take intro.0 opened", "enter first")
    armed = [timer.kind for timer in story.state.timers]
    assert armed == ["timeout"], "no_open never fires after the open"


def test_a03_a_click_without_an_open_derives_the_open_and_offers_it_first() -> None:
    story = given(
        plan(
            send("intro", on("clicked", "b"), on("opened", "a"), on("timeout", "a", after="P9D")),
            wait("a", on("clicked", "b"), on("timeout", "b", after="P9D")),
            stop("b"),
        )
    )
    story.sends("intro").when(hears("clicked", t(hours=1), "intro")).then(
        "opened derived",
        "clicked",
        "take intro.1 opened",
        "enter a",
        "take a.0 clicked",
        "completed completed",
    )
    derived = story.news[0]
    assert isinstance(derived, SignalRecorded)
    assert derived.at == t(hours=1)


def test_a03_a_reply_derives_an_open_too() -> None:
    given(ONE_MAIL).sends("intro").when(hears("replied", t(hours=1), "intro")).then(
        "opened derived", "replied", "exited replied"
    )


def test_a03_no_open_is_derived_where_one_is_known() -> None:
    story = given(ONE_MAIL).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(hears("clicked", t(hours=1), "intro")).then(
        "clicked", "take intro.0 clicked", "completed completed"
    )


def test_a03_a_click_that_happened_before_the_known_open_derives_its_own() -> None:
    story = given(plan(send("intro", on("no_open", "end", after="PT3H")), stop()))
    story.sends("intro").when(hears("opened", t(hours=4), "intro", now=t(hours=3, minutes=1)))
    story.when(hears("clicked", t(hours=2), "intro", now=t(hours=3, minutes=1)))
    story.then("opened derived", "clicked")
    story.when(times_out("intro", 0, t(hours=3))).then()


def test_a03_a_click_about_nothing_sent_is_refused() -> None:
    with pytest.raises(MessageUnknownHere):
        given(ONE_MAIL).when(hears("clicked", t(hours=1), "nowhere"))


def test_a04_the_first_match_in_document_order_wins() -> None:
    two = plan(
        send("intro", on("opened", "a"), on("opened", "b"), on("timeout", "b", after="P9D")),
        stop("a"),
        stop("b"),
    )
    given(two).sends("intro").when(hears("opened", t(hours=1), "intro")).then(
        "opened", "take intro.0 opened", "completed completed"
    )


def test_a04_guard_and_url_are_part_of_matching() -> None:
    ways = (
        on("clicked", "a", when=field("contact.tier", "eq", "gold")),
        on("clicked", "b", url="/pricing"),
        on("clicked", "c"),
        on("timeout", "c", after="P9D"),
    )
    nodes = (send("intro", *ways), stop("a"), stop("b"), stop("c"))
    story = plan(*nodes, texts=["/pricing"])

    def clicked(url: str, tier: str) -> str:
        told = given(story).sends("intro").learns(tier=tier)
        told.when(hears("opened", t(minutes=5), "intro"))
        told.when(hears("clicked", t(hours=1), "intro", url=url))
        return str(told.state.node)

    assert clicked("https://x.test/pricing?a=1", "gold") == "a"
    assert clicked("https://x.test/pricing?a=1", "free") == "b"
    assert clicked("https://x.test/PRICING", "free") == "c", "the substring is case-sensitive"


def test_a04_only_the_tags_of_a_clicked_url_reach_the_log() -> None:
    story = given(plan(*ONE_MAIL.nodes.values(), texts=["/pricing", "demo", "pri"])).sends("intro")
    story.when(hears("clicked", t(hours=1), "intro", url="https://x.test/pricing?name=dana"))
    heard = story.news[1]
    assert isinstance(heard, SignalRecorded)
    assert heard.url_tags == (
        "7394a2bb",
        "e1c49b15",
    )  # the first 8 hex digits of the SHA-256 of /pricing and pri
    assert all("dana" not in str(fact) for fact in story.facts)


TWO_MAILS = (
    send("intro", on("no_reply", "follow", after="P1D")),
    send("follow", on("clicked", "hot"), on("timeout", "end", after="P9D")),
    stop("hot"),
    stop(),
)


def test_a05_an_event_about_an_earlier_message_is_recorded_and_takes_nothing() -> None:
    story = given(plan(*TWO_MAILS)).sends("intro")
    story.when(times_out("intro", 0, t(days=1))).sends("follow")
    story.when(hears("opened", t(days=2), "intro")).then("opened")
    story.when(hears("clicked", t(days=2), "intro")).then("clicked")


@pytest.mark.parametrize("about", ["any", "intro"])
def test_a05_about_any_or_about_that_node_takes_an_older_message(about: str) -> None:
    follow = send("follow", on("clicked", "hot", about=about), on("timeout", "end", after="P9D"))
    story = given(plan(TWO_MAILS[0], follow, stop("hot"), stop())).sends("intro")
    story.when(times_out("intro", 0, t(days=1))).sends("follow")
    story.when(hears("opened", t(days=2), "intro"), hears("clicked", t(days=2), "intro"))
    story.then("clicked", "take follow.0 clicked", "completed completed")


def test_a05_exits_and_goals_ignore_what_the_message_was() -> None:
    for signal, end in (
        ("replied", "replied"),
        ("bounced", "bounced"),
        ("meeting_booked", "converted"),
    ):
        story = given(plan(*TWO_MAILS)).sends("intro")
        story.when(times_out("intro", 0, t(days=1))).sends("follow")
        story.when(hears("opened", t(days=1, hours=1), "intro"))
        story.when(hears(signal, t(days=2), "intro")).then(signal, f"exited {end}")


def test_a05_what_is_about_no_message_fits_the_node_it_finds() -> None:
    booked = wait("call", on("meeting_booked", "end"), on("timeout", "end", after="P9D"))
    story = given(plan(send("intro", on("sent", "call")), booked, stop(), goals=()))
    story.sends("intro").when(hears("meeting_booked", t(hours=1)))
    story.then("meeting_booked", "take call.0 meeting_booked", "completed completed")


def test_a06_the_anchor_is_the_last_message_sent_when_the_node_was_entered() -> None:
    story = given(
        plan(
            send("intro", on("timeout", "follow", after="P1D")),
            send("follow", on("sent", "watch")),
            wait("watch", on("opened", "end"), on("timeout", "end", after="P9D")),
            stop(),
        )
    )
    story.sends("intro").when(times_out("intro", 0, t(days=1))).sends("follow")
    assert story.entered("watch").anchor == mid("follow")
    story.when(hears("opened", t(days=2), "intro")).then("opened")
    story.when(hears("opened", t(days=2), "follow")).then(
        "opened", "take watch.0 opened", "completed completed"
    )


def test_a06_a_wait_may_watch_another_message() -> None:
    story = given(
        plan(
            send("intro", on("timeout", "follow", after="P1D")),
            send("follow", on("sent", "watch")),
            wait("watch", on("opened", "end"), on("no_open", "end"), about="intro"),
            stop(),
        )
    )
    story.sends("intro").when(times_out("intro", 0, t(days=1))).sends("follow")
    assert story.entered("watch").anchor == mid("intro")
    story.when(hears("opened", t(days=2), "follow")).then("opened")
    story.when(hears("opened", t(days=2), "intro")).then(
        "opened", "take watch.0 opened", "completed completed"
    )


def test_a06_while_a_message_waits_to_be_sent_older_ones_are_only_latched() -> None:
    story = given(plan(*TWO_MAILS)).sends("intro").when(times_out("intro", 0, t(days=1)))
    story.when(hears("clicked", t(days=1, seconds=1), "intro")).then("opened derived", "clicked")
    story.sends("follow", t(days=1, hours=1))
    assert story.state.node == "follow", "what is latched is about the earlier message"
