"""The front of the plan language under fire: any JSON value gets a report, and one that stays."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plans.canonical import canonical_document, canonical_json, plan_hash
from plans.context import ContactContext, TenantPolicy
from plans.intake import read_json
from plans.normalise import normalise
from plans.schema.models import Plan
from plans.verify.check import Checked, check
from plans.verify.codes import CODES
from plans.verify.report import to_json
from tests.plans.plan_cases import DATA, EXAMPLES, Json, files, read

DANA = ContactContext.model_validate(read(DATA / "contexts" / "contact.context.json"))
POLICY = TenantPolicy.model_validate(
    {"calendars": {"US": ["2026-11-26"]}, "maxSends": 3, "allowedChannels": ["email", "sms"]}
)
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


def checked(document: Json) -> Checked:
    """The result of the whole check; each promise about a report is looked at on the way."""
    before = repr(document)
    done = check(document, DANA, POLICY)
    report = done.report
    assert repr(document) == before
    assert all(each.code in CODES for each in report.issues)
    assert report.ok == all(each.severity != "error" for each in report.issues)
    assert report.ok <= (report.plan_hash is not None)
    assert json.loads(json.dumps(to_json(report)))["ok"] is report.ok
    again = check(deepcopy(document), DANA, POLICY).report
    assert to_json(again) == to_json(report)
    return done


def settles(document: Json) -> None:
    """What was normalised once stays as it is, and so does its canonical form."""
    once = normalise(document)
    again = normalise(once.document)
    assert repr(again.document) == repr(once.document)
    assert again.notes == ()


def keeps_its_bytes(done: Checked) -> None:
    """The canonical form of a canonical form is the same, byte for byte, and so is its hash."""
    assert done.document is not None
    as_bytes = canonical_json(done.document)
    told = read_json(as_bytes)
    assert told.issues == ()
    again = canonical_document(Plan.model_validate(told.document))
    assert canonical_json(again) == as_bytes
    assert plan_hash(again) == done.report.plan_hash
    assert normalise(told.document).document == told.document


MANY = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


@MANY
@given(JSON)
def test_any_json_value_gets_a_report_and_settles(document: Json) -> None:
    checked(document)
    settles(document)


@MANY
@given(mutants())
def test_a_valid_plan_with_any_part_changed_gets_a_report_and_settles(document: Json) -> None:
    done = checked(document)
    settles(document)
    if done.document is not None:
        keeps_its_bytes(done)


@MANY
@given(mutants())
def test_bytes_and_values_get_the_same_report(document: Json) -> None:
    raw = json.dumps(document).encode()
    submitted = read_json(raw)
    from_values = check(document, DANA, POLICY).report
    if submitted.issues:
        assert {each.code for each in from_values.issues} & {each.code for each in submitted.issues}
    else:
        assert to_json(check(submitted.document, DANA, POLICY).report) == to_json(from_values)


@MANY
@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "ignore"))
)
def test_any_bytes_are_a_value_or_a_refusal(raw: bytes) -> None:
    submitted = read_json(raw)
    assert submitted.document is None or submitted.issues == ()
    assert {each.code for each in submitted.issues} <= {"E_VALUE"}


@pytest.mark.parametrize("index", range(len(VALID)))
def test_every_valid_plan_keeps_its_canonical_bytes(index: int) -> None:
    keeps_its_bytes(check(VALID[index]))
