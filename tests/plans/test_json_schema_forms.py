"""The same plan in all three flavours, and what their back ends bear."""

import json
import re
from pathlib import Path

import pytest

from plans.normalise import normalise
from plans.schema import FLAVOURS, json_schema
from plans.verify.check import check
from tests.plans.plan_cases import DATA, END, EXAMPLES, Json, files, plan, read
from tests.plans.schema_reading import BOUNDS, Schema, depth, filled, schemas, to_strict, valid

FULL = json_schema("full")


def test_a_plan_as_strict_demands_it_is_accepted() -> None:
    strict = json_schema("strict")
    document = filled(plan(metadata='{"k": 1}'), strict, strict)
    assert valid(document, strict, strict)
    assert document["quietHours"] is None
    assert check(document).report.ok


# --- from one form into another -------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", files(DATA / "valid") + files(EXAMPLES), ids=lambda path: path.stem
)
def test_a_plan_in_the_strict_form_is_the_same_plan(path: Path) -> None:
    strict, whole = json_schema("strict"), check(read(path))
    written = to_strict(whole.document, strict)
    assert valid(written, strict, strict)
    assert written != whole.document
    again = check(json.loads(json.dumps(written)))
    assert again.report.plan_hash == whole.report.plan_hash
    assert again.document == whole.document


def test_timers_and_bodies_come_as_text_in_the_strict_form() -> None:
    hook = {"id": "hook", "type": "webhook", "endpoint": "crm", "body": {"a": [1]}, "next": "end"}
    document = check(plan(hook, END, defaults={"timers": {"no_open": "P1D"}})).document
    assert document is not None
    strict = json_schema("strict")
    written = to_strict(document, strict)
    written["defaults"]["timers"] = json.dumps({"no_open": "P1D", "no_click": None})
    assert written["nodes"][0]["body"] == '{"a": [1]}'
    assert written["nodes"][0]["onError"] is None
    assert check(written).document == document


LITE_PLAN = {
    "timezone": "UTC",
    "startNodeId": "intro",
    "nodes": [
        {
            "id": "intro",
            "type": "send",
            "channel": "email",
            "subject": "Hi",
            "text": "Hello",
            "replyTo": "",
            "delay": "P1D",
            "sendAt": "09:10",
            "outcome": "",
            "transitions": [
                {"on": "clicked", "after": "", "within": "P2D", "to": "look"},
                {"on": "no_reply", "after": "", "within": "P3D", "to": "call"},
            ],
        },
        {
            "id": "look",
            "type": "wait",
            "channel": "none",
            "subject": "",
            "text": "",
            "replyTo": "",
            "delay": "",
            "sendAt": "",
            "outcome": "",
            "transitions": [{"on": "timeout", "after": "P1D", "within": "", "to": "call"}],
        },
        {
            "id": "call",
            "type": "task",
            "channel": "none",
            "subject": "",
            "text": "Call",
            "replyTo": "",
            "delay": "",
            "sendAt": "",
            "outcome": "",
            "transitions": [{"on": "task_done", "after": "PT0S", "within": "", "to": "end"}],
        },
        {
            "id": "end",
            "type": "stop",
            "channel": "none",
            "subject": "",
            "text": "",
            "replyTo": "",
            "delay": "",
            "sendAt": "",
            "outcome": "handed_off",
            "transitions": [],
        },
    ],
}
FULL_PLAN = {
    "timezone": "UTC",
    "startNodeId": "intro",
    "nodes": [
        {
            "id": "intro",
            "type": "send",
            "channel": "email",
            "schedule": {"delay": "P1D", "sendAt": "09:10"},
            "message": {"subject": "Hi", "text": "Hello"},
            "transitions": [
                {"on": "clicked", "within": "P2D", "to": "look"},
                {"on": "no_reply", "after": "P3D", "to": "call"},
            ],
        },
        {
            "id": "look",
            "type": "wait",
            "transitions": [{"on": "timeout", "after": "P1D", "to": "call"}],
        },
        {
            "id": "call",
            "type": "task",
            "title": "Call",
            "transitions": [{"on": "task_done", "to": "end"}],
        },
        {"id": "end", "type": "stop", "outcome": "handed_off"},
    ],
}


def test_a_lite_plan_of_every_kind_becomes_the_full_plan_that_it_means() -> None:
    lite = json_schema("lite")
    assert valid(LITE_PLAN, lite, lite)
    assert normalise(LITE_PLAN).document == FULL_PLAN
    assert valid(FULL_PLAN, FULL, FULL)


# --- limits of vendors, as plan-dsl.md 16 lists them ----------------------------------------------


def named_count(schema: Schema) -> int:
    return sum(len(each.get("properties", {})) for each in schemas(schema))


def names_length(schema: Schema) -> int:
    """The characters of all names and words of a schema."""
    return sum(
        sum(map(len, [*each.get("properties", {}), *each.get("$defs", {})]))
        + sum(len(str(word)) for word in each.get("enum", []))
        for each in schemas(schema)
    )


def words_count(schema: Schema) -> int:
    return sum(len(each.get("enum", [])) for each in schemas(schema))


@pytest.mark.parametrize("flavour", ["strict", "lite"])
def test_the_schema_keeps_the_limits_of_grammars_that_demand_everything(flavour: Json) -> None:
    schema = json_schema(flavour)
    assert schema["type"] == "object"
    assert "anyOf" not in schema
    assert named_count(schema) <= 5_000
    assert names_length(schema) <= 120_000
    assert words_count(schema) <= 1_000
    assert depth(schema, schema) <= 10


def test_lite_keeps_the_limits_of_strict_tools() -> None:
    lite = json_schema("lite")
    optional = [
        name
        for each in schemas(lite)
        for name in each.get("properties", {})
        if name not in each["required"]
    ]
    assert optional == []
    assert not any(isinstance(each.get("type"), list) for each in schemas(lite))
    assert not set(BOUNDS) - {"enum"} & {key for each in schemas(lite) for key in each}
    assert levels(lite) == 3


def levels(schema: Schema) -> int:
    """How many objects stand one in another."""
    below = [*schema.get("properties", {}).values(), schema.get("items", {})]
    return (schema.get("type") == "object") + max(
        (levels(each) for each in below if each), default=0
    )


def test_nothing_in_a_schema_refers_to_what_holds_it() -> None:
    for flavour in FLAVOURS:
        definitions = json_schema(flavour).get("$defs", {})
        uses = {
            name: set(re.findall(r"#/\$defs/(\w+)", json.dumps(each)))
            for name, each in definitions.items()
        }
        while leaves := {name for name, used in uses.items() if not used}:
            uses = {name: used - leaves for name, used in uses.items() if name not in leaves}
        assert uses == {}
