"""Our schemas read as a back end reads them: a small validator, and the forms of a plan."""

import json
import re
from typing import Any

from tests.plans.plan_cases import Json

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


def to_strict(document: Json, strict: Schema) -> Json:
    """A plan as a back end with strict grammars writes it: all fields, and free objects as text."""
    plan = {**document, "metadata": json.dumps(document.get("metadata", {}))}
    plan["nodes"] = [
        {**node, "body": json.dumps(node["body"])} if "body" in node else node
        for node in document["nodes"]
    ]
    written: Json = filled(plan, strict, strict)
    return written


def tagged(value: dict[str, Any], schema: Schema) -> bool:
    return value.get("type") in schema["properties"].get("type", {}).get(
        "enum", [value.get("type")]
    )
