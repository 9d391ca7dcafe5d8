"""Patches do what RFC 6902 says, on a copy."""

from typing import Any

import pytest

from plans.patch import at, patched

DOCUMENT: Any = {"a": [1, 2, 3], "b": {"c": "x"}, "with/slash": {"with~tilde": 1}}


@pytest.mark.parametrize(
    ("step", "path", "value"),
    [
        ({"op": "add", "path": "/a/-", "value": 4}, "/a", [1, 2, 3, 4]),
        ({"op": "add", "path": "/a/0", "value": 0}, "/a", [0, 1, 2, 3]),
        ({"op": "add", "path": "/a/3", "value": 4}, "/a", [1, 2, 3, 4]),
        ({"op": "add", "path": "/b/d", "value": None}, "/b", {"c": "x", "d": None}),
        ({"op": "add", "path": "/b/c", "value": "y"}, "/b", {"c": "y"}),
        ({"op": "remove", "path": "/a/1"}, "/a", [1, 3]),
        ({"op": "remove", "path": "/b/c"}, "/b", {}),
        ({"op": "replace", "path": "/a/2", "value": 9}, "/a", [1, 2, 9]),
        ({"op": "move", "from": "/b/c", "path": "/b/d"}, "/b", {"d": "x"}),
        ({"op": "move", "from": "/a/0", "path": "/a/2"}, "/a", [2, 3, 1]),
        ({"op": "remove", "path": "/with~1slash/with~0tilde"}, "/with~1slash", {}),
        ({"op": "replace", "path": "", "value": {"z": 1}}, "", {"z": 1}),
    ],
)
def test_a_step_changes_what_its_pointer_leads_to(step: Any, path: str, value: Any) -> None:
    assert at(patched(DOCUMENT, [step]), path) == value


def test_steps_are_done_one_after_another() -> None:
    steps = [{"op": "remove", "path": "/a/0"}, {"op": "remove", "path": "/a/0"}]
    assert patched(DOCUMENT, steps)["a"] == [3]


@pytest.mark.parametrize(
    "step",
    [
        {"op": "remove", "path": "/a/3"},
        {"op": "remove", "path": "/nothing"},
        {"op": "replace", "path": "/b/nothing", "value": 1},
        {"op": "replace", "path": "/a/3", "value": 1},
        {"op": "add", "path": "/a/4", "value": 1},
        {"op": "add", "path": "/nothing/c", "value": 1},
        {"op": "move", "from": "/nothing", "path": "/b/d"},
    ],
    ids=str,
)
def test_a_step_that_leads_nowhere_is_refused(step: Any) -> None:
    with pytest.raises(LookupError):
        patched(DOCUMENT, [step])


def test_neither_the_document_nor_the_step_is_changed_by_what_follows() -> None:
    value: Any = {"list": []}
    document = {"b": {}}
    steps = [
        {"op": "add", "path": "/b/c", "value": value},
        {"op": "add", "path": "/b/c/list/-", "value": 1},
    ]
    assert patched(document, steps) == {"b": {"c": {"list": [1]}}}
    assert (document, value) == ({"b": {}}, {"list": []})


def test_what_was_one_object_in_two_places_is_changed_in_one() -> None:
    shared = {"to": "end"}
    changed = patched({"a": shared, "b": shared}, [{"op": "remove", "path": "/a/to"}])
    assert changed == {"a": {}, "b": {"to": "end"}}
