"""A verdict that later facts change: a fact of its own, and what a plan sees from then on."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain import campaign
from domain.campaign import Judged, fold
from domain.events import Event, SignalJudged, SignalRecorded
from domain.ids import TenantId
from domain.plan import Policy
from domain.recorded import Cause, Recorded
from domain.taxonomy import CauseKind
from projections.metrics import DAILY, HOURLY, METRICS
from projections.projection import Add
from projections.timers import TIMERS
from tests.domain.asking import Decide, hears, mid, pauses, report, resumes, times_out
from tests.domain.building import CAMPAIGN, CONTACT, STREAM, on, plan, send, stop, t, wait
from tests.domain.spec import Story, given

ONE_MAIL = plan(
    send("intro", on("no_open", "cold", after="P3D"), on("no_click", "warm", after="P4D")),
    stop("cold"),
    stop("warm"),
)
TWO_STEPS = plan(
    send("intro", on("timeout", "second", after="P1D")),
    wait(
        "second",
        on("no_open", "cold", after="P2D"),
        on("timeout", "cold", after="P9D"),
    ),
    stop("cold"),
)


def judges(signal: str, heard_at: datetime, at: datetime, *, machine: bool) -> Decide:
    """The verdict on what `hears` told of `intro`."""
    key = report(signal, heard_at, "intro").key
    reader = "machine" if machine else "human"
    verdict = Judged(key=key, machine=machine, reader=reader, evidence="2:B6")
    return partial(campaign.judge_again, judged=[verdict], now=at)


def kinds(story: Story) -> set[str]:
    return {timer.kind for timer in story.state.timers}


def moved(facts: Sequence[Event]) -> Counter[tuple[str, object]]:
    """Counters by their hour; the days must come to the same."""
    hours: Counter[tuple[str, object]] = Counter()
    total: Counter[str] = Counter()
    for position, fact in enumerate(facts, 1):
        for change in METRICS.changes(recorded(fact, position)):
            assert isinstance(change, Add)
            for name, amount in change.amounts.items():
                sign = 1 if change.table == HOURLY else -1
                total[name] += sign * amount
                if change.table == HOURLY:
                    hours[name, change.key["bucket"]] += amount
                else:
                    assert change.table == DAILY
    assert not any(total.values())
    return hours


def recorded(fact: Event, position: int) -> Recorded:
    return Recorded(
        fact=fact,
        stream=STREAM,
        campaign_id=CAMPAIGN,
        contact_id=CONTACT,
        version=position,
        position=position,
        tenant=TenantId("acme"),
        at=fact.at,
        cause=Cause(CauseKind.WEBHOOK, "test"),
        correlation=UUID(int=1),
    )


def sums(facts: Sequence[Event]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (name, _), amount in moved(facts).items():
        found[name] += amount
    return {name: amount for name, amount in found.items() if amount}


def test_a_click_that_was_a_machine_s_after_all_arms_what_its_silence_had_kept() -> None:
    story = given(ONE_MAIL).sends("intro")
    story.when(hears("clicked", t(hours=1), "intro"))
    judge = judges("clicked", t(hours=1), t(hours=2), machine=True)
    story.when(judge).then("opened judged machine derived", "clicked judged machine")
    assert "opened" not in story.state.messages[mid("intro")].heard_at
    story.when(times_out("intro", 0, t(days=3))).then("take intro.0 no_open", "completed completed")


def test_a_timer_that_was_due_meanwhile_is_set_again_and_fires() -> None:
    story = given(ONE_MAIL).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(times_out("intro", 0, t(days=3))).then()
    story.when(judges("opened", t(hours=1), t(days=3, hours=1), machine=True))
    (told,) = story.news
    rows = list(TIMERS.changes(recorded(told, 9)))
    assert [row.row["kind"] for row in rows] == ["no_open"]  # type: ignore[union-attr]  # rows that are put
    story.when(times_out("intro", 0, t(days=3))).then("take intro.0 no_open", "completed completed")


def test_a_node_that_was_entered_since_gets_the_timer_that_it_was_not_given() -> None:
    story = given(TWO_STEPS).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(times_out("intro", 0, t(days=1))).then("take intro.0 timeout", "enter second")
    assert kinds(story) == {"timeout"}
    story.when(judges("opened", t(hours=1), t(days=2), machine=True))
    assert kinds(story) == {"no_open", "timeout"}
    assert story.state.timers[0].due_at == t(days=3), "counted from when the node was entered"


def test_a_transition_that_was_taken_stays_and_is_not_taken_twice() -> None:
    once = plan(
        send("intro", on("opened", "second"), on("timeout", "cold", after="P9D")),
        wait("second", on("opened", "read"), on("no_open", "cold", after="P2D")),
        stop("cold"),
        stop("read"),
    )
    story = given(once).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.then("opened", "take intro.0 opened", "enter second")
    assert kinds(story) == set()
    story.when(judges("opened", t(hours=1), t(hours=2), machine=True)).then("opened judged machine")
    assert story.state.node == "second"
    assert kinds(story) == {"no_open"}
    story.when(judges("opened", t(hours=1), t(hours=3), machine=False)).then("opened judged human")
    assert story.state.node == "second", "the open was used before"


def test_what_was_taken_for_a_machine_s_and_is_a_person_s_is_followed_now() -> None:
    eager = plan(
        send("intro", on("clicked", "warm"), on("timeout", "cold", after="P9D")),
        stop("warm"),
        stop("cold"),
    )
    story = given(eager).sends("intro")
    story.when(hears("clicked", t(hours=1), "intro", machine=True))
    story.then("opened derived machine", "clicked machine")
    story.when(judges("clicked", t(hours=1), t(hours=2), machine=False)).then(
        "opened judged human derived",
        "clicked judged human",
        "take intro.0 clicked",
        "completed completed",
    )


def test_a_tenant_that_counts_machines_sees_no_change_of_sides() -> None:
    story = given(ONE_MAIL, Policy(machine_events_count=True)).sends("intro")
    story.when(hears("opened", t(hours=1), "intro"))
    story.when(judges("opened", t(hours=1), t(hours=2), machine=True)).then()
    assert "opened" in story.state.messages[mid("intro")].heard_at


def test_a_verdict_on_what_is_not_recorded_is_no_news() -> None:
    story = given(ONE_MAIL).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(judges("opened", t(hours=2), t(hours=3), machine=True)).then()


def test_a_verdict_during_a_pause_sets_no_timer_until_the_resume() -> None:
    story = given(ONE_MAIL).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.when(pauses(t(hours=2)), judges("opened", t(hours=1), t(hours=3), machine=True))
    (told,) = story.news
    assert list(TIMERS.changes(recorded(told, 9))) == []
    story.when(resumes(t(hours=4)))
    assert kinds(story) == {"no_open", "no_click"}


def test_the_report_comes_after_the_verdicts_it_changes() -> None:
    story = given(ONE_MAIL).sends("intro").when(hears("clicked", t(hours=1), "intro"))
    third = report("clicked", t(hours=1, seconds=2), "intro", machine=True)
    first = Judged(
        key=report("clicked", t(hours=1), "intro").key,
        machine=True,
        reader="machine",
        evidence="2:B6",
    )
    heard = partial(
        campaign.hear, acceptance=None, reported=third, judged=[first], now=t(hours=1, seconds=3)
    )
    story.when(heard).then(
        "opened judged machine derived",
        "clicked judged machine",
        "opened derived machine",
        "clicked machine",
    )
    assert sums(story.facts)["machine_clicks"] == 2
    assert "clicks" not in sums(story.facts)
    assert "unique_opens" not in sums(story.facts)


def test_a_message_stays_opened_as_long_as_one_person_opened_it() -> None:
    story = given(ONE_MAIL).sends("intro")
    first, second = t(hours=1), t(hours=5)
    story.when(hears("opened", first, "intro"), hears("opened", second, "intro"))
    story.when(judges("opened", first, t(hours=6), machine=True))
    assert sums(story.facts)["unique_opens"] == 1
    assert story.state.messages[mid("intro")].heard_at["opened"] == second
    story.when(judges("opened", second, t(hours=7), machine=True))
    assert "unique_opens" not in sums(story.facts)
    assert min(moved(story.facts).values()) >= 0
    story.when(hears("opened", t(hours=8), "intro"))
    assert sums(story.facts)["unique_opens"] == 1


steps = st.lists(
    st.tuples(
        st.sampled_from(["opened", "clicked"]),
        st.integers(1, 60),
        st.booleans(),
        st.sampled_from(["hear", "judge"]),
    ),
    max_size=14,
)


@settings(deadline=None, max_examples=150)
@for_all(steps)
def test_counters_are_what_the_verdicts_of_now_say_and_never_below_nought(
    told: list[tuple[str, int, bool, str]],
) -> None:
    story = given(ONE_MAIL).sends("intro")
    for number, (signal, hours, machine, act) in enumerate(told):
        if act == "hear":
            story.when(hears(signal, t(hours=hours), "intro", now=t(days=2), machine=machine))
        else:
            now = t(days=2, seconds=number)
            story.when(judges(signal, t(hours=hours), now, machine=machine))
    message = story.state.messages[mid("intro")]
    expected = Counter[str]()
    for one in message.sightings:
        kind = {"opened": "opens", "clicked": "clicks"}[one.signal]
        expected[f"machine_{kind}" if one.machine else kind] += not one.derived
    for signal, kind in (("opened", "opens"), ("clicked", "clicks")):
        expected[f"unique_{kind}"] = signal in message.heard_at
    found = sums([fact for fact in story.facts if isinstance(fact, SignalRecorded | SignalJudged)])
    assert found == {name: amount for name, amount in expected.items() if amount}
    assert min(moved(story.facts).values(), default=0) >= 0
    assert fold(story.facts) == story.state


@pytest.mark.parametrize("reader", ["unknown", "human"])
def test_who_nobody_can_tell_is_counted_apart_until_it_is_known(reader: str) -> None:
    story = given(ONE_MAIL).sends("intro")
    heard = campaign.Reported(
        signal="clicked", at=t(hours=1), key="k", message_id=mid("intro"), reader="unknown"
    )
    story.when(partial(campaign.record, reported=heard, now=t(hours=1)))
    assert sums(story.facts)["unknown_clicks"] == 1
    known = Judged(key="k", machine=False, reader=reader, evidence="2:B10")
    story.when(partial(campaign.judge_again, judged=[known], now=t(hours=2)))
    assert sums(story.facts).get("unknown_clicks", 0) == (reader == "unknown")
    assert sums(story.facts)["clicks"] == 1
