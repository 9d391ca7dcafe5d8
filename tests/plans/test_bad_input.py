"""Hostile plans: each refused with its code and place, in time and room that the plan pays for."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from typing_extensions import override

from plans.intake import BYTES_MAX, read_json
from plans.normalise import normalise
from plans.verify.check import ISSUES_MAX, check
from plans.verify.report import to_json
from tests.plans.plan_cases import END, Json, mail, plan

TOO_LARGE = [("E_VALUE", "")]


def issues(document: object) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in check(document).report.issues]


def written(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


# --- bytes ----------------------------------------------------------------------------------------


class Watched(bytes):
    """Bytes that know how often they were read as text."""

    times_read = 0

    @override
    def decode(self, *_: Json, **__: Json) -> str:
        self.times_read += 1
        return super().decode()


def test_ten_megabytes_are_refused_before_they_are_read() -> None:
    raw = Watched(written({"metadata": {"text": "x" * 10_000_000}}))
    assert [(each.code, each.path) for each in read_json(raw).issues] == TOO_LARGE
    assert raw.times_read == 0


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":', b'{"nodes":[{"x":'])
def test_a_hundred_thousand_levels_are_refused(opening: bytes) -> None:
    raw = (opening * 100_000)[:BYTES_MAX]
    (issue,) = read_json(raw).issues
    assert (issue.code, issue.path) == ("E_VALUE", "")
    assert "nested" in issue.message


FULL_OF = {
    "lists": b"[" + b"[]," * 87_000 + b"[]]",
    "objects": b"[" + b"{}," * 87_000 + b"{}]",
    "one field": b"{" + b'"a":1,' * 43_000 + b'"a":1}',
    "fields": written({f"k{index}": 0 for index in range(20_000)}),
    "NaN": b"[" + b"NaN," * 65_000 + b"1]",
    "long numbers": b"[" + (b"1" * 4_000 + b",") * 65 + b"1]",
    "surrogates": b'"' + rb"\ud800" * 43_000 + b'"',
    "nodes": b'{"nodes":[' + b'{"type":"a"},' * 20_000 + b"{}]}",
    "moved fields": written({"nodes": [{"type": "send", "delay": 1, "send_at": 2}] * 6_000}),
    "transitions": written(
        plan(mail(transitions=[{"event": "opnd", "goto": "end"}] * 7_000, id="mail"))
    ),
    "long name": written({"k" * 100_000: [float("nan")] * 1_000, "m" * 100_000: 1}),
}


@pytest.mark.parametrize("kind", FULL_OF)
def test_a_plan_full_of_anything_takes_memory_in_proportion(kind: str) -> None:
    raw = FULL_OF[kind]
    assert len(raw) <= BYTES_MAX
    check({})  # what is made once is made now
    tracemalloc.start()
    submitted = read_json(raw)
    answer = [*submitted.issues]
    if not answer:
        answer = [*check(submitted.document).report.issues]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {each.severity for each in answer} == {"error"}
    assert peak < 120 * BYTES_MAX


@pytest.mark.parametrize("kind", FULL_OF)
def test_the_report_on_a_plan_full_of_anything_is_short(kind: str) -> None:
    submitted = read_json(FULL_OF[kind])
    report = to_json(check(submitted.document).report)
    assert len(submitted.issues) + len(report["issues"]) <= ISSUES_MAX + 1
    assert len(written([str(each) for each in submitted.issues])) <= 4 * BYTES_MAX
    assert len(written(report)) <= 4 * BYTES_MAX


# --- values that never were bytes -----------------------------------------------------------------


class CountedList(list[Any]):
    """A list that counts how many of its items were looked at."""

    looked_at = 0

    @override
    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            CountedList.looked_at += 1
            yield item


def looked_at(document: object) -> int:
    """How many items of lists the whole check looks at."""
    CountedList.looked_at = 0
    check(document)
    return CountedList.looked_at


def doubled(levels: int) -> Json:
    """A list of the same list three times over, and so on: few values that look like many."""
    value: Json = CountedList([{"reply_to": "x"}])
    for _ in range(levels):
        value = CountedList([value, value, value])
    return value


def looped() -> Json:
    """A list that holds itself."""
    value = CountedList()
    value.extend([value, value, value])
    return value


@pytest.mark.parametrize("metadata", [doubled(18), doubled(40), looped()])
@pytest.mark.parametrize("field", ["metadata", "nodes", "colour"])
def test_a_value_that_holds_another_many_times_is_counted_only_so_far(
    metadata: Json, field: str
) -> None:
    document = {**plan(), field: metadata}
    assert issues(document) == TOO_LARGE
    assert looked_at(document) <= 3 * BYTES_MAX


@pytest.mark.parametrize("field", ["name", "html", "colour"])
def test_an_endless_text_is_refused_before_anything_else_reads_it(field: str) -> None:
    endless = "x" * (BYTES_MAX + 1)
    document = plan(mail(message={"subject": "s", "text": "t", field: endless}), END)
    assert issues(document) == TOO_LARGE
    assert normalise(document).document is document


def test_what_is_just_small_enough_is_read() -> None:
    assert ("E_VALUE", "") not in issues(plan(metadata={"k": "x" * (BYTES_MAX - 2_000)}))


@pytest.mark.parametrize("count", [1_000, 4_000])
@pytest.mark.parametrize(
    "item",
    [
        {"type": "send", "delay": "P1D", "send_at": "09:00", "body": "x", "reply_to": "y"},
        {"action": "wait", "channel": "none", "duration": "P1D", "next": "end"},
        {"colour": {"reply_to": [None]}},
    ],
)
def test_each_part_is_looked_at_a_fixed_number_of_times(count: int, item: Json) -> None:
    document = {**plan(), "nodes": CountedList([item] * count)}
    assert looked_at(document) <= 5 * count


@pytest.mark.parametrize("value", [b"x", {1}, (1,), object(), 10**400, -(10**400), 1e400, 1j])
def test_what_json_cannot_carry_is_refused_at_its_place(value: object) -> None:
    assert issues(plan(metadata={"a": [value]})) == [("E_VALUE", "/metadata/a/0")]


@pytest.mark.parametrize("name", ["\ud800", "a\x00", 5, None, (1, 2)])
def test_a_field_without_a_proper_name_is_refused(name: Json) -> None:
    report = check({**plan(), "metadata": {name: 1}}).report
    assert [each.code for each in report.issues] == ["E_VALUE"]
    assert to_json(report)["ok"] is False


# --- too many, too long, of the wrong kind --------------------------------------------------------


def test_the_sixty_first_node_is_too_many() -> None:
    chain = [
        {"id": f"n{index}", "type": "notify", "text": "x", "next": f"n{index + 1}"}
        for index in range(60)
    ]
    stop = {"id": "n60", "type": "stop"}
    assert issues(plan(*chain, stop)) == [("E_VALUE", "/nodes")]
    assert issues(plan(*chain[1:], stop)) == []


LONG = "e" * 100_000
MAILS: list[tuple[dict[str, Json], str, str]] = [
    ({"transitions": [{"on": "opened", "to": "end"}] * 5_000}, "E_VALUE", "transitions"),
    ({"transitions": [5] * 5_000}, "E_VALUE", "transitions"),
    ({"id": LONG}, "E_FORMAT", "id"),
    ({"channel": LONG}, "E_ENUM", "channel"),
    ({"message": {"subject": LONG, "text": "t"}}, "E_VALUE", "message/subject"),
    ({f"field{index}": 1 for index in range(9_000)}, "E_UNKNOWN_FIELD", "field0"),
]
PLANS: list[tuple[dict[str, Json], str, str]] = [
    ({f"field{index}": 1 for index in range(9_000)}, "E_UNKNOWN_FIELD", "field0"),
    ({"goals": [{"on": "replied"}] * 5_000}, "E_VALUE", "goals"),
    ({"holidays": {"calendars": ["c"] * 5_000}}, "E_CALENDAR", "holidays/calendars/0"),
    ({"holidays": {"dates": ["x"] * 5_000}}, "E_VALUE", "holidays/dates/0"),
    (
        {"defaults": {"timers": {f"t{n}": 1 for n in range(900)}}},
        "E_DURATION",
        "defaults/timers/t0",
    ),
    ({"timezone": "Europe/" * 10_000}, "E_TIMEZONE", "timezone"),
    ({"limits": {"maxDuration": f"P{'9' * 100_000}D"}}, "E_DURATION", "limits/maxDuration"),
]
MANY = [
    *((plan(**fields), code, f"/{path}") for fields, code, path in PLANS),
    *((plan(mail(**fields), END), code, f"/nodes/0/{path}") for fields, code, path in MAILS),
]


@pytest.mark.parametrize(("document", "code", "path"), MANY)
def test_too_many_or_too_long_is_refused_in_few_words(document: Json, code: str, path: str) -> None:
    report = check(document).report
    assert (code, path) in [(each.code, each.path) for each in report.issues]
    assert len(report.issues) <= ISSUES_MAX + 1
    assert len(written(to_json(report))) <= BYTES_MAX


KINDS = [[], {}, "x", 5, True, [[]], [5], ["x"]]


@pytest.mark.parametrize("wrong", KINDS, ids=repr)
@pytest.mark.parametrize(
    ("field", "fits"),
    [
        ("quietHours", ()),
        ("window", ({},)),
        ("holidays", ({},)),
        ("defaults", ({},)),
        ("limits", ({},)),
        ("goals", ([],)),
        ("autoReply", ({},)),
        ("nodes", ()),
        ("metadata", ({},)),
    ],
)
def test_a_list_where_an_object_belongs_is_refused_at_or_below_its_place(
    field: str, fits: tuple[Json, ...], wrong: Json
) -> None:
    if wrong not in fits:
        found = issues(plan(**{field: wrong}))
        assert found
        assert all(path.startswith(f"/{field}") for _, path in found)


@pytest.mark.parametrize("wrong", KINDS, ids=repr)
@pytest.mark.parametrize("field", ["message", "schedule", "sendIf", "transitions", "variants"])
def test_the_parts_of_a_node_are_of_their_kind(field: str, wrong: Json) -> None:
    fits = {"message": ({}, []), "schedule": ({},), "sendIf": ({},)}.get(field, ([],))
    found = issues(plan(mail(**{field: wrong}), END))
    assert found or wrong in fits
    assert all(path.startswith("/nodes/0") or wrong in fits for _, path in found)


# --- names for the same thing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "unknown"),
    [
        ({"startNodeId": "mail", "start": "end"}, ["/start"]),
        ({"startNodeId": "mail", "start_node_id": "end"}, ["/start_node_id"]),
        ({"startNodeId": "mail", "start": "a", "start_node_id": "b"}, ["/start", "/start_node_id"]),
        ({"startNodeId": None, "start": "mail", "start_node_id": "mail"}, ["/start"]),
        ({"timezone": None, "timeZone": "UTC", "time_zone": "UTC"}, ["/timeZone"]),
        ({"timeZone": "UTC", "time_zone": "CET"}, ["/timeZone", "/time_zone"]),
    ],
)
def test_two_names_for_one_field_are_never_both_taken(given: Json, unknown: list[str]) -> None:
    assert issues(plan(**given)) == [("E_UNKNOWN_FIELD", path) for path in unknown]


@pytest.mark.parametrize(
    ("way", "unknown"),
    [
        ({"event": "opened", "on": "clicked", "to": "end"}, "event"),
        ({"on": "opened", "to": "end", "target": "end", "after": "P1D"}, "target"),
        ({"on": "opened", "target": "end", "goto": "end"}, "goto"),
        ({"on": "opened", "to": "end", "url_contains": "a", "urlContains": "b"}, "url_contains"),
    ],
)
def test_two_names_in_a_transition_are_never_both_taken(way: Json, unknown: str) -> None:
    found = issues(plan(mail(transitions=[way]), END))
    assert found == [("E_UNKNOWN_FIELD", f"/nodes/0/transitions/0/{unknown}")]


@pytest.mark.parametrize(
    "way", [{"on": "OPEN"}, {"event": "not_opened"}, {"on": "Timer"}, {"on": "no_open_after"}]
)
def test_the_alias_of_an_alias_is_followed_once_and_then_stays(way: Json) -> None:
    once = normalise(plan(mail(transitions=[{**way, "to": "end", "after": "P1D"}]), END))
    again = normalise(once.document)
    assert again.document == once.document
    assert again.notes == ()


@pytest.mark.parametrize(
    "node",
    [
        {"type": "email", "action": "sms", "channel": "sms"},
        {"type": "email", "action": "email", "channel": "linkedin_invite"},
        {"action": "end", "type": "exit"},
        {"type": "sms", "channel": "email"},
    ],
)
def test_names_that_contradict_each_other_are_refused(node: Json) -> None:
    found = issues(plan(mail(), END, {"id": "odd", **node}))
    assert found
    assert all(path.startswith("/nodes/2") for _, path in found)


def test_a_text_in_a_text_is_opened_once() -> None:
    inner = json.dumps({"k": json.dumps({"k": 1})})
    assert normalise(plan(metadata=inner)).document["metadata"] == {"k": '{"k": 1}'}
    assert issues(plan(metadata="[" * 1_000)) == [("E_VALUE", "/metadata")]
    deep = json.dumps(json.loads('{"a":' * 20 + "1" + "}" * 20))
    assert issues(plan(metadata=deep)) == [("E_VALUE", "")]
