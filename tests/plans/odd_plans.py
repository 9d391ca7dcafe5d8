"""Documents that are nearly plans, drawn: any JSON values, and valid plans with parts changed."""

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.plans.plan_cases import DATA, EXAMPLES, Json, files, read

VALID = [read(path) for path in files(DATA / "valid") + files(EXAMPLES)]
FIELDS = sorted({key for document in VALID for key in document} | {"message", "schedule", "when"})
PARTS: list[Json] = [node for document in VALID for node in document["nodes"]]

ODD = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 1.0, 0.5, 2**53, 10**400, float("nan"), float("inf")),
        *("", " ", "a", "end", "none", "\x00", "\ud800", "\u202e", "\u212a", "é", "x" * 300),
        *("P1D", "PT0S", "P999W999DT9999H", "P0D", "00:00", "24:00", "09:00", "1.0", "1.1"),
        *(
            "opened",
            "no_open",
            "timeout",
            "replied",
            "sent",
            "x_a",
            "OPEN",
            "webhook_ok",
            "task_done",
        ),
        *("email", "sms", "linkedin_invite", "send", "wait", "branch", "split", "task", "stop"),
        *("anchor", "any", "state.sends", "facts.intro.clicked", "contact.x", "eq", "in"),
        *("{{ contact.first_name }}", "{{ nobody }}", "{% if %}", "[your name]", "https://a.test"),
        *("0001-01-01", "9999-12-31", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"),
        *("Pacific/Apia", "UTC", '{"a": {"b": null}}', "[[[[", "Etc/GMT+12"),
        *([], {}, [[]], [{}], {"id": "a", "type": "stop"}, {"all": [], "any": []}),
        *({"on": "timeout", "after": "PT0S", "to": "end"}, {"start": "09:00", "end": "09:00"}),
    ]
)
JSON = st.recursive(
    ODD | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=20,
)


def places(value: Json) -> list[tuple[Json, Any]]:
    """Every place in the document: what holds it, and its key or index."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value))
    found: list[tuple[Json, Any]] = [(value, key) for key, _ in items]
    for _, item in items:
        if isinstance(item, dict | list):
            found += places(item)
    return found


ACTIONS = (*["exchange"] * 6, "replace", "remove", "double", "rename", "transplant")
LIKE: dict[str, list[Json]] = {}
"""What the valid plans have under each name."""
for owner, name in (place for document in VALID for place in places(document)):
    LIKE.setdefault(str(name), []).append(owner[name])


@st.composite
def mutants(draw: st.DrawFn) -> Json:
    """A valid plan with a few parts replaced, removed, doubled, renamed or taken from another."""
    document = deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.sampled_from([1, 1, 2, 3, 5]))):
        known = places(document)
        if not known:
            break
        owner, key = known[draw(st.integers(0, len(known) - 1))]
        match draw(st.sampled_from(ACTIONS)):
            case "exchange":
                owner[key] = deepcopy(draw(st.sampled_from(LIKE.get(str(key), [None]))))
            case "replace":
                owner[key] = deepcopy(draw(ODD))
            case "remove":
                del owner[key]
            case "double" if isinstance(owner, list):
                owner.insert(key, deepcopy(owner[key]))
            case "rename" if isinstance(owner, dict):
                owner[draw(st.sampled_from(FIELDS))] = owner.pop(key)
            case _:
                other = places(draw(st.sampled_from(PARTS)))
                source, name = other[draw(st.integers(0, len(other) - 1))]
                owner[key] = deepcopy(source[name])
    return document
