"""Fields of a submitted object: tidied, renamed, dropped, parsed; each change leaves a note."""

from collections.abc import Callable, Mapping
from typing import Any

from plans.intake import DEPTH_MAX, read_json
from plans.normalise.notebook import Notebook, Parts
from plans.schema.models import Place
from plans.schema.parts import Part

JsonObject = dict[str, Any]

_FREE = ("metadata", "body")
"""Fields whose content is not ours: only null is taken out."""
_EMPTY_IS_ABSENT = (
    "subject",
    "text",
    "html",
    "replyTo",
    "preheader",
    "delay",
    "sendAt",
    "after",
    "within",
    "outcome",
    "instructions",
    "title",
    "kind",
    "name",
)
_FIELDS = {
    name: str(field.alias)
    for part in Part.__subclasses__() + Place.__subclasses__()
    for name, field in part.model_fields.items()
}
_CAMEL = {name: alias for name, alias in _FIELDS.items() if name != alias}
_OTHER_NAMES = ("time_zone", "timeZone", "start", "event", "target", "goto", "action", "duration")
_HOLDING = (dict, list)
_KNOWN = frozenset((*_FIELDS.values(), *_OTHER_NAMES))
"""Inside any other field nothing is tidied: the shape check refuses it whole."""


def objects(owner: Mapping[str, Any], key: str, at: Parts) -> list[tuple[Parts, JsonObject]]:
    """The objects in a list of the owner, with their places."""
    listed = owner.get(key)
    if not isinstance(listed, list):
        return []
    return [
        ((*at, key, index), item) for index, item in enumerate(listed) if isinstance(item, dict)
    ]


def _tidy(value: object, at: Parts, notes: Notebook) -> Any:  # noqa: ANN401  # a JSON value
    if len(at) > DEPTH_MAX:
        return value
    if isinstance(value, dict):
        return tidy_object(value, at, notes)
    if isinstance(value, list):
        return [_tidy(item, (*at, index), notes) for index, item in enumerate(value)]
    return value


def tidy_object(value: JsonObject, at: Parts, notes: Notebook) -> JsonObject:
    """A fresh object without what means absent, its field names in camelCase."""
    given = {
        key: item
        for key, item in value.items()
        if item is not None and (item != "" or _CAMEL.get(key, key) not in _EMPTY_IS_ABSENT)
    }
    if _CAMEL.keys().isdisjoint(given):
        for key, item in given.items():
            if isinstance(item, _HOLDING):
                given[key] = _inside(key)(item, (*at, key), notes)
        return given
    kept: JsonObject = {}
    for key, item in given.items():
        name = _CAMEL.get(key, key)
        if name != key:
            if name in given or name in kept:
                name = key
            else:
                notes.add("key_alias", (*at, name))
        kept[name] = _inside(name)(item, (*at, name), notes) if isinstance(item, _HOLDING) else item
    return kept


def _inside(name: str) -> Callable[[object, Parts, Notebook], Any]:
    if name in _FREE:
        return _without_nulls
    return _tidy if name in _KNOWN else _as_it_is


def _as_it_is(value: object, at: Parts, notes: Notebook) -> Any:  # noqa: ANN401, ARG001  # a JSON value; one of three rules
    return value


def _without_nulls(value: object, at: Parts, notes: Notebook) -> Any:  # noqa: ANN401  # a JSON value
    if len(at) > DEPTH_MAX:
        return value
    if isinstance(value, dict):
        return {
            key: _without_nulls(item, (*at, key), notes)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list):
        return [_without_nulls(item, (*at, index), notes) for index, item in enumerate(value)]
    return value


def rename(owner: JsonObject, at: Parts, names: tuple[str, str], notes: Notebook) -> None:
    """Give a field its name, in its place; not when the owner has that name already."""
    old, new = names
    if old not in owner or new in owner:
        return
    items = [(new if key == old else key, item) for key, item in owner.items()]
    owner.clear()
    owner.update(items)
    notes.add("key_alias", (*at, new))


def is_twice(owner: JsonObject, key: str) -> bool:
    """Whether the owner has the field also under its other name: then it is left where it is.

    Were it moved away, a second run would find the name free for the other one.
    """
    return any(_CAMEL.get(name) == key for name in owner)


def parse_text(owner: JsonObject, at: Parts, key: str, notes: Notebook) -> None:
    """Replace JSON text by the object it stands for, if it stands for one."""
    text = owner.get(key)
    if not isinstance(text, str):
        return
    submitted = read_json(text.encode("utf-8", "surrogatepass"))
    if isinstance(submitted.document, dict):
        owner[key] = _without_nulls(submitted.document, (*at, key), notes)
        notes.add("json_text_parsed", (*at, key))


def drop(node: JsonObject, at: Parts, keys: tuple[str, ...], rule: str, notes: Notebook) -> None:
    """Take the fields out, with a note for each that was there once."""
    for key in keys:
        if key in node and not is_twice(node, key):
            del node[key]
            notes.add(rule, (*at, key))
