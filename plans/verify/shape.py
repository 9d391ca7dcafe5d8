"""Stage 1: types, words, patterns and limits; pydantic's errors become issues of our table."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from plans.context import TenantPolicy
from plans.intake import faults
from plans.pointer import found, pointer
from plans.schema.models import Node, Place, Plan
from plans.schema.parts import Part
from plans.schema.scalars import EVENTS, zones
from plans.verify.report import Issue, did_you_mean, issue, nearest, quoted

CALENDARS_MAX = 101
"""Unknown calendars that are looked at: one more than a report tells."""

Parts = tuple[str | int, ...]
Translation = Callable[[ErrorDetails, Parts, object], Issue]


def shape(
    document: object, policy: TenantPolicy | None, *, sound: bool = False
) -> tuple[Plan | None, Iterator[Issue]]:
    """The plan that the normalised document describes, or all reasons why it describes none.

    Of a `sound` one it is known that no part of it is what no plan may contain.
    """
    broken = () if sound else tuple(faults(document))
    if broken:
        return None, iter(broken)
    unknown = tuple(islice(_calendars(document, policy), CALENDARS_MAX))
    try:
        plan = Plan.model_validate(document)
    except ValidationError as error:
        return None, _issues(error, document, unknown)
    return (None if unknown else plan), iter(unknown)


def _issues(error: ValidationError, document: object, more: tuple[Issue, ...]) -> Iterator[Issue]:
    yield from more
    for details in error.errors(include_url=False):
        translate: Translation = _TRANSLATE.get(details["type"], _value)
        yield translate(details, _place(details["loc"]), document)


def _calendars(document: object, policy: TenantPolicy | None) -> Iterator[Issue]:
    known = list(policy.calendars) if policy else []
    names = found(document, ("holidays", "calendars"))
    for index, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str) and name not in known:
            yield issue(
                "E_CALENDAR",
                pointer("holidays", "calendars", index),
                "the tenant has no holiday calendar of that name",
                expected=known,
                got=quoted(name),
                suggestion=did_you_mean(nearest(name, known)) or "list the dates instead",
            )


def _place(loc: Parts) -> Parts:
    """The location without the node type that pydantic puts behind a node's index."""
    return (*loc[:2], *loc[3:]) if loc[:1] == ("nodes",) else loc


def _node_id(document: object, parts: Parts) -> str | None:
    name = found(document, (*parts[:2], "id")) if parts[:1] == ("nodes",) else None
    return name if isinstance(name, str) else None


def _missing(_: ErrorDetails, parts: Parts, document: object) -> Issue:
    message = f'"{parts[-1]}" is required'
    return issue("E_MISSING", pointer(*parts), message, node=_node_id(document, parts))


def _unknown_field(details: ErrorDetails, parts: Parts, document: object) -> Issue:
    known = _FIELDS[tuple(step for step in details["loc"][:-1] if isinstance(step, str))]
    suggestion, patch = _instead(parts, list(known), found(document, parts[:-1]))
    return issue(
        "E_UNKNOWN_FIELD",
        pointer(*parts),
        f"{quoted(str(parts[-1]))!r} is not a field here",
        node=_node_id(document, parts),
        expected=list(known),
        suggestion=suggestion,
        patch=patch,
    )


def _instead(
    parts: Parts, known: Sequence[str], given: object
) -> tuple[str | None, tuple[Mapping[str, Any], ...] | None]:
    """What to do with an unknown field: another name, a list of conditions, away with it."""
    name, path = str(parts[-1]), pointer(*parts)
    there = given if isinstance(given, dict) else {}
    meant = nearest(name, [each for each in known if each not in there])
    if meant:
        step = {"op": "move", "from": path, "path": pointer(*parts[:-1], meant)}
        return did_you_mean(meant), (step,)
    if list(known) == _GUARD and name in _CONDITION:
        bare = {each: there[each] for each in _CONDITION if each in there}
        whole = {"op": "replace", "path": pointer(*parts[:-1]), "value": {"all": [bare]}}
        # one step for all of its fields: the first of them has it
        first = name == next(iter(bare)) and bare.keys() == there.keys()
        return _LISTED, (whole,) if first else None
    return "remove it", ({"op": "remove", "path": path},)


def _node_type(_: ErrorDetails, parts: Parts, document: object) -> Issue:
    given = found(document, (*parts, "type"))
    return _word_issue("E_NODE_TYPE", (*parts, "type"), document, (given, _NODE_TYPES))


def _word(details: ErrorDetails, parts: Parts, document: object) -> Issue:
    return _word_issue("E_ENUM", parts, document, (details["input"], details["ctx"]["words"]))


def _event(details: ErrorDetails, parts: Parts, document: object) -> Issue:
    return _word_issue("E_EVENT", parts, document, (details["input"], EVENTS))


def _time_zone(details: ErrorDetails, parts: Parts, document: object) -> Issue:
    given = details["input"]
    meant = nearest(given, sorted(zones())) if isinstance(given, str) and "/" in given else None
    return issue(
        "E_TIMEZONE",
        pointer(*parts),
        "not an IANA zone name",
        node=_node_id(document, parts),
        expected='a name with a slash such as "America/Los_Angeles", or "UTC"',
        got=quoted(given),
        suggestion=did_you_mean(meant),
        patch=_replacement(parts, meant),
    )


def _word_issue(code: str, parts: Parts, document: object, words: tuple[Any, Any]) -> Issue:
    given, known = words[0], [str(word) for word in words[1]]
    meant = nearest(given, known) if isinstance(given, str) else None
    return issue(
        code,
        pointer(*parts),
        f'"{quoted(given) if isinstance(given, str) else parts[-1]}" is not one of the words'
        " allowed there",
        node=_node_id(document, parts),
        expected=known,
        got=quoted(given),
        suggestion=did_you_mean(meant),
        patch=_replacement(parts, meant),
    )


def _simple(code: str, message: str, expected: str) -> Translation:
    def translate(details: ErrorDetails, parts: Parts, document: object) -> Issue:
        return issue(
            code,
            pointer(*parts),
            message,
            node=_node_id(document, parts),
            expected=details.get("ctx", {}).get("pattern", expected),
            got=quoted(details["input"]),
        )

    return translate


def _duration(details: ErrorDetails, parts: Parts, document: object) -> Issue:
    given = details["input"]
    plain = _PLAIN_DURATION.fullmatch(given) if isinstance(given, str) else None
    meant = _UNITS[plain[2][0].lower()].format(plain[1]) if plain else None
    return issue(
        "E_DURATION",
        pointer(*parts),
        "not a duration",
        node=_node_id(document, parts),
        expected="P[nW][nD][T[nH][nM][nS]], such as P3D",
        got=quoted(given),
        suggestion=did_you_mean(meant),
        patch=_replacement(parts, meant),
    )


def _value(details: ErrorDetails, parts: Parts, document: object) -> Issue:
    told = details["msg"].replace("Input should be", "must be")
    message = _KINDS.get(details["type"], told)
    return _simple("E_VALUE", message, message)(details, parts, document)


def _replacement(parts: Parts, word: str | None) -> tuple[Mapping[str, Any], ...] | None:
    return ({"op": "replace", "path": pointer(*parts), "value": word},) if word else None


def _parts_of(annotation: object) -> Iterator[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts_of(argument)


def _tag(model: type[Part]) -> str:
    tag: str = get_args(model.model_fields["type"].annotation)[0]
    return tag


def _field_table(
    model: type[Part], at: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    yield at, [field.alias or name for name, field in model.model_fields.items()]
    for name, field in model.model_fields.items():
        for part in _parts_of(field.annotation):
            tag = (_tag(part),) if issubclass(part, Place) else ()
            yield from _field_table(part, (*at, field.alias or name, *tag))


_FIELDS = dict(_field_table(Plan, ()))
"""The fields known at each location, with the node type and without indexes."""
_GUARD = ["all", "any"]
_CONDITION = ("field", "op", "value")
_LISTED = 'conditions stand in a list: {"all": [{"field": …, "op": …, "value": …}]}'
_NODE_TYPES = [_tag(model) for model in _parts_of(Node)]
_KINDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "string_type": "must be a string",
}
_PLAIN_DURATION = re.compile(
    r" {0,3}([0-9]{1,3}) {0,3}(w|weeks?|d|days?|h|hours?|min|minutes?) {0,3}",
    re.IGNORECASE | re.ASCII,
)
"""Durations as people write them; a lone m may mean months, which there are none of."""
_UNITS = {"w": "P{}W", "d": "P{}D", "h": "PT{}H", "m": "PT{}M"}
_TRANSLATE: Mapping[str, Translation] = {
    "missing": _missing,
    "extra_forbidden": _unknown_field,
    "union_tag_invalid": _node_type,
    "union_tag_not_found": _node_type,
    "word": _word,
    "event": _event,
    "timezone": _time_zone,
    "duration": _duration,
    "newer_minor": _simple("E_VERSION", "newer than this release reads", "1.0"),
    "string_pattern_mismatch": _simple("E_FORMAT", "does not match its pattern", ""),
}
