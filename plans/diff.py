"""Where two canonical plans differ: pointers only, for the log keeps no text of a plan."""

from collections.abc import Iterator, Mapping
from typing import Any

from plans.pointer import pointer

POINTERS_MAX = 200
_ABSENT = object()


def changed_pointers(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Pointers into the new plan of what was changed or added, into the old one of what is gone.

    Nodes are compared by id, so that one that only moved is not a change. At most 200, in order.
    """
    found = []
    for place in _changed("", old, new):
        found.append(place)
        if len(found) == POINTERS_MAX:
            break
    return tuple(found)


def _changed(path: str, old: Any, new: Any) -> Iterator[str]:  # noqa: ANN401  # any JSON value
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            below = path + pointer(key)
            was, now = old.get(key, _ABSENT), new.get(key, _ABSENT)
            yield from _nodes(was, now) if below == "/nodes" else _changed(below, was, now)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            was = old[index] if index < len(old) else _ABSENT
            now = new[index] if index < len(new) else _ABSENT
            yield from _changed(path + pointer(index), was, now)
    elif old is _ABSENT or new is _ABSENT or old != new or type(old) is not type(new):
        yield path


def _nodes(old: list[Any], new: list[Any]) -> Iterator[str]:
    before = {node["id"]: node for node in old}
    for index, node in enumerate(new):
        yield from _changed(pointer("nodes", index), before.get(node["id"], _ABSENT), node)
    kept = {node["id"] for node in new}
    for index, node in enumerate(old):
        if node["id"] not in kept:
            yield pointer("nodes", index)
