import re
from pathlib import Path
from typing import Any

import pytest

from plans.schema import FLAVOURS, json_schema
from plans.verify.check import check
from tests.plans.plan_cases import DATA, END, EXAMPLES, Json, files, mail, plan, read

Schema = dict[str, Any]
KNOWN = set(
    re.findall(
        r"\S+",
        "$schema $id $defs $ref type properties required additionalProperties items enum const"
        " pattern minimum maximum minLength maxLength minItems maxItems anyOf oneOf"
        " default description format",
    )
)
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
BOUNDS: dict[str, Any] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "minLength": lambda value, bound: len(value) >= bound,
    "maxLength": lambda value, bound: len(value) <= bound,
    "minItems": lambda value, bound: len(value) >= bound,
    "maxItems": lambda value, bound: len(value) <= bound,
    "pattern": lambda value, bound: re.search(bound.replace("$", r"\Z"), value) is not None,
    "enum": lambda value, bound: value in bound,
    "const": lambda value, bound: value == bound,
}


def valid(value: Json, schema: Schema, root: Schema) -> bool:
    """JSON Schema 2020-12, as far as our schemas use it; what they use beyond that fails loudly."""
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "$ref" in schema:
        named = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        if not valid(value, named, root):
            return False
    if "type" in schema and not is_of(value, schema["type"]):
        return False
    if any(key in schema and not holds(value, schema[key]) for key, holds in BOUNDS.items()):
        return False
    if "anyOf" in schema and not any(valid(value, each, root) for each in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(valid(value, each, root) for each in schema["oneOf"]) != 1:
        return False
    return inside(value, schema, root)


def is_of(value: Json, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean") == isinstance(value, bool)


def inside(value: Json, schema: Schema, root: Schema) -> bool:
    if isinstance(value, list) and "items" in schema:
        return all(valid(item, schema["items"], root) for item in value)
    if not isinstance(value, dict):
        return True
    known = schema.get("properties", {})
    if not set(schema.get("required", [])) <= set(value):
        return False
    if schema.get("additionalProperties") is False and not set(value) <= set(known):
        return False
    return all(valid(item, known[key], root) for key, item in value.items() if key in known)


def schemas(schema: Schema) -> list[Schema]:
    """The schema and every schema in it."""
    found = [schema]
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            found += [inner for each in value.values() for inner in schemas(each)]
        elif key in ("anyOf", "oneOf"):
            found += [inner for each in value for inner in schemas(each)]
        elif key == "items":
            found += schemas(value)
    return found


def depth(schema: Schema, root: Schema) -> int:
    """How many levels a document of this schema can have."""
    if "$ref" in schema:
        return depth(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    below = [
        *schema.get("properties", {}).values(),
        *([schema["items"]] if "items" in schema else []),
    ]
    beside = [depth(each, root) for each in schema.get("anyOf", [])]
    return max([1 + max((depth(each, root) for each in below), default=0), *beside])


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


def test_a_plan_as_strict_demands_it_is_accepted() -> None:
    strict = json_schema("strict")
    document = filled(plan(metadata='{"k": 1}'), strict, strict)
    assert valid(document, strict, strict)
    assert document["quietHours"] is None
    assert check(document).report.ok


def filled(value: Json, schema: Schema, root: Schema) -> Json:
    """The value with null for every property it lacks."""
    options = [named(each, root) for each in schema.get("anyOf", [schema])]
    if isinstance(value, list):
        items = next(each["items"] for each in options if "items" in each)
        return [filled(item, items, root) for item in value]
    if not isinstance(value, dict):
        return value
    fitting = next(
        each
        for each in options
        if set(value) <= set(each.get("properties", {})) and tagged(value, each)
    )
    return {
        key: filled(value.get(key), inner, root) for key, inner in fitting["properties"].items()
    }


def named(schema: Schema, root: Schema) -> Schema:
    found: Schema = (
        root["$defs"][schema["$ref"].removeprefix("#/$defs/")] if "$ref" in schema else schema
    )
    return found


def tagged(value: dict[str, Any], schema: Schema) -> bool:
    return value.get("type") in schema["properties"].get("type", {}).get(
        "enum", [value.get("type")]
    )


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
