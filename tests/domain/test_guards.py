"""Guards: compared by value and type, a missing value equals nothing, never an error."""

from collections.abc import Mapping

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.guards import holds
from domain.plan import Condition, Guard
from tests.domain.asking import times_out
from tests.domain.building import branch, field, on, plan, send, stop, t
from tests.domain.spec import given

KNOWN: Mapping[str, object] = {
    "contact.size": 50,
    "contact.share": 0.5,
    "contact.tier": "gold",
    "contact.vip": True,
    "contact.gone": None,
    "contact.tags": ["Warm", "north"],
    "facts.intro.opened": True,
}
OPS = [
    "eq",
    "ne",
    "in",
    "not_in",
    "contains",
    "exists",
    "not_exists",
    "gt",
    "gte",
    "lt",
    "lte",
]


@pytest.mark.parametrize(
    ("name", "op", "value", "true"),
    [
        ("contact.size", "eq", 50, True),
        ("contact.size", "eq", 50.0, True),
        ("contact.size", "eq", "50", False),
        ("contact.vip", "eq", True, True),
        ("contact.vip", "eq", 1, False),
        ("contact.none", "eq", "x", False),
        ("contact.none", "ne", "x", True),
        ("contact.gone", "eq", "x", False),
        ("contact.gone", "ne", "x", True),
        ("contact.gone", "exists", None, False),
        ("contact.gone", "not_exists", None, True),
        ("contact.tier", "ne", "gold", False),
        ("contact.tier", "exists", None, True),
        ("contact.none", "exists", None, False),
        ("contact.none", "not_exists", None, True),
        ("contact.tier", "in", ("gold", "silver"), True),
        ("contact.tier", "not_in", ("gold", "silver"), False),
        ("contact.none", "in", ("gold",), False),
        ("contact.none", "not_in", ("gold",), True),
        ("contact.tier", "contains", "OL", True),
        ("contact.tier", "contains", "x", False),
        ("contact.tags", "contains", "warm", True),
        ("contact.size", "contains", "5", False),
        ("contact.size", "gt", 49, True),
        ("contact.size", "gt", 50, False),
        ("contact.size", "gte", 50, True),
        ("contact.size", "lt", 50.5, True),
        ("contact.size", "lte", 49, False),
        ("contact.size", "gt", "4", False),
        ("contact.tier", "gt", "a", True),
        ("contact.none", "lt", 5, False),
        ("contact.vip", "gte", 0, False),
        ("facts.intro.opened", "exists", None, True),
        ("facts.intro.clicked", "exists", None, False),
        ("facts.intro.clicked", "not_exists", None, True),
        ("facts.intro.opened", "eq", True, True),
    ],
)
def test_a_condition(name: str, op: str, value: str, *, true: bool) -> None:
    assert holds(field(name, op, value), KNOWN) is true


def test_for_a_fact_exists_asks_for_truth() -> None:
    assert not holds(field("facts.intro.opened", "exists"), {"facts.intro.opened": False})
    assert holds(field("facts.intro.opened", "not_exists"), {"facts.intro.opened": False})


def test_all_must_hold_and_one_of_any() -> None:
    yes, no = Condition("contact.size", "eq", 50), Condition("contact.size", "eq", 51)
    assert holds(None, KNOWN)
    assert holds(Guard(), KNOWN)
    assert holds(Guard(all=(yes, yes)), KNOWN)
    assert not holds(Guard(all=(yes, no)), KNOWN)
    assert holds(Guard(any=(no, yes)), KNOWN)
    assert not holds(Guard(any=(no, no)), KNOWN)
    assert not holds(Guard(all=(no,), any=(yes,)), KNOWN)
    assert not holds(Guard(all=(yes,), any=(no,)), KNOWN)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
listed = st.lists(st.text(max_size=3), max_size=3).map(tuple)


@for_all(st.sampled_from(OPS), scalars | st.lists(scalars, max_size=3), scalars | listed)
def test_no_pair_of_values_is_an_error(
    op: str, found: object, value: str | tuple[str, ...] | None
) -> None:
    assert holds(field("contact.x", op, value), {"contact.x": found}) in (True, False)


@for_all(
    st.sampled_from([("eq", "ne"), ("in", "not_in"), ("exists", "not_exists")]), scalars | listed
)
def test_an_op_and_its_opposite_differ(
    ops: tuple[str, str], value: str | tuple[str, ...] | None
) -> None:
    one, other = (holds(field("contact.tier", op, value), KNOWN) for op in ops)
    assert one is not other


def test_a_guard_may_ask_for_sends_and_visits_also_of_nodes_not_seen_yet() -> None:
    def led_to(guard: Guard) -> str:
        nodes = (
            send("intro", on("timeout", "asked", after="P1D")),
            branch("asked", (guard, "yes"), otherwise="no"),
            stop("yes"),
            stop("no"),
        )
        story = given(plan(*nodes)).sends("intro").when(times_out("intro", 0, t(days=1)))
        return str(story.state.node)

    assert led_to(field("state.sends", "eq", 1)) == "yes"
    assert led_to(field("state.visits.intro", "eq", 1)) == "yes"
    assert led_to(field("state.visits.asked", "gte", 1)) == "no", "it is being decided, not done"
    assert led_to(field("state.visits.no", "eq", 0)) == "yes"
