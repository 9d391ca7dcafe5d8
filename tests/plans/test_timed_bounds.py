"""The bounds and the facts: sends, time to the end, spacing, cost (plan-dsl.md 11.4 and 12)."""

import pytest

from plans.context import TenantPolicy
from plans.patch import patched
from plans.verify.check import check
from tests.plans.plan_cases import DATA, Json, read
from tests.plans.timed_cases import (
    END,
    NARROW,
    branch,
    errors,
    facts,
    linkedin,
    mail,
    on,
    one,
    sms,
    task,
    wait,
    witness,
)

CALM = {"defaults": {"jitter": {"min": "PT0S", "max": "PT0S"}}}
"""No jitter, so that the figures are round."""
LAST = on("timeout", after="P3D")


PROMPT = TenantPolicy.model_validate({"timerGrace": "PT0S"})


def of(*nodes: Json, **more: Json) -> Json:
    return facts(*nodes, **{**CALM, "policy": PROMPT, **more})


def test_the_facts_of_the_example_of_the_language() -> None:
    found = check(
        read(DATA / "invalid" / "07_stuck_gap_between_within_and_no_open.json")["plan"]
    ).report.facts
    assert found is not None
    given = {key: value for key, value in found.items() if key not in ("states", "paths")}
    assert given == {
        "nodes": 3,
        "minSends": 1,
        "maxSends": 2,
        "maxSendsPath": ["email_intro", "email_follow"],
        "minDuration": "P7DT23H12M",
        "maxDuration": "P62DT15H16M",
        "maxDurationPath": ["email_intro"],
        "minSpacing": "PT23H6M",
        "minSpacingPath": ["email_intro", "email_follow"],
        "maxCost": 0.002,
        "channels": ["email"],
        "openMinutesPerWeek": 2700,
        "loops": {},
        "variables": ["company.name", "contact.first_name", "sender.first_name"],
    }


def test_the_bounds_of_the_simulated_example() -> None:
    found = check(read(DATA / "valid" / "00_seed_shape.json")).report.facts
    assert found is not None
    assert (found["minSends"], found["maxSends"], found["maxDuration"]) == (1, 2, "P8DT32M")
    assert found["maxDurationPath"] == ["email_intro", "wait_click", "email_bump_1", "stop"]


def test_a_timer_shorter_than_a_day_takes_just_its_time() -> None:
    found = of(mail("a", on("timeout", after="PT5H")))
    assert (found["minDuration"], found["maxDuration"]) == ("PT5H", "PT5H")


@pytest.mark.parametrize("after", ["PT24H", "P1D"])
def test_a_day_or_more_can_take_an_hour_more(after: str) -> None:
    found = of(mail("a", on("timeout", after=after)))
    assert (found["minDuration"], found["maxDuration"]) == ("P1D", "P1DT1H")


def test_a_report_can_come_as_late_as_the_timer_that_it_forestalls() -> None:
    first = mail("a", on("clicked", "t", within="PT1H"), on("timeout", after="PT10H"))
    found = of(first, task("t", on("timeout", after="PT5H")))
    assert (found["maxDuration"], found["maxDurationPath"]) == ("PT15H", ["a", "t", "end"])


def test_weekends_and_the_change_of_the_clock_put_a_send_off() -> None:
    found = of(mail("a", on("timeout", after="PT5H")), **NARROW)
    assert found["maxDuration"] == "P2DT21H"  # 63 hours and one, and five


def test_a_webhook_that_waits_takes_up_to_an_hour() -> None:
    call = {"id": "h", "type": "webhook", "endpoint": "crm", "next": "end", "onError": "end"}
    assert of(call)["maxDuration"] == "PT1H"
    assert of({**call, "onError": None})["maxDuration"] == "PT0S"


def test_an_absolute_time_is_bounded_by_the_end_that_the_engine_sets() -> None:
    node = mail("a", LAST, schedule={"at": "2026-12-01T00:00:00Z"})
    assert of(node, limits={"maxDuration": "P20D"})["maxDuration"] == "P20DT1H"


def test_loops_are_counted_to_their_last_visit() -> None:
    again = mail("a", on("timeout", "a", "P7D"), maxVisits=4, onMaxVisits="end")
    found = of(again)
    assert (found["maxSends"], found["minSends"], found["paths"]) == (4, 4, 1)
    assert (found["loops"], found["maxSendsPath"]) == ({"a": 4}, ["a", "a", "a", "a"])
    assert found["maxDuration"] == "P28DT4H"


def test_a_send_that_may_fail_is_counted_at_most_and_not_at_least() -> None:
    second = linkedin("b", LAST)
    found = of(mail("a", on("send_failed", "b"), LAST), second)
    assert (found["minSends"], found["maxSends"], found["minDuration"]) == (1, 2, "P3D")
    found = of(mail("a", on("send_failed"), LAST))
    assert (found["minSends"], found["minDuration"]) == (0, "PT0S")


def test_cost_and_channels_are_those_of_the_dearest_path() -> None:
    nodes = branch("x", "a", ("contact.x", "exists", "b")), mail("a", LAST), sms("b", LAST)
    assert of(*nodes)["channels"] == ["email", "sms"]
    assert of(*nodes)["maxCost"] == 0.008
    dear = TenantPolicy.model_validate({"costs": {"email": 0.5, "sms": 0.1, "linkedin": 0}})
    assert of(*nodes, policy=dear)["maxCost"] == 0.5


def test_the_smallest_window_in_use_is_told() -> None:
    small = {"window": {"days": ["MO"], "start": "09:00", "end": "10:00"}}
    nodes = mail("a", on("timeout", "b", "P3D")), mail("b", LAST, schedule=small)
    assert of(*nodes)["openMinutesPerWeek"] == 60
    assert of(wait("a", LAST))["openMinutesPerWeek"] is None


def test_more_paths_than_json_can_count_are_cut_off() -> None:
    def forking(at: int) -> Json:
        target = f"n{at + 1}"
        ways = [on(f"x_{way}", target) for way in range(11)]
        return wait(f"n{at}", *ways, on("timeout", target, "PT1H"))

    assert of(*map(forking, range(16)), wait("n16", LAST))["paths"] == 2**53 - 1


def test_a_timer_that_is_taken_late_puts_off_a_send_without_jitter() -> None:
    slow = TenantPolicy.model_validate({"timerGrace": "PT10M"})
    assert of(mail("a", on("timeout", after="PT5H")), policy=slow)["maxDuration"] == "PT5H10M"


# --- spacing --------------------------------------------------------------------------------------


def test_the_least_spacing_is_what_the_plan_and_the_engine_keep_together() -> None:
    first = mail("a", on("clicked", "b"), on("timeout", "b", "P3D"))
    assert of(first, mail("b", LAST, schedule={"delay": "P2D"}))["minSpacing"] == "P1DT23H"
    found = of(mail("a", on("bounced", "b"), LAST), linkedin("b", LAST))
    assert (found["minSpacing"], found["minSpacingPath"]) == ("PT15M", ["a", "b"])
    assert of(mail("a", LAST))["minSpacing"] is None


def test_the_next_message_of_a_family_must_not_come_too_soon() -> None:
    after = wait("w", on("timeout", "b", "PT4H"))
    nodes = mail("a", on("timeout", after="P3D"), on("clicked", "w")), after, mail("b", LAST)
    issue = one(*nodes, **CALM)
    assert (issue.code, issue.path) == ("E_SPACING", "/nodes/0/transitions/1")
    assert (issue.expected, issue.got) == ("PT12H", "PT4H")
    assert witness(issue) == {"path": ["a", "w", "b"]}


def test_a_calendar_day_may_lack_an_hour_and_is_not_blamed_for_it() -> None:
    second = mail("b", LAST)
    spacing = {"limits": {"minSpacing": "PT24H"}}
    assert errors(mail("a", on("timeout", "b", "P1D")), second, **CALM, **spacing) == []
    assert errors(mail("a", on("timeout", "b", "PT23H")), second, **CALM, **spacing) == []
    assert errors(mail("a", on("timeout", "b", "PT22H59M")), second, **CALM, **spacing) == [
        ("E_SPACING", "/nodes/0/transitions/0")
    ]


@pytest.mark.parametrize(
    ("way", "schedule"),
    [
        (on("timeout", "b", "PT4H"), {}),
        (on("no_reply", "b", "PT1H30M"), {"delay": "PT2H"}),
        (on("clicked", "b", within="P1D"), {}),
        (on("opened", "b"), {"delay": "PT5H"}),
    ],
)
def test_what_comes_too_soon_has_a_patch_that_makes_it_late_enough(
    way: Json, schedule: Json
) -> None:
    later = {"schedule": schedule} if schedule else {}
    ways = (way,) if "after" in way else (way, LAST)
    nodes = mail("a", *ways), mail("b", LAST, **later), END
    patch = one(*nodes, **CALM).patch
    assert patch is not None
    mended = patched({"nodes": list(nodes)}, patch)["nodes"]
    assert errors(*mended, **CALM) == []


def test_no_patch_moves_a_message_that_has_its_hour() -> None:
    at = {"schedule": {"sendAt": "10:00"}}
    assert one(mail("a", on("clicked", "b"), LAST), mail("b", LAST, **at), **CALM).patch is None


def test_another_family_may_follow_sooner_but_not_at_once() -> None:
    for after, expected in (("PT15M", []), ("PT14M", [("E_SPACING", "/nodes/0/transitions/0")])):
        nodes = mail("a", on("timeout", "b", after)), linkedin("b", LAST)
        assert errors(*nodes, **CALM) == expected


def test_the_family_is_looked_for_behind_another_one() -> None:
    nodes = (
        mail("a", on("timeout", "b", "PT1H")),
        linkedin("b", on("timeout", "c", "PT1H")),
        mail("c", LAST),
    )
    issue = one(*nodes, **CALM)
    assert (issue.code, issue.path) == ("E_SPACING", "/nodes/0/transitions/0")
    assert witness(issue) == {"path": ["a", "b", "c"]}


@pytest.mark.parametrize("word", ["bounced", "send_failed", "send_skipped"])
def test_after_a_failure_the_engine_alone_keeps_the_spacing(word: str) -> None:
    assert errors(mail("a", on(word, "b"), LAST), linkedin("b", LAST), **CALM) == []


def test_what_the_engine_puts_off_counts_for_the_duration() -> None:
    limits = {"minSpacing": "PT12H"}
    soon = mail("a", on("timeout", "b", "PT11H")), mail("b", on("timeout", after="PT1H"))
    assert of(*soon, limits=limits)["maxDuration"] == "PT13H"
    bounced = mail("a", on("bounced", "b"), on("timeout", after="PT1H"))
    assert of(bounced, linkedin("b", on("timeout", after="PT1H")))["maxDuration"] == "PT2H15M"


# --- limits ---------------------------------------------------------------------------------------


def test_more_sends_than_allowed_are_refused_with_their_path() -> None:
    nodes = (
        mail("a", on("timeout", "w", "P1D")),
        wait("w", on("timeout", "b", "P1D")),
        mail("b", LAST),
    )
    issue = one(*nodes, limits={"maxSends": 1})
    assert (issue.code, issue.path) == ("E_MAX_SENDS", "/limits/maxSends")
    assert witness(issue) == {"path": ["a", "b"]}
    assert issue.patch == ({"op": "replace", "path": "/limits/maxSends", "value": 2},)


def test_the_tenant_may_allow_fewer_sends_than_the_plan() -> None:
    nodes = mail("a", on("timeout", "b", "P3D")), mail("b", LAST)
    issue = one(*nodes, policy=TenantPolicy.model_validate({"maxSends": 1}))
    assert (issue.code, issue.path) == ("E_POLICY_LIMIT", "/nodes")


def test_a_path_longer_than_allowed_is_refused_with_its_nodes() -> None:
    limits = {"limits": {"maxDuration": "P5D"}}
    issue = one(mail("a", on("timeout", "b", "P3D")), wait("b", LAST), **limits)
    assert (issue.code, issue.path) == ("E_MAX_DURATION", "/limits/maxDuration")
    assert (issue.got, witness(issue)) == ("P6DT2H16M", {"path": ["a", "b", "end"]})


def test_the_length_is_not_reported_when_something_is_stuck() -> None:
    assert errors(mail("a", on("opened"))) == [("E_STUCK", "/nodes/0")]


def test_opens_as_a_measure_are_warned_of() -> None:
    mailed = mail("a", on("opened"), on("delivered", "won"), on("no_open", "lost"))
    stops = [{"id": "won", "type": "stop", "outcome": "converted"}]
    stops += [
        {"id": "lost", "type": "stop", "outcome": "no_response"},
        {"id": "end", "type": "stop"},
    ]
    submitted = {"timezone": "UTC", "startNodeId": "a", "nodes": [mailed, *stops]}
    assert [(each.code, each.path) for each in check(submitted).report.issues] == [
        ("W_OPEN_UNRELIABLE", "/nodes"),
        ("W_STOP_ON_OPEN", "/nodes/0/transitions/0"),
        ("W_STOP_ON_OPEN", "/nodes/0/transitions/1"),
    ]
