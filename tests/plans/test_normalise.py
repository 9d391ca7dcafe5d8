import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plans.normalise import normalise
from plans.pointer import found
from plans.verify.check import check
from tests.plans.plan_cases import DATA, END, EXAMPLES, Json, files, mail, plan, read

WORDS = re.findall(
    r"\S+",
    "id type action channel message subject html text body replyTo reply_to delay sendAt send_at"
    " businessDays schedule transitions next duration event on to target goto after within about"
    " outcome kind title metadata endpoint variants nodes goals defaults timers no_open"
    " no_open_after start startNodeId start_node_id version timezone time_zone timeZone max_visits"
    " maxVisits name",
)
VALUES = st.sampled_from(
    [
        *re.findall(r"\S+", "none send email sms wait stop end task webhook branch"),
        *re.findall(r"\S+", "open NoOpen opened timer timeout PT0S P1D a <p>x</p> {}"),
        *("", '{"a":null,"b":[null]}', 1.0, 1, -1, None, True, 10**30, float("nan")),
    ]
)
JSON = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6)
    ),
    max_leaves=25,
)
NODES = st.lists(st.dictionaries(st.sampled_from(WORDS), JSON, max_size=8), max_size=3)
DOCUMENTS = JSON | st.builds(
    lambda fields, nodes: {**fields, "nodes": nodes},
    st.dictionaries(st.sampled_from(WORDS), JSON, max_size=5),
    NODES,
)


def notes(document: object) -> list[tuple[str, str]]:
    return [(note.path, note.rule) for note in normalise(document).notes]


def node(given: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The node after normalising, and the notes."""
    normalised = normalise({"nodes": [given]})
    return normalised.document["nodes"][0], [(n.path, n.rule) for n in normalised.notes]


def test_the_seed_shape_needs_exactly_twelve_notes() -> None:
    seed = read(DATA / "valid" / "00_seed_shape.json")
    assert notes(seed) == [
        ("/defaults/timers/no_open", "key_alias"),
        ("/defaults/timers/no_click", "key_alias"),
        ("/nodes/0/type", "action_is_type"),
        ("/nodes/0/message", "flat_payload_nested"),
        ("/nodes/0/transitions/2/after", "zero_after_dropped"),
        ("/nodes/0/transitions/3/after", "zero_after_dropped"),
        ("/nodes/1/type", "action_is_type"),
        ("/nodes/1/channel", "ignored_on_wait"),
        ("/nodes/2/type", "action_is_type"),
        ("/nodes/2/message", "flat_payload_nested"),
        ("/nodes/3/type", "action_is_type"),
        ("/nodes/3/channel", "ignored_on_stop"),
    ]


@pytest.mark.parametrize("path", files(EXAMPLES), ids=lambda path: path.stem)
def test_canonical_input_passes_unchanged(path: Json) -> None:
    document = read(path)
    assert normalise(document).document == document
    assert notes(document) == []


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("send", "send_at", "sendAt"),
        ("send", "business_days", "businessDays"),
        ("send", "reply_to", "replyTo"),
        ("wait", "send_at", "sendAt"),
    ],
)
def test_a_field_under_two_names_stays_where_it_is(kind: str, old: str, new: str) -> None:
    node = {"id": "a", "type": kind, "channel": "email", old: "09:00", new: "10:00"}
    once = normalise({"nodes": [node]}).document
    assert once["nodes"][0][old] == "09:00"
    assert once["nodes"][0][new] == "10:00"
    assert normalise(once).document == once


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS)
def test_normalising_a_second_time_changes_nothing(document: Json) -> None:
    before = deepcopy(document)
    once = normalise(document)
    again = normalise(once.document)
    assert repr(again.document) == repr(once.document)
    assert again.notes == ()
    assert repr(document) == repr(before)


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS)
def test_any_json_value_gets_a_report(document: Json) -> None:
    assert not check(document).report.ok


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(files(DATA / "valid")), st.randoms(use_true_random=False))
def test_a_valid_plan_without_some_part_gets_the_same_notes_twice_and_is_idempotent(
    path: Json, random: Json
) -> None:
    document = read(path)
    for owner in (document, random.choice(document["nodes"])):
        owner.pop(random.choice(sorted(owner)), None)
    once = normalise(document)
    assert normalise(document) == once
    assert normalise(once.document).document == once.document


def test_deep_nesting_is_survived() -> None:
    deep: Json = "leaf"
    for _ in range(50_000):
        deep = {"metadata": [deep], "nodes": None}
    assert normalise(deep).document["metadata"]


@pytest.mark.parametrize(
    ("given", "expected", "rules"),
    [
        ({"type": "end", "id": "z"}, {"id": "z", "type": "stop"}, ["type_alias"]),
        (
            {"type": "sms", "text": "x"},
            {"type": "send", "channel": "sms", "message": {"text": "x"}},
            ["type_alias", "flat_payload_nested"],
        ),
        ({"type": "sms", "channel": "email"}, {"type": "sms", "channel": "email"}, []),
        (
            {"type": "send", "action": "send", "channel": "sms"},
            {"type": "send", "channel": "sms"},
            ["duplicate_dropped"],
        ),
        (
            {"type": "send", "channel": "none"},
            {"type": "send", "channel": "email"},
            ["channel_defaulted_email"],
        ),
        (
            {"type": "send", "channel": "email", "body": "<b>x</b>"},
            {"type": "send", "channel": "email", "message": {"html": "<b>x</b>"}},
            ["flat_payload_nested"],
        ),
        (
            {"type": "send", "channel": "email", "body": "1 < 2 > 0"},
            {"type": "send", "channel": "email", "message": {"text": "1 < 2 > 0"}},
            ["flat_payload_nested"],
        ),
        (
            {"type": "send", "channel": "email", "body": ""},
            {"type": "send", "channel": "email"},
            [],
        ),
        (
            {"type": "send", "channel": "email", "text": "a", "message": {"text": "b"}},
            {"type": "send", "channel": "email", "text": "a", "message": {"text": "b"}},
            [],
        ),
        (
            {"type": "send", "channel": "email", "send_at": "09:00", "delay": "P1D"},
            {"type": "send", "channel": "email", "schedule": {"delay": "P1D", "sendAt": "09:00"}},
            ["key_alias", "key_moved", "key_moved"],
        ),
        (
            {"type": "send", "channel": "email", "next": "z"},
            {"type": "send", "channel": "email", "transitions": [{"on": "sent", "to": "z"}]},
            ["next_sugar"],
        ),
        (
            {"type": "wait", "duration": "P1D", "next": "z", "subject": "x"},
            {"type": "wait", "transitions": [{"on": "timeout", "after": "P1D", "to": "z"}]},
            ["ignored_on_wait", "duration_next_sugar"],
        ),
        ({"type": "wait", "duration": "P1D"}, {"type": "wait", "duration": "P1D"}, []),
        (
            {"type": "task", "channel": "email", "text": "Call", "title": ""},
            {"type": "task", "title": "Call"},
            ["ignored_on_task", "key_alias"],
        ),
        ({"type": "split", "transitions": []}, {"type": "split"}, ["empty_dropped"]),
        ({"type": "wait", "transitions": []}, {"type": "wait", "transitions": []}, []),
        (
            {"type": "webhook", "body": '{"a": 1, "b": null}'},
            {"type": "webhook", "body": {"a": 1}},
            ["json_text_parsed"],
        ),
        ({"type": "webhook", "body": "[1]"}, {"type": "webhook", "body": "[1]"}, []),
        (
            {"type": "webhook", "body": {"reply_to": "", "n": None}},
            {"type": "webhook", "body": {"reply_to": ""}},
            [],
        ),
        ({"type": "wait", "name": "", "max_visits": None}, {"type": "wait"}, []),
    ],
)
def test_each_rule_for_nodes(
    given: dict[str, Any], expected: dict[str, Any], rules: list[str]
) -> None:
    changed, applied = node(given)
    assert changed == expected
    assert sorted(rule for _, rule in applied) == sorted(rules)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"event": "OPEN", "target": "a"}, {"on": "opened", "to": "a"}),
        ({"on": "Spam_Report", "goto": "a"}, {"on": "spam_reported", "to": "a"}),
        (
            {"on": "noreply", "within": "P2D", "to": "a"},
            {"on": "no_reply", "after": "P2D", "to": "a"},
        ),
        (
            {"on": "timeout", "within": "P2D", "after": "P1D"},
            {"on": "timeout", "within": "P2D", "after": "P1D"},
        ),
        ({"on": "opened", "after": "PT0M", "within": ""}, {"on": "opened"}),
        ({"on": "opened", "after": "PT0H"}, {"on": "opened", "after": "PT0H"}),
        ({"on": "no_open", "after": "PT0S"}, {"on": "no_open", "after": "PT0S"}),
        ({"on": "nonsense", "after": "PT0S"}, {"on": "nonsense", "after": "PT0S"}),
        ({"on": "clicked", "url_contains": "x"}, {"on": "clicked", "urlContains": "x"}),
        ({"on": "clicked", "to": "a", "goto": "b"}, {"on": "clicked", "to": "a", "goto": "b"}),
    ],
)
def test_each_rule_for_transitions(given: dict[str, Any], expected: dict[str, Any]) -> None:
    changed, _ = node({"type": "wait", "transitions": [given]})
    assert changed["transitions"] == [expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"start": "a", "time_zone": "UTC"}, {"startNodeId": "a", "timezone": "UTC"}),
        ({"start": {"at": 1}}, {"start": {"at": 1}}),
        ({"start_node_id": "a", "startNodeId": "b"}, {"start_node_id": "a", "startNodeId": "b"}),
        ({"version": 1}, {"version": "1.0"}),
        ({"version": 1.1}, {"version": "1.1"}),
        ({"version": True}, {"version": True}),
        ({"metadata": '{"k": 1}'}, {"metadata": {"k": 1}}),
        ({"metadata": '{"k": 1, "k": 2}'}, {"metadata": '{"k": 1, "k": 2}'}),
        (
            {"defaults": {"timers": '{"no_open_after": "P1D"}'}},
            {"defaults": {"timers": {"no_open": "P1D"}}},
        ),
        ({"goals": [{"on": "reply"}]}, {"goals": [{"on": "replied"}]}),
        (
            {"nodes": {"a": {"type": "stop"}, "b": {"id": "c"}, "d": None}},
            {"nodes": [{"id": "a", "type": "stop"}, {"id": "c"}]},
        ),
        (
            {"quiet_hours": {"start": "21:00"}, "auto_reply": None},
            {"quietHours": {"start": "21:00"}},
        ),
    ],
)
def test_each_rule_for_the_plan(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert normalise(given).document == expected


def test_notes_point_into_the_finished_document() -> None:
    old = {"mail": mail(subject="Hi", reply_to="x", message=None), "end": END}
    normalised = normalise({**plan(), "nodes": old})
    places = {(note.path, note.rule) for note in normalised.notes}
    assert ("/nodes/0/message/replyTo", "key_alias") in places
    assert found(normalised.document, ("nodes", 0, "message", "replyTo")) == "x"
