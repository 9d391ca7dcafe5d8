"""The plan language as JSON Schema: full, strict and lite (plan-dsl.md 16)."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from domain.taxonomy import Channel
from plans.schema.models import Plan
from plans.schema.scalars import EVENTS, MINOR, OUTCOMES

Flavour = Literal["full", "strict", "lite"]
FLAVOURS: tuple[Flavour, ...] = get_args(Flavour)
Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAMED = ("properties", "$defs")
"""Keywords whose value maps names to schemas, so that a name is never taken for a keyword."""
_UNBOUND = (
    "default",
    "discriminator",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
)
"""What back ends with strict grammars refuse."""
_JSON_TEXT = "a JSON object, written as text"
_NO_TRANSITION_ON = ("webhook_ok", "webhook_failed")


def json_schema(flavour: Flavour) -> Schema:
    """A fresh JSON Schema of the plan language in this flavour."""
    made = _MAKERS[flavour]()
    return {"$schema": _DIALECT, "$id": f"urn:antiphon:plan:1.{MINOR}:{flavour}", **made}


def _full() -> Schema:
    return _rewritten(Plan.model_json_schema(by_alias=True), _tidied)


def _strict() -> Schema:
    return _rewritten(_full(), _demanding)


def _rewritten(schema: Schema, rule: Callable[[Schema], Schema]) -> Schema:
    """The schema with the rule applied to each schema in it, innermost first."""
    inside = {key: _inside(key, value, rule) for key, value in schema.items()}
    return rule(inside)


def _inside(key: str, value: Any, rule: Callable[[Schema], Schema]) -> Any:  # noqa: ANN401  # a JSON value
    if key in _NAMED:
        return {name: _rewritten(schema, rule) for name, schema in value.items()}
    if key in ("default", "enum", "const", "discriminator"):
        return value
    if isinstance(value, Mapping):
        return _rewritten(dict(value), rule)
    if isinstance(value, list):
        return [_rewritten(item, rule) if isinstance(item, dict) else item for item in value]
    return value


def _tidied(schema: Schema) -> Schema:
    """Without generated titles and without null: the canonical form leaves absent fields out."""
    kept = {key: value for key, value in schema.items() if key not in ("title", "discriminator")}
    kept = _with_clean_default(kept)
    choices = [choice for choice in kept.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept


def _with_clean_default(schema: Schema) -> Schema:
    default = schema.get("default", {})
    if isinstance(default, dict) and "default" in schema:
        given = {key: value for key, value in default.items() if value is not None}
        return {**schema, "default": given}
    return {key: value for key, value in schema.items() if key != "default" or value is not None}


def _demanding(schema: Schema) -> Schema:
    """Every property required, optional ones nullable, nothing bounded, free objects as text."""
    kept = {key: value for key, value in schema.items() if key not in _UNBOUND}
    if "oneOf" in kept:
        kept["anyOf"] = kept.pop("oneOf")
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    if kept.get("type") == "object" and "properties" not in kept:
        return _text(_JSON_TEXT)
    if "properties" in kept:
        required = kept.get("required", [])
        kept["properties"] = {
            name: value if name in required else _nullable(value)
            for name, value in kept["properties"].items()
        }
        kept["required"] = list(kept["properties"])
    return kept


def _nullable(schema: Schema) -> Schema:
    if set(schema) == {"anyOf"}:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}


def _lite() -> Schema:
    text: Schema = {"type": "string"}
    duration = _text("ISO 8601 duration such as P3D or PT4H, or empty")
    transition = _closed(
        on={"type": "string", "enum": [word for word in EVENTS if word not in _NO_TRANSITION_ON]},
        after=duration,
        within=duration,
        to=_text("id of the next node"),
    )
    node = _closed(
        id=text,
        type={"type": "string", "enum": ["send", "wait", "task", "stop"]},
        channel={"type": "string", "enum": [*Channel, "none"]},
        subject=_text("email only, else empty"),
        text=_text("content of a send, title of a task, else empty"),
        replyTo=_text("id of an earlier email node to thread under, or empty"),
        delay=duration,
        sendAt=_text("HH:MM, or empty"),
        outcome=_text("of a stop: " + ", ".join(OUTCOMES) + "; else empty"),
        transitions={"type": "array", "items": transition},
    )
    nodes = {"type": "array", "items": node}
    return _closed(timezone=_text("IANA name"), startNodeId=text, nodes=nodes)


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


def _closed(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_MAKERS: Mapping[Flavour, Callable[[], Schema]] = {"full": _full, "strict": _strict, "lite": _lite}
