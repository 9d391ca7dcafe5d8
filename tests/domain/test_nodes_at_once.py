"""Nodes that the token passes by at one instant: split, update, notify, webhook; bounded visits."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from domain.campaign import Phase
from domain.events import ContactUpdateRequested, NotificationRequested, WebhookRequested
from domain.ids import NodeId
from domain.lifecycle import Stage
from domain.plan import Grounds, Node, Plan
from domain.taxonomy import Outcome
from tests.domain.asking import answers, enrols, errand, hears, times_out
from tests.domain.building import (
    STREAM,
    T0,
    branch,
    field,
    notify,
    on,
    plan,
    send,
    split,
    stop,
    t,
    task,
    update,
    wait,
    webhook,
)
from tests.domain.spec import Story, drafted, given

SUBJECT_TEST = {"first": (2, "a"), "second": (1, "b"), "third": (97, "c")}
ENDS = [stop(name) for name in "abc"]


def enrolled(chosen: Plan, contact: str) -> Story:
    return Story(Grounds(STREAM, chosen, f"t_demo:{contact}:camp_1")).when(enrols())


# --- split ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("contact", "node"), [("c_1001", "b"), ("c_1002", "c")])
def test_a_split_leads_where_the_draw_of_7_4_says(contact: str, node: str) -> None:
    story = enrolled(plan(split("ask", SUBJECT_TEST, "subject_nov"), *ENDS), contact)
    story.then("plan accepted", "started", "enter ask", "completed completed")
    assert story.state.node == node


def test_a_split_keeps_its_arm_in_the_fact() -> None:
    story = enrolled(plan(split("ask", SUBJECT_TEST, "subject_nov"), *ENDS), "c_1001")
    fact = story.entered("ask")
    assert (fact.choice, fact.variant, fact.experiment) == (1, "second", "subject_nov")


def test_a_split_without_an_experiment_draws_by_its_own_id() -> None:
    drawn = {
        enrolled(plan(split(f"ask{number}", SUBJECT_TEST), *ENDS), "c_1001").state.node
        for number in range(60)
    }
    assert len(drawn) > 1


def test_one_experiment_gives_a_contact_the_same_arm_at_every_node() -> None:
    for number in range(20):
        arms = {"x": (1, "again"), "y": (1, "again")}
        nodes = (
            split("ask", arms, "tone"),
            split("again", {"x": (1, "mail"), "y": (1, "mail")}, "tone"),
            send("mail", on("sent", "end"), variants={"x": 1, "y": 1}, experiment="tone"),
            stop(),
        )
        story = enrolled(plan(*nodes), f"c_{number}")
        arm = story.entered("ask").variant
        assert (story.entered("again").variant, story.message("mail").variant) == (arm, arm)


def test_an_arm_once_drawn_stays_though_the_weights_are_others_further_on() -> None:
    nodes = (
        split("ask", {"x": (1, "again"), "y": (999, "again")}, "tone"),
        split("again", {"x": (999, "a"), "y": (1, "b")}, "tone"),
        *ENDS,
    )
    story = enrolled(plan(*nodes), "c_1001")
    assert (story.entered("ask").variant, story.state.node) == ("y", "b")


# --- update ---------------------------------------------------------------------------------------


def test_an_update_is_asked_for_and_the_token_goes_on() -> None:
    story = given(plan(update("mark", "end", {"contact.tier": "gold"}), stop()))
    story.then("plan accepted", "started", "enter mark", "update", "completed completed")
    assert (
        ContactUpdateRequested(update_id=errand("mark"), node=NodeId("mark"), visit=1, at=T0)
        in story.facts
    )


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (update("mark", "ask", {"contact.tier": "gold"}), field("contact.tier", "eq", "gold")),
        (update("mark", "ask", {"company.size": 9}), field("company.size", "gt", 8)),
        (update("mark", "ask", add=["warm"]), field("contact.tags", "contains", "warm")),
        (update("mark", "ask", remove=["cold"]), field("contact.tags", "contains", "kept")),
    ],
)
def test_a_guard_further_on_at_the_same_instant_sees_the_change(
    change: Node, asked: object
) -> None:
    nodes = (change, branch("ask", (asked, "a"), otherwise="b"), *ENDS)  # type: ignore[arg-type]  # a guard
    story = drafted(plan(*nodes)).learns(tier="tin", tags=["cold", "kept"]).when(enrols())
    assert story.state.node == "a"


def test_a_tag_that_was_removed_is_gone_further_on() -> None:
    asked = field("contact.tags", "contains", "cold")
    nodes = (update("mark", "ask", remove=["cold"]), branch("ask", (asked, "a"), otherwise="b"))
    story = drafted(plan(*nodes, *ENDS)).learns(tags=["cold"]).when(enrols())
    assert story.state.node == "b"


def test_an_update_without_tags_makes_none() -> None:
    asked = field("contact.tags", "exists")
    nodes = (update("mark", "ask", {"contact.tier": 1}), branch("ask", (asked, "a"), otherwise="b"))
    assert given(plan(*nodes, *ENDS)).state.node == "b"


# --- notify, webhook without onError --------------------------------------------------------------


def test_a_notice_is_asked_for_and_the_token_goes_on() -> None:
    story = given(plan(notify("tell", "end"), stop()))
    story.then("plan accepted", "started", "enter tell", "notify", "completed completed")
    notice = NotificationRequested(notice_id=errand("tell"), node=NodeId("tell"), visit=1, at=T0)
    assert notice in story.facts


def test_a_call_whose_failure_nobody_asks_for_is_not_waited_for() -> None:
    nodes = (webhook("crm", "more"), wait("more", on("timeout", "end", after="P1D")), stop())
    story = given(plan(*nodes)).then("plan accepted", "started", "enter crm", "call", "enter more")
    call = next(fact for fact in story.facts if isinstance(fact, WebhookRequested))
    assert (call.waits, call.endpoint, call.give_up_at) == (False, "crm", t(hours=1))
    story.when(answers("crm", t(minutes=1), ok=False)).then("call failed")
    assert (story.state.node, story.state.phase, story.state.calls) == ("more", Phase.WATCH, {})


def test_an_answer_to_such_a_call_never_moves_a_later_call_that_waits() -> None:
    nodes = (webhook("one", "two"), webhook("two", "a", "b"), *ENDS)
    story = given(plan(*nodes)).when(answers("one", t(minutes=1), ok=False)).then("call failed")
    assert (story.state.node, story.state.phase) == ("two", Phase.CALLING)
    story.when(answers("two", t(minutes=2))).then("called", "completed completed")
    assert story.state.node == "a"


# --- A16 ------------------------------------------------------------------------------------------

LOOPED: Sequence[Node] = [
    send("loop", on("timeout", "loop", after="P1D")),
    wait("loop", on("timeout", "loop", after="P1D")),
    task("loop", on("timeout", "loop", after="P1D")),
    branch("loop", otherwise="rest"),
    split("loop", {"a": (1, "rest"), "b": (1, "rest")}),
    update("loop", "rest", {"contact.tier": 1}),
    notify("loop", "rest"),
    webhook("loop", "rest"),
    webhook("loop", "rest", "rest"),
]


@pytest.mark.parametrize("node", LOOPED, ids=lambda node: type(node).__name__)
def test_a16_every_kind_of_node_is_visited_so_often_and_not_more(node: Node) -> None:
    bounded = replace(node, max_visits=2, on_max_visits=NodeId("end"))
    rest = wait("rest", on("x_again", "loop"), on("timeout", "end", after="P9D"))
    story = given(plan(bounded, rest, stop("end", Outcome.NO_RESPONSE)))
    for visit in (1, 2):
        assert story.state.visits[NodeId("loop")] == visit
        if "loop" in {message.node for message in story.state.messages.values()}:
            story.sends("loop", t(visit), visit)
        if story.state.phase == Phase.CALLING:
            story.when(answers("loop", t(visit), visit))
        if story.state.node == "loop":
            story.when(times_out("loop", 0, story.state.timers[0].due_at, visit))
        else:
            story.when(hears("x_again", t(visit, hours=1)))
    assert (story.state.stage, story.state.outcome) == (Stage.COMPLETED, Outcome.NO_RESPONSE)
    assert story.state.visits[NodeId("loop")] == 2


def test_a16_a_node_to_go_on_to_may_be_bounded_itself() -> None:
    bounded = replace(LOOPED[1], max_visits=1, on_max_visits=NodeId("other"))
    other = replace(notify("other", "loop"), max_visits=1, on_max_visits=NodeId("end"))
    story = given(plan(bounded, other, stop())).when(times_out("loop", 0, t(1)))
    story.then("take loop.0 timeout", "enter other", "notify", "completed completed")


@pytest.mark.parametrize(
    "node",
    [
        split("loop", {"a": (1, "loop"), "b": (1, "loop")}),
        update("loop", "loop"),
        notify("loop", "loop"),
        webhook("loop", "loop"),
    ],
    ids=lambda node: type(node).__name__,
)
def test_a_circle_that_takes_no_time_ends_as_failed_after_200_steps(node: Node) -> None:
    story = given(plan(node, stop()))
    assert (story.state.stage, story.state.outcome) == (Stage.FAILED, Outcome.CANCELLED)
    assert story.state.visits == {"loop": 200}
