from typing import Any

import pytest

from tests.plans.content_cases import Found, issues, only, stage_4
from tests.plans.plan_cases import END, Json, mail, plan

NIGHT = {"start": "21:00", "end": "07:30"}


def scheduled(**schedule: Json) -> dict[str, Any]:
    """A plan whose mail has this schedule."""
    return plan(mail(schedule=schedule), END)


def test_an_unknown_timer_word_is_told_with_the_one_that_was_meant() -> None:
    found = only(plan(defaults={"timers": {"no_opn": "P1D", "no_reply": "P2D"}}))
    assert (found.code, found.path) == ("E_EVENT", "/defaults/timers/no_opn")
    assert found.patch == (
        {"op": "move", "from": "/defaults/timers/no_opn", "path": "/defaults/timers/no_open"},
    )


def test_a_timer_word_is_removed_when_what_it_means_is_given_or_not_to_be_guessed() -> None:
    found = stage_4(plan(defaults={"timers": {"no_opn": "P1D", "no_open": "P2D", "a/b": "P1D"}}))
    assert [each.path for each in found] == ["/defaults/timers/no_opn", "/defaults/timers/a~1b"]
    assert [each.patch for each in found] == [
        ({"op": "remove", "path": "/defaults/timers/no_opn"},),
        ({"op": "remove", "path": "/defaults/timers/a~1b"},),
    ]


def test_a_timeout_has_no_default() -> None:
    assert issues(plan(defaults={"timers": {"timeout": "P1D"}})) == [
        ("E_EVENT", "/defaults/timers/timeout")
    ]


def test_quiet_hours_must_have_a_length() -> None:
    found = only(plan(quietHours={"start": "09:00", "end": "09:00"}))
    assert (found.code, found.path) == ("E_QUIET_EMPTY", "/quietHours")
    assert found.patch == ({"op": "remove", "path": "/quietHours"},)


def test_quiet_hours_without_a_length_close_nothing() -> None:
    narrow = {"days": ["MO"], "start": "09:00", "end": "09:30"}
    assert issues(plan(quietHours={"start": "09:10", "end": "09:10"}, window=narrow)) == [
        ("E_QUIET_EMPTY", "/quietHours")
    ]


@pytest.mark.parametrize(
    ("low", "high", "ordered"),
    [
        ("PT20M", "PT10M", False),
        ("P1D", "PT23H59M", False),
        ("PT24H", "P1D", True),
        ("PT0S", "PT0S", True),
    ],
)
def test_the_least_jitter_is_not_more_than_the_most(low: str, high: str, ordered: bool) -> None:  # noqa: FBT001  # a table
    jitter = {"min": low, "max": high}
    for document, path in (
        (plan(defaults={"jitter": jitter}), "/defaults/jitter"),
        (scheduled(jitter=jitter), "/nodes/0/schedule/jitter"),
    ):
        assert issues(document) == ([] if ordered else [("E_JITTER", path)])


def test_one_bound_of_a_jitter_is_compared_with_the_default_of_the_other() -> None:
    found = only(scheduled(jitter={"min": "PT1H"}))
    assert found.patch == (
        {"op": "replace", "path": "/nodes/0/schedule/jitter/min", "value": "PT16M"},
        {"op": "replace", "path": "/nodes/0/schedule/jitter/max", "value": "PT1H"},
    )


@pytest.mark.parametrize(
    ("beside", "removed"),
    [
        ({"delay": "P1D"}, ["delay"]),
        ({"businessDays": 2}, ["businessDays"]),
        ({"sendAt": "09:00"}, ["sendAt"]),
        (
            {"delay": "PT1S", "businessDays": 1, "sendAt": "09:00"},
            ["delay", "businessDays", "sendAt"],
        ),
    ],
)
def test_an_instant_stands_alone(beside: dict[str, Json], removed: list[str]) -> None:
    found = only(scheduled(at="2027-01-04T09:00:00Z", **beside))
    assert (found.code, found.path) == ("E_SCHEDULE_CONFLICT", "/nodes/0/schedule/at")
    assert found.patch == tuple(
        {"op": "remove", "path": f"/nodes/0/schedule/{field}"} for field in removed
    )


@pytest.mark.parametrize("nothing", [{}, {"delay": "PT0S"}, {"delay": "P0D", "businessDays": 0}])
def test_what_delays_by_nothing_may_stand_beside_an_instant(nothing: dict[str, Json]) -> None:
    assert issues(scheduled(at="2027-01-04T09:00:00Z", **nothing)) == []


def window(start: str, end: str, *days: str) -> dict[str, Any]:
    return {"days": days or ["MO"], "start": start, "end": end}


EMPTY: Found = [("E_WINDOW_EMPTY", "/window")]
NARROW: Found = [("W_WINDOW_NARROW", "/window")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"window": window("18:00", "09:00")}, EMPTY),
        ({"window": window("00:00", "00:00")}, EMPTY),
        ({"window": window("21:30", "00:00")}, []),
        ({"window": window("22:00", "23:00"), "quietHours": NIGHT}, EMPTY),
        ({"window": window("07:00", "07:59"), "quietHours": NIGHT}, NARROW),
        ({"window": window("07:00", "08:00"), "quietHours": NIGHT}, []),
        ({"window": window("09:00", "09:29")}, NARROW),
        ({"window": window("09:00", "09:30")}, []),
        ({"quietHours": {"start": "09:20", "end": "09:00"}}, [("W_WINDOW_NARROW", "/quietHours")]),
        ({"quietHours": {"start": "09:31", "end": "09:00"}}, []),
    ],
)
def test_the_week_has_open_time(fields: dict[str, Json], expected: Found) -> None:
    assert issues(plan(**fields)) == expected


def test_a_window_of_a_node_is_told_there_and_one_of_the_plan_once() -> None:
    own = mail(schedule={"window": window("09:00", "08:00")})
    own["transitions"] = [{"on": "no_reply", "to": "b"}]
    second = mail(id="b", transitions=[{"on": "no_reply", "to": "c"}])
    closed = plan(own, second, mail(id="c"), END, window=window("10:00", "09:00"))
    assert issues(closed) == [
        ("E_WINDOW_EMPTY", "/nodes/0/schedule/window"),
        ("E_WINDOW_EMPTY", "/window"),
    ]
    assert [each.node for each in stage_4(closed)] == ["mail", None]


def test_a_window_that_no_send_uses_is_not_looked_at() -> None:
    own = mail(schedule={"window": window("09:00", "18:00")})
    assert issues(plan(own, END, window=window("10:00", "09:00"))) == []


def test_ids_of_variants_and_arms_are_told_apart() -> None:
    message = {"subject": "x", "text": "x"}
    variants = [{"id": name, "message": message} for name in ("a", "b", "a")]
    arms = [{"id": "x", "to": "mail"}, {"id": "x", "to": "end"}]
    split = {"id": "s", "type": "split", "arms": arms}
    first = plan(split, mail(message=None, variants=variants), END)
    assert issues(first) == [
        ("E_VARIANT_ID", "/nodes/0/arms"),
        ("E_VARIANT_ID", "/nodes/1/variants"),
    ]
    assert [each.got for each in stage_4(first)] == [["x"], ["a"]]
