"""The plans that antiphon brings: accepted as they are, in good taste, every feature in one."""

from collections.abc import Callable, Iterator
from importlib.resources import files as package_files
from typing import Any, get_args

import pytest

from plans.context import ContactContext, TenantPolicy
from plans.normalise import normalise
from plans.schema.models import Node
from plans.verify.check import check
from tests.plans.plan_cases import DATA, EXAMPLES, Json, files, read

NAMES = [path.name for path in files(EXAMPLES)]
NEEDS_POLICY = EXAMPLES / "needs_policy"
PROMISED = {
    "two_step.json",
    "reactive_click.json",
    "branch_by_role.json",
    "ab_subject.json",
    "split_approach.json",
    "call_after_reply.json",
    "monthly_note.json",
    "multichannel.json",
    "crm_handover.json",
    "webinar_invitation.json",
}
DANA = ContactContext.model_validate(read(DATA / "contexts" / "contact.context.json"))
VARIABLES = ("contact.first_name", "company.name", "sender.first_name", "sender.calendar_url")
NODE_TYPES = [
    get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(Node)[0])
]
TIMERS = {"timeout", "no_reply", "no_open", "no_click", "no_accept"}


def example(name: str) -> Json:
    return read(EXAMPLES / name)


def walked(value: Json) -> Iterator[Json]:
    """The value and every value in it."""
    yield value
    for inner in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from walked(inner)


def objects(*needed: str) -> list[dict[str, Any]]:
    """Every object of the examples that has these fields."""
    return [
        value
        for name in NAMES
        for value in walked(example(name))
        if isinstance(value, dict) and set(needed) <= set(value)
    ]


def watching(plan: Json) -> list[Json]:
    return [node for node in plan["nodes"] if node["type"] in ("send", "wait", "task")]


def test_the_promised_examples_are_there() -> None:
    assert set(NAMES) == PROMISED


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_accepted_for_a_contact_without_any_rewriting(name: str) -> None:
    report = check(example(name), DANA).report
    assert [(each.code, each.path) for each in report.issues if each.severity == "error"] == []
    assert report.ok
    assert report.normalized == ()
    assert check(example(name)).report.ok


@pytest.mark.parametrize("path", files(NEEDS_POLICY), ids=lambda path: path.stem)
def test_an_example_that_names_a_calendar_is_accepted_where_the_tenant_has_it(path: Json) -> None:
    policy = TenantPolicy.model_validate({"calendars": {"US": ["2026-11-26", "2026-12-25"]}})
    assert check(read(path), DANA, policy).report.ok
    without = check(read(path), DANA).report.issues
    assert [(each.code, each.path) for each in without] == [("E_CALENDAR", "/holidays/calendars/0")]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_keeps_office_hours(name: str) -> None:
    plan = example(name)
    assert plan["window"]["days"] == ["MO", "TU", "WE", "TH", "FR"]
    assert plan["quietHours"]["start"] > plan["window"]["end"]


@pytest.mark.parametrize("name", NAMES)
def test_every_watching_node_of_an_example_ends_with_a_timer(name: str) -> None:
    last = [node["transitions"][-1] for node in watching(example(name))]
    assert {each["on"] for each in last} <= TIMERS
    assert all("after" in each and "when" not in each for each in last)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_speaks_to_the_contact(name: str) -> None:
    text = (EXAMPLES / name).read_text()
    assert all(f"{{{{ {variable} }}}}" in text for variable in VARIABLES)
    assert "{{ contact.city | default: 'your region' }}" in text


def test_no_two_mails_of_the_examples_have_the_same_subject() -> None:
    subjects = [
        message["subject"]
        for name in NAMES
        for message in walked(example(name))
        if isinstance(message, dict) and "subject" in message
    ]
    assert len(set(subjects)) == len(subjects)


# --- together they show the whole language --------------------------------------------------------


def nodes(kind: str) -> list[dict[str, Any]]:
    return [node for node in objects("id", "type") if node["type"] == kind]


@pytest.mark.parametrize("kind", NODE_TYPES)
def test_every_node_kind_is_in_some_example(kind: str) -> None:
    assert nodes(kind)


def events() -> set[str]:
    return {transition["on"] for transition in objects("on", "to")}


def loops(plan: Json) -> list[Json]:
    """Nodes that lead back to themselves."""
    ways = {
        node["id"]: {each["to"] for each in walked(node) if isinstance(each, dict) and "to" in each}
        | {node[key] for key in ("next", "onError", "otherwise") if key in node}
        for node in plan["nodes"]
    }
    found = []
    for node in plan["nodes"]:
        seen, waiting = set(), [node["id"]]
        while waiting:
            new = ways.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        found += [node] if node["id"] in seen else []
    return found


FEATURES: dict[str, Callable[[], object]] = {
    "variants with an experiment": lambda: objects("variants", "experiment"),
    "one experiment on two nodes": lambda: (
        len(objects("variants", "experiment"))
        > len({node["experiment"] for node in objects("variants", "experiment")})
    ),
    "weights": lambda: [arm for arm in objects("id", "weight", "to") if arm["weight"] != 1],
    "guards with all and any": lambda: objects("all", "any"),
    "guards on contact": lambda: objects("field", "op"),
    "guards on facts": lambda: conditions("facts."),
    "guards on state": lambda: conditions("state."),
    "sendIf": lambda: objects("sendIf"),
    "a bounded loop": lambda: [
        node for name in NAMES for node in loops(example(name)) if "onMaxVisits" in node
    ],
    "goals": lambda: [goal for goal in objects("on", "outcome") if goal["on"] != "meeting_booked"],
    "the goal meeting_booked": lambda: [
        goal for goal in objects("on", "outcome") if goal["on"] == "meeting_booked"
    ],
    "a custom event": lambda: [event for event in events() if event.startswith("x_")],
    "every autoReply action": lambda: (
        {plan["autoReply"]["action"] for plan in objects("autoReply")}
        == {"ignore", "defer", "exit"}
    ),
    "limits": lambda: objects("maxSends", "maxDuration"),
    "spacing": lambda: objects("minSpacing") and objects("minSpacingAny"),
    "quiet hours": lambda: objects("quietHours"),
    "a window of one node": lambda: [
        node for node in nodes("send") if "window" in node.get("schedule", {})
    ],
    "jitter": lambda: objects("jitter"),
    "holiday dates": lambda: objects("dates"),
    "an absolute time and ifPast": lambda: objects("at", "ifPast"),
    "business days": lambda: objects("businessDays"),
    "a wall time": lambda: objects("sendAt"),
    "every channel": lambda: (
        {node["channel"] for node in nodes("send")}
        == {"email", "sms", "linkedin_invite", "linkedin_message"}
    ),
    "threads": lambda: objects("replyTo"),
    "urlContains": lambda: objects("urlContains"),
    "within": lambda: objects("within"),
    "html with a preheader": lambda: objects("html", "preheader"),
    "tracking turned off": lambda: objects("trackClicks"),
    "skips that lead on": lambda: "send_skipped" in events(),
    "task events": lambda: {"task_done", "task_skipped"} <= events(),
    "onError": lambda: objects("onError", "body"),
    "fields and tags": lambda: objects("set") and objects("addTags") and objects("removeTags"),
}


def conditions(root: str) -> list[Json]:
    return [each for each in objects("field", "op") if each["field"].startswith(root)]


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_is_in_some_example(feature: str) -> None:
    assert FEATURES[feature]()


def test_all_timers_with_a_default_are_waited_for() -> None:
    assert events() >= TIMERS


def test_examples_that_all_demos_can_run_name_no_calendars() -> None:
    assert not objects("calendars")


def test_examples_are_found_as_package_data() -> None:
    folder = package_files("plans") / "examples"
    assert (folder / "two_step.json").read_bytes()


def test_examples_are_kept_in_the_canonical_names() -> None:
    for path in files(EXAMPLES) + files(NEEDS_POLICY):
        assert normalise(read(path)).document == read(path)


def test_every_example_is_named_in_the_list_of_examples() -> None:
    told = (EXAMPLES / "README.md").read_text()
    listed = {name for name in NAMES if f"| `{name}` |" in told}
    assert listed == set(NAMES)
    assert all(f"`needs_policy/{path.name}`" in told for path in files(NEEDS_POLICY))
