import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plans.schema import FLAVOURS, json_schema
from plans.verify.check import check
from tests.plans.plan_cases import DATA, END, EXAMPLES, Json, files, mail, plan, read
from tests.plans.schema_reading import BOUNDS, KNOWN, TYPES, depth, schemas, valid

FULL = json_schema("full")
CANONICAL = [check(read(path)).document for path in files(DATA / "valid") + files(EXAMPLES)]


@pytest.mark.parametrize("document", CANONICAL)
def test_every_canonical_plan_validates_against_the_full_schema(document: Json) -> None:
    assert valid(document, FULL, FULL)


@pytest.mark.parametrize("path", files(EXAMPLES), ids=lambda path: path.stem)
def test_examples_validate_as_written(path: Path) -> None:
    assert valid(read(path), FULL, FULL)


@pytest.mark.parametrize(
    "document",
    [
        plan(colour=1),
        plan(timezone="PST"),
        plan(limits={"maxSends": 31}),
        plan(mail(channel="fax"), END),
        plan(mail(maxVisits=11), END),
        plan(mail(schedule={"delay": "P1M"}), END),
        plan(mail(schedule={"businessDays": -1}), END),
        plan(mail(transitions=[{"on": "opnd", "to": "end"}]), END),
        plan({"id": "a", "type": "sotp"}),
        plan(nodes=[]),
        {"nodes": []},
    ],
)
def test_the_full_schema_refuses_what_the_shape_check_refuses(document: Json) -> None:
    assert not valid(document, FULL, FULL)
    assert not check(document).report.ok


def test_defaults_in_the_full_schema_are_valid_themselves() -> None:
    for schema in schemas(FULL):
        if "default" in schema:
            assert valid(schema["default"], schema, FULL)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_each_flavour_names_its_dialect_and_version(flavour: Json) -> None:
    schema = json_schema(flavour)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:antiphon:plan:1.0:{flavour}"
    assert schema is not json_schema(flavour)


def test_strict_requires_every_property_and_bounds_nothing() -> None:
    strict = json_schema("strict")
    for schema in schemas(strict):
        allowed = KNOWN - set(BOUNDS) - {"default", "format", "oneOf", "const"} | {"enum"}
        assert set(schema) <= allowed
        if schema.get("type") == "object":
            assert schema["required"] == list(schema["properties"])
            assert schema["additionalProperties"] is False
    assert depth(strict, strict) <= 10


def test_lite_is_small_and_flat() -> None:
    lite = json_schema("lite")
    objects = [each for each in schemas(lite) if each["type"] == "object"]
    assert sum(len(each["properties"]) for each in objects) <= 17
    assert len(objects) == 3
    assert all(each["required"] == list(each["properties"]) for each in objects)
    assert not any({"anyOf", "oneOf", "$ref"} & set(each) for each in schemas(lite))


def test_the_lite_example_validates_against_lite_and_is_accepted() -> None:
    lite, document = json_schema("lite"), read(DATA / "valid" / "07_lite_authoring.json")
    assert valid(document, lite, lite)
    assert check(document).report.ok


# --- draft 2020-12 --------------------------------------------------------------------------------

KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("$schema", "$id", "$ref", "type", "pattern", "format", "description"), str),
    **dict.fromkeys(("$defs", "properties"), dict),
    **dict.fromkeys(("required", "enum", "anyOf", "oneOf"), list),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"), int),
    "items": dict,
    "additionalProperties": (bool, dict),
    "default": object,
    "const": object,
}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_keyword_has_a_value_that_draft_2020_12_gives_it(flavour: Json) -> None:
    schema = json_schema(flavour)
    for each in schemas(schema):
        assert all(isinstance(value, KEYWORDS[key]) for key, value in each.items())
        assert each.get("type", "object") in TYPES
        assert len(set(each.get("required", []))) == len(each.get("required", []))
        assert set(each.get("required", [])) <= set(each.get("properties", {}))
        assert each.get("enum", [1])
        re.compile(each.get("pattern", ""))
        name = each.get("$ref", "").removeprefix("#/$defs/")
        assert not name or name in schema["$defs"]
    assert json.loads(json.dumps(schema)) == schema


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CANONICAL), st.randoms(use_true_random=False))
def test_a_canonical_plan_without_a_required_field_or_with_a_strange_one_is_no_longer_valid(
    document: Json, random: Json
) -> None:
    broken = deepcopy(document)
    node = random.choice(broken["nodes"])
    if random.random() < 0.5:
        del node[random.choice(["id", "type"])]
    else:
        random.choice([broken, node, broken["limits"], broken["goals"][0]])["colour"] = "red"
    assert not valid(broken, FULL, FULL)
    assert check(broken).plan is None
