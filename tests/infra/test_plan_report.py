"""The report of a plan as a person reads it."""

import json
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from infra.cli.plan_places import sheet
from infra.cli.plan_report import NOTES_MAX, print_report
from infra.cli.plan_witness import clock, fact_rows, in_words, story
from plans.normalise import normalise
from plans.verify.report import Issue, Note, Report, issue

PLAN = {
    "timezone": "UTC",
    "startNodeId": "intro",
    "nodes": [
        {"id": "intro", "type": "send", "transitions": [{"on": "opened", "to": "end"}]},
        {"id": "end", "type": "stop"},
    ],
}
FACTS = {
    "nodes": 3,
    "states": 4,
    "paths": 3,
    "minSends": 1,
    "maxSends": 2,
    "maxSendsPath": ["intro", "follow"],
    "minDuration": "P7DT23H12M",
    "maxDuration": "P62DT15H16M",
    "minSpacing": "PT23H6M",
    "maxCost": 0.002,
    "channels": ["email"],
    "openMinutesPerWeek": 2700,
    "loops": {"weekly": 4},
    "variables": ["company.name", "contact.first_name"],
}
STUCK = issue(
    "E_STUCK",
    "/nodes/0",
    '"intro" can wait for ever',
    node="intro",
    suggestion="add a timeout as the last transition",
    patch=(
        {
            "op": "add",
            "path": "/nodes/0/transitions/-",
            "value": {"on": "timeout", "after": "P7D", "to": "end"},
        },
    ),
    witness={
        "reason": "these events silence every timer and match no transition",
        "events": [{"event": "opened", "atSeconds": 172801, "at": "P2DT1S", "avoids": "no_open"}],
    },
)


def told(report: Report, width: int = 80, *, colours: bool = False) -> str:
    printed = StringIO()
    console = Console(
        file=printed,
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
        force_terminal=colours,
        color_system="standard" if colours else None,
    )
    raw = json.dumps(PLAN, indent=1).encode()
    print_report(console, sheet("my.json", raw, PLAN, PLAN), report)
    return printed.getvalue()


def stories(found: Issue) -> list[str]:
    return list(story(found))


def test_an_issue_is_told_with_place_excerpt_reason_trace_mend_and_patch() -> None:
    assert told(Report(ok=False, issues=(STUCK,))) == (
        'error E_STUCK at /nodes/0 in node "intro"\n'
        "  in      my.json:5:3\n"
        '  4 | "nodes": [\n'
        "  5 |  {\n"
        "    |  ^\n"
        '  6 |   "id": "intro",\n'
        '  7 |   "type": "send",\n'
        '  why     "intro" can wait for ever\n'
        "  seen    these events silence every timer and match no transition\n"
        '          counted from when "intro" starts to wait:\n'
        "          day 2 00:00:01 opened → silences no_open\n"
        '          then nothing moves "intro" on, for ever\n'
        "  mend    add a timeout as the last transition\n"
        '  patch   add /nodes/0/transitions/-: {"on": "timeout", "after": "P7D", "to":\n'
        '          "end"}\n'
        "\n"
        "my.json: refused, 1 error\n"
    )


def test_an_accepted_plan_is_told_with_its_facts() -> None:
    report = Report(ok=True, plan_hash="sha256:0", facts=FACTS)
    assert told(report).splitlines() == [
        "  sends      1 to 2: intro → follow",
        "  lasts      7 days 23 h 12 min to 62 days 15 h 16 min",
        "  spacing    at least 23 h 6 min",
        "  open       2,700 min a week (45 h)",
        "  size       3 nodes, 4 states, 3 paths",
        "  loops      weekly up to 4 visits",
        "  cost       at most 0.002",
        "  variables  company.name, contact.first_name",
        "  channels   email",
        "",
        "my.json: accepted, sha256:0",
    ]


@pytest.mark.parametrize("width", [40, 60, 100])
def test_lines_keep_within_the_terminal(width: int) -> None:
    long = issue("E_VALUE", "/nodes/0/transitions/0", "a reason " * 30, expected=["word"] * 40)
    report = Report(ok=False, issues=(STUCK, long), facts=FACTS)
    assert max(map(len, told(report, width).splitlines())) <= width


def test_no_color_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report(ok=False, issues=(STUCK,))
    assert "\x1b[1;31m" in told(report, colours=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in told(report, colours=True)


def test_notes_of_the_normaliser_come_last_and_are_not_endless() -> None:
    notes = tuple(Note(f"/nodes/{index}/type", "type_alias") for index in range(NOTES_MAX + 5))
    lines = told(Report(ok=True, facts=FACTS, normalized=notes)).splitlines()
    first = lines.index(f"The normaliser rewrote {len(notes)} places of my.json:")
    assert lines[first + 1] == "  /nodes/0/type: type_alias"
    assert lines[first + NOTES_MAX + 1] == "  and 5 more; --json has them all"
    assert lines[-1] == "my.json: accepted"


def test_what_a_plan_says_cannot_act_on_the_terminal() -> None:
    evil = "\x1b[31m\x07\u202e"
    report = Report(
        ok=False,
        issues=(
            issue(
                "E_VALUE",
                f"/{evil}",
                evil,
                node=evil,
                suggestion=evil,
                witness={"path": [evil]},
                patch=({"op": "remove", "path": evil},),
            ),
        ),
        normalized=(Note(evil, "key_alias"),),
    )
    assert told(report).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("code", "witness", "expected"),
    [
        ("E_MAX_SENDS", {"nodes": ["a", "b"]}, ["a path that sends too often: a → b"]),
        ("E_LOOP_UNBOUNDED", {"nodes": ["a", "b"]}, ["round and round: a → b → a"]),
        ("E_TEMPLATE_SYNTAX", {"path": ["a"]}, ["a path that shows it: a"]),
        (
            "E_SPACING",
            {"gap": "PT2H", "channelFamily": "email"},
            ["gap: 2 h", "channel family: email"],
        ),
        ("E_SPACING", {}, []),
    ],
)
def test_a_witness_is_told_in_words(code: str, witness: Any, expected: list[str]) -> None:
    assert stories(issue(code, "/nodes/0", "why", witness=witness)) == expected


def test_the_way_to_a_stuck_node_is_told_before_what_happens_there() -> None:
    witness = {"path": ["a", "b"], "events": [{"event": "opened", "atSeconds": 1}]}
    assert stories(issue("E_STUCK", "/nodes/1", "x", node="b", witness=witness)) == [
        "the way there: a → b",
        'counted from when "b" starts to wait:',
        "day 0 00:00:01 opened",
        'then nothing moves "b" on, for ever',
    ]


@pytest.mark.parametrize("reason", ["late", "fact", "shadowed"])
def test_why_a_transition_is_dead_is_a_sentence(reason: str) -> None:
    (sentence,) = stories(issue("E_DEAD_TRANSITION", "/nodes/0", "x", witness={"reason": reason}))
    assert len(sentence.split()) > 5


def test_a_node_without_timers_is_told_to_be_stuck_at_once() -> None:
    found = issue("E_STUCK", "/nodes/0", "x", node="a", witness={"reason": "no timer"})
    assert stories(found) == ["no timer", 'here nothing moves "a" on, for ever']


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "day 0 00:00:00"), (172801, "day 2 00:00:01"), (86399, "day 0 23:59:59")],
)
def test_an_instant_is_told_in_days_and_time(seconds: int, expected: str) -> None:
    assert clock(seconds) == expected


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("P1D", "1 day"),
        ("P1W2DT3H4M5S", "1 week 2 days 3 h 4 min 5 s"),
        ("PT0S", "no time"),
        ("P", "P"),
        ("Paris", "Paris"),
        ("", ""),
    ],
)
def test_a_duration_is_told_in_words(duration: str, expected: str) -> None:
    assert in_words(duration) == expected


def test_no_fact_is_left_out() -> None:
    told_rows = dict(fact_rows({**FACTS, "somethingNew": ["x"]}))
    assert told_rows["something new"] == "x"
    assert "" not in told_rows.values()
    assert dict(fact_rows({"maxSends": 0}))["sends"] == "0"


def test_a_place_that_the_file_lacks_is_told_to_be_of_the_canonical_plan() -> None:
    raw = b'{"nodes": {"mail": {"type": "send", "delay": "3 days"}}}'
    submitted = json.loads(raw)
    printed = StringIO()
    console = Console(file=printed, width=80, highlight=False)
    paper = sheet("my.json", raw, submitted, normalise(submitted).document)
    found = issue("E_DURATION", "/nodes/0/schedule/delay", "not a duration", got="3 days")
    print_report(console, paper, Report(ok=False, issues=(found,)))
    assert "  in      canonical plan:8:19\n" in printed.getvalue()
    assert "  note    not in my.json: the normaliser moved it" in printed.getvalue()
