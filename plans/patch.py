"""Patches of RFC 6902, as reports propose them and examples are mended with."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from plans.verify.report import PatchStep

Json = Any
"""A JSON value; a step goes wherever its pointer leads."""

_WHOLE: Final = ""
"""The key under which the document itself is held, so that the empty pointer has a holder too."""


def patched(document: Json, steps: Sequence[PatchStep]) -> Json:
    """A copy of the document after these steps; a step that leads nowhere raises LookupError."""
    held = {_WHOLE: _copied(document)}
    for step in steps:
        _OPERATIONS[step["op"]](held, step)
    return held[_WHOLE]


def at(document: Json, path: str) -> Json:
    """What the pointer leads to; LookupError when that is nothing."""
    return _followed({_WHOLE: document}, path.split("/"))


def _add(held: Json, step: PatchStep) -> None:
    _put(held, step["path"], _copied(step["value"]))


def _remove(held: Json, step: PatchStep) -> None:
    _taken(held, step["path"])


def _replace(held: Json, step: PatchStep) -> None:
    holder, key = _place(held, step["path"])
    holder[_index(holder, key)]  # what is not there cannot be replaced
    holder[_index(holder, key)] = _copied(step["value"])


def _move(held: Json, step: PatchStep) -> None:
    _put(held, step["path"], _taken(held, step["from"]))


def _taken(held: Json, path: str) -> Json:
    holder, key = _place(held, path)
    return holder.pop(_index(holder, key))


def _put(held: Json, path: str, value: Json) -> None:
    holder, key = _place(held, path)
    if not isinstance(holder, list):
        holder[key] = value
        return
    index = len(holder) if key == "-" else int(key)
    if index > len(holder):
        raise IndexError(path)
    holder.insert(index, value)


def _place(held: Json, path: str) -> tuple[Json, str]:
    """The object or list that the last key of the pointer belongs to, and that key."""
    *above, last = path.split("/")
    return _followed(held, above), _plain(last)


def _followed(value: Json, keys: Iterable[str]) -> Json:
    for key in keys:
        value = value[_index(value, _plain(key))]
    return value


def _plain(key: str) -> str:
    return key.replace("~1", "/").replace("~0", "~")


def _index(holder: Json, key: str) -> str | int:
    return int(key) if isinstance(holder, list) else key


def _copied(value: Json) -> Json:
    """A copy in which nothing is shared, not even what was the same object twice."""
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


_OPERATIONS: Mapping[str, Callable[[Json, PatchStep], None]] = {
    "add": _add,
    "move": _move,
    "remove": _remove,
    "replace": _replace,
}
