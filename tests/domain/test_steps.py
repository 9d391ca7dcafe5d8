"""The table of plan-dsl.md 7.2 where other files do not have it: starting, entering, branching."""

from collections.abc import Sequence
from functools import partial

import pytest

from domain import campaign
from domain.campaign import Phase
from domain.errors import AlreadyEnrolled, CampaignEnded, CampaignNotStarted
from domain.events import MessageAccepted, NodeEntered
from domain.lifecycle import Stage
from domain.plan import Node, draw
from domain.taxonomy import Channel, Outcome
from tests.domain.asking import (
    Decide,
    accepted_plan,
    accepts,
    claims,
    enrols,
    expires,
    hears,
    mid,
    queues,
    stops,
    times_out,
)
from tests.domain.building import SUBJECT, branch, field, on, plan, send, stop, t, wait
from tests.domain.spec import drafted, given

ONE = plan(send("intro", on("timeout", "end", after="P1D")), stop())


def accepting(plan_hash: str = "sha256:test") -> Decide:
    return partial(campaign.accept, accepted=accepted_plan(plan_hash=plan_hash))


def starting(at_days: float, now_days: float) -> Decide:
    return partial(campaign.start, at=t(at_days), now=t(now_days))


# --- taking a plan and starting -------------------------------------------------------------------


def test_a_plan_makes_a_draft_and_again_is_no_news() -> None:
    story = drafted(ONE).when(accepting()).then("plan accepted")
    assert story.state.stage == Stage.DRAFT


def test_another_plan_is_refused() -> None:
    story = drafted(ONE).when(enrols())
    other = accepted_plan(plan_hash="sha256:other")
    with pytest.raises(AlreadyEnrolled):
        campaign.accept(story.state, story.grounds, accepted=other)
    story.when(stops(t(1)))
    with pytest.raises(CampaignEnded):
        campaign.accept(story.state, story.grounds, accepted=other)


def test_a_start_to_come_is_noted_and_then_taken() -> None:
    story = drafted(ONE).when(accepting(), starting(2, 0)).then("start scheduled")
    assert (story.state.stage, story.state.starts_at) == (Stage.SCHEDULED, t(2))
    story.when(starting(3, 1)).then("start scheduled")
    story.when(starting(3, 3)).then("started", "enter intro")
    assert (story.state.started_at, story.state.expires_at) == (t(3), t(63))


def test_enrolling_is_accepting_and_starting() -> None:
    story = drafted(ONE).when(enrols()).then("plan accepted", "started", "enter intro")
    assert (story.state.stage, story.state.phase) == (Stage.ACTIVE, Phase.SCHED)
    drafted(ONE).when(enrols(starts_at=t(1))).then("plan accepted", "start scheduled")
    drafted(ONE).when(accepting(), enrols()).then("started", "enter intro")


def test_nothing_starts_without_a_plan() -> None:
    with pytest.raises(CampaignNotStarted):
        drafted(ONE).when(starting(0, 0))


def test_nothing_is_heard_before_the_start() -> None:
    for story in (drafted(ONE), drafted(ONE).when(accepting())):
        with pytest.raises(CampaignNotStarted):
            story.when(hears("x_demo", t()))


def test_a_draft_may_be_stopped_and_does_not_expire() -> None:
    drafted(ONE).when(accepting(), expires(t(99))).then()
    drafted(ONE).when(accepting(), stops(t())).then("exited cancelled")
    drafted(ONE).when(stops(t())).then()


# --- entering -------------------------------------------------------------------------------------


def test_a_send_plans_its_message() -> None:
    story = given(ONE)
    fact = story.entered("intro")
    assert fact == NodeEntered(
        node=fact.node,
        visit=1,
        at=t(),
        message_id=mid("intro"),
        channel=Channel.EMAIL,
        due_at=t(),
        expires_at=t(3),
        dedupe_key=f"{SUBJECT}:intro:email",
    )


def test_a_wait_sets_its_timers() -> None:
    ways = (on("no_open", "end"), on("timeout", "end", after="P9D"))
    story = given(plan(send("intro", on("sent", "more")), wait("more", *ways), stop()))
    story.sends("intro").then("sent", "take intro.0 sent", "enter more")
    armed = [(timer.index, timer.kind, timer.due_at) for timer in story.entered("more").timers]
    assert armed == [(0, "no_open", t(3)), (1, "timeout", t(9))]
    assert story.state.phase == Phase.WATCH


def test_a_message_on_its_way_arms_its_timers_when_it_is_accepted() -> None:
    story = given(ONE).when(queues("intro"), claims("intro", t()))
    assert (story.state.phase, story.state.timers) == (Phase.SENDING, ())
    story.when(accepts("intro", t(minutes=1))).then("sent")
    fact = story.facts[-1]
    assert isinstance(fact, MessageAccepted)
    assert fact.timers == story.state.timers
    assert [timer.due_at for timer in fact.timers] == [t(1, minutes=1)]


def test_sent_is_looked_at_with_the_message_counted() -> None:
    first = field("state.sends", "eq", 1)
    nodes = (send("intro", on("sent", "end", when=first)), stop())
    given(plan(*nodes)).sends("intro").then("sent", "take intro.0 sent", "completed completed")


def test_sent_whose_guard_is_false_leaves_the_node_watching() -> None:
    ways = (on("sent", "end", when=field("contact.vip", "eq", value=True)), on("no_open", "end"))
    story = given(plan(send("intro", *ways), stop())).sends("intro").then("sent")
    assert [timer.kind for timer in story.state.timers] == ["no_open"]


def test_what_was_heard_of_a_message_on_its_way_is_offered_when_it_is_accepted() -> None:
    ways = (on("opened", "end"), on("no_open", "end"))
    story = given(plan(send("intro", *ways), stop())).when(queues("intro"), claims("intro", t()))
    story.when(hears("opened", t(minutes=1), "intro")).then("opened")
    story.when(accepts("intro", t(minutes=2)))
    story.then("sent", "take intro.0 opened", "completed completed")


@pytest.mark.parametrize(("tier", "node"), [("gold", "a"), ("silver", "b"), ("none", "c")])
def test_the_first_true_case_wins_else_otherwise(tier: str, node: str) -> None:
    cases = (
        (field("contact.tier", "eq", "gold"), "a"),
        (field("contact.tier", "in", ("gold", "silver")), "b"),
    )
    nodes = (branch("asked", *cases, otherwise="c"), stop("a"), stop("b"), stop("c"))
    story = drafted(plan(*nodes)).learns(tier=tier).when(enrols())
    story.then("plan accepted", "started", "enter asked", "completed completed")
    assert story.state.node == node


def test_a_stop_ends_it_with_its_outcome_and_voids_the_timers() -> None:
    nodes = (
        send("intro", on("opened", "won"), on("timeout", "won", after="P9D")),
        stop("won", Outcome.CONVERTED),
    )
    story = given(plan(*nodes)).sends("intro").when(hears("opened", t(hours=1), "intro"))
    story.then("opened", "take intro.0 opened", "completed converted")
    assert (story.state.stage, story.state.timers) == (Stage.COMPLETED, ())
    story.when(times_out("intro", 1, t(9))).then()


def test_after_the_last_visit_the_token_goes_on_and_the_visit_is_not_counted() -> None:
    loop = send("intro", on("no_open", "intro", after="P1D"), max_visits=2, on_max_visits="end")
    story = given(plan(loop, stop())).sends("intro").when(times_out("intro", 0, t(1)))
    story.then("take intro.0 no_open", "enter intro")
    story.sends("intro", visit=2).when(times_out("intro", 0, t(2), visit=2))
    story.then("take intro.0 no_open", "completed completed")
    assert story.state.visits == {"intro": 2}


def test_a_timer_of_an_earlier_visit_is_stale() -> None:
    loop = send("intro", on("no_open", "intro", after="P1D"), max_visits=2, on_max_visits="end")
    story = given(plan(loop, stop())).sends("intro").when(times_out("intro", 0, t(1)))
    story.sends("intro", visit=2).when(times_out("intro", 0, t(2), visit=1)).then()


def circle(nodes: int) -> Sequence[Node]:
    never = field("contact.x", "eq", "x")
    names = [f"n{number}" for number in range(nodes)]
    ends = [*names[1:], "end"]
    return [branch(name, (never, name), otherwise=to) for name, to in zip(names, ends, strict=True)]


def test_a_plan_may_pass_200_nodes_at_once_and_not_more() -> None:
    assert given(plan(*circle(199), stop())).state.stage == Stage.COMPLETED
    story = given(plan(*circle(200), stop()))
    assert (story.state.stage, story.state.outcome) == (Stage.FAILED, Outcome.CANCELLED)
    assert len(story.facts) == 2 + 200 + 1


def test_a_circle_of_timers_that_takes_no_time_ends_as_failed() -> None:
    ways = (on("timeout", "b", after="PT0S"), on("timeout", "a", after="PT0S"))
    nodes = (send("intro", on("sent", "a")), wait("a", ways[0]), wait("b", ways[1]))
    story = given(plan(*nodes)).sends("intro").when(hears("x_demo", t(1)))
    assert (story.state.stage, story.state.outcome) == (Stage.FAILED, Outcome.CANCELLED)


# --- watching -------------------------------------------------------------------------------------


def test_what_matches_nothing_is_latched() -> None:
    story = given(ONE).sends("intro").when(hears("delivered", t(hours=1), "intro"))
    story.then("delivered")
    assert [heard.signal for heard in story.state.latched] == ["delivered"]


def test_custom_events_need_no_message() -> None:
    ways = (on("x_demo", "end"), on("timeout", "end", after="P9D"))
    story = given(plan(send("intro", *ways), stop())).sends("intro")
    story.when(hears("x_demo", t(hours=1)))
    story.then("x_demo", "take intro.0 x_demo", "completed completed")


def test_a_timer_whose_guard_is_false_stores_nothing() -> None:
    gold = field("contact.tier", "eq", "gold")
    ways = (on("timeout", "end", after="P1D", when=gold), on("timeout", "end", after="P2D"))
    story = given(plan(send("intro", *ways), stop())).sends("intro")
    story.when(times_out("intro", 0, t(1))).then()
    story.when(times_out("intro", 1, t(2))).then("take intro.1 timeout", "completed completed")


def test_a_dropped_timer_is_not_tried_again_by_a_later_one() -> None:
    gold = field("contact.tier", "eq", "gold")
    ways = (on("timeout", "a", after="P1D", when=gold), on("timeout", "b", after="P2D"))
    story = given(plan(send("intro", *ways), stop("a"), stop("b"))).sends("intro")
    story.when(times_out("intro", 0, t(1))).learns(tier="gold")
    story.when(times_out("intro", 1, t(2))).then("take intro.1 timeout", "completed completed")


# --- 7.4 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "experiment", "weights", "arm"),
    [
        ("c_1001", "subject_nov", (2, 1, 97), 1),  # 2 of 100: past the first two
        ("c_1001", "subject_nov", (3, 97), 0),
        ("c_1002", "subject_nov", (98, 1, 1), 1),  # 98 of 100
        ("c_1002", "subject_nov", (99, 1), 0),
        ("c_1001", "offer_nov", (1, 1, 1), 1),
    ],
)
def test_the_draw_has_the_values_of_7_4(
    contact: str, experiment: str, weights: tuple[int, ...], arm: int
) -> None:
    assert draw(f"t_demo:{contact}:camp_1", experiment, weights) == arm


def test_a_variant_is_drawn_once_and_kept_with_the_message() -> None:
    def variant(name: str, experiment: str = "") -> str:
        arms = {"a": 1, "b": 1, "c": 1}
        nodes = (send(name, on("sent", "end"), variants=arms, experiment=experiment), stop())
        return given(plan(*nodes)).message(name).variant

    assert variant("intro", "offer_nov") == "b"
    assert {variant(name, "offer_nov") for name in ("one", "two", "three")} == {"b"}
    assert variant("offer_nov") == "b", "without an experiment the node id is the key"
    assert len({variant(f"node{number}") for number in range(20)}) == 3
