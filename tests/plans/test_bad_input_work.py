"""Work over hostile plans, counted: notes, near words, templates and patterns."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator

import pytest
from typing_extensions import override

import plans
from plans.context import ContactContext
from plans.normalise import normalise
from plans.normalise.notebook import NOTES_MAX, Notebook
from plans.schema import json_schema
from plans.templates import TemplateFailed, render_text
from plans.templates.context import TOGETHER_MAX, Purse
from plans.verify.check import ISSUES_MAX, check
from plans.verify.report import comparable, to_json
from tests.plans.backtracking import can_backtrack
from tests.plans.odd_letters import BROKEN, TRICKS
from tests.plans.plan_cases import END, Json, mail, plan

TOO_LARGE = [("E_VALUE", "")]


def issues(document: object) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in check(document).report.issues]


def written(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


# --- work, counted --------------------------------------------------------------------------------


class Part(str):
    """A step of a place that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    @override
    def __eq__(self, other: object) -> bool:
        Part.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("count", [500, 1_500])
def test_a_moved_field_looks_at_the_notes_of_its_own_node_only(count: int) -> None:
    notebook, Part.compared = Notebook(), 0
    for index in range(count):
        notebook.add("key_alias", ("nodes", index, Part("replyTo")))
    for index in range(count):
        notebook.moved(("nodes", index, "replyTo"), ("nodes", index, "message", "replyTo"))
    assert {note.path for note in notebook.notes()} == {
        f"/nodes/{index}/message/replyTo" for index in range(count)
    }
    assert Part.compared <= 2 * count


def test_notes_have_an_end() -> None:
    document = {"nodes": [{"reply_to": 1, "send_at": 2}] * 6_000}
    assert len(normalise(document).notes) == NOTES_MAX


def test_what_stands_in_an_unknown_field_is_neither_tidied_nor_noted() -> None:
    odd = {"colour": [{"reply_to": None, "send_at": {"max_visits": 1}}]}
    normalised = normalise(odd)
    assert normalised.document == odd
    assert normalised.notes == ()


@pytest.mark.parametrize("length", [5, 24, 25, 64, 65, 100_000])
def test_the_search_for_a_near_word_has_an_end(length: int) -> None:
    known = [f"{'ab' * 31}{index:02}" for index in range(60)]
    compared = comparable("a" * length, known)
    assert sum(length * len(each) for each in compared) <= 60 * 64 * 24


def test_a_long_misspelt_word_is_compared_with_those_that_begin_alike() -> None:
    known = [f"America/Argentina/Zone_{index}" for index in range(40)] + ["Europe/Berlin"] * 20
    compared = comparable("America/Argentina/Zone_39x", known)
    assert known[39] in compared
    assert "Europe/Berlin" not in compared


# --- patterns -------------------------------------------------------------------------------------


def patterns_of_schema(schema: Json) -> Iterator[str]:
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "pattern" and isinstance(value, str):
                yield value
            else:
                yield from patterns_of_schema(value)


def patterns_of_code() -> Iterator[tuple[str, str]]:
    for module in pkgutil.walk_packages(plans.__path__, "plans."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                yield f"{module.name}.{name}", value.pattern


SCHEMA_PATTERNS = sorted(set(patterns_of_schema(json_schema("full"))))


@pytest.mark.parametrize("pattern", SCHEMA_PATTERNS)
def test_no_pattern_of_the_schema_can_backtrack(pattern: str) -> None:
    assert not can_backtrack(pattern)


def test_no_pattern_that_plans_meet_can_backtrack() -> None:
    found = dict(patterns_of_code())
    assert len(found) >= 5
    assert [name for name, pattern in found.items() if can_backtrack(pattern)] == []


@pytest.mark.parametrize(
    ("pattern", "hostile"),
    [
        (r"(a+)+$", True),
        (r"^(a|aa)+$", True),
        (r"a*a*b", True),
        (r"\s+x", True),
        (r"^(UTC|.+/.+)$", True),
        (r"\{\{[^}]*(url|link)[^}]*\}\}", True),
        (r"<[A-Za-z!/][^<>]*>", False),
        (r"^(contact|company)(\.[a-z]+){1,3}$", False),
        (r"lorem\s+ipsum", False),
        (r"[\w.-]+", False),
    ],
)
def test_the_test_for_backtracking_knows_good_from_bad(pattern: str, hostile: Json) -> None:
    assert can_backtrack(pattern) is hostile


@pytest.mark.parametrize("pattern", SCHEMA_PATTERNS)
@pytest.mark.parametrize("trick", [*TRICKS.values(), *BROKEN.values()])
def test_no_pattern_of_the_schema_takes_letters_that_are_not_ascii(
    pattern: str, trick: str
) -> None:
    if pattern not in ("^[^\\r\\n]*$", "^(UTC|[^/]+/.+)$"):  # a subject; the zones are listed
        assert not re.search(pattern.replace("$", r"\Z"), trick)


# --- templates ------------------------------------------------------------------------------------

VALUES = {"contact": {"first_name": "Dana"}}
DANA = ContactContext.model_validate(
    {"tenant": "t", "contact": "c", "vars": VALUES, "channels": {"email": {"address": "d@a.test"}}}
)
HEAVY = "{% for i in (1..200) %}" + "{{ 'a' | upcase | downcase }}" * 16 + "{% endfor %}"
HEAVY_WORK = 200 * 16 * 2 * 100
"""What the filters of it cost at least."""


def sends(text: str, count: int) -> Json:
    """A plan that sends this text, numbered, that many times in five variants a node."""
    nodes = [
        {
            "id": f"n{index}",
            "type": "send",
            "channel": "email",
            "variants": [
                {"id": f"v{arm}", "message": {"subject": "s", "text": f"{text}{index}.{arm}"}}
                for arm in range(5)
            ],
            "transitions": [{"on": "timeout", "after": "P1D", "to": f"n{index + 1}"}],
        }
        for index in range(count)
    ]
    return plan(*nodes, {"id": f"n{count}", "type": "stop"}, limits={"maxSends": 30})


def test_templates_of_one_plan_share_what_they_may_cost() -> None:
    purse = Purse()
    bearable = TOGETHER_MAX // HEAVY_WORK
    rendered = [render_text(HEAVY, VALUES, purse) for _ in range(bearable - 1)]
    assert rendered == ["a" * 3_200] * (bearable - 1)
    assert purse.left < 2 * HEAVY_WORK
    purse.left = HEAVY_WORK - 1
    with pytest.raises(TemplateFailed, match="limit"):
        render_text(HEAVY, VALUES, purse)
    assert render_text(HEAVY, VALUES)


def test_many_templates_that_are_each_just_bearable_are_refused_together() -> None:
    one, many = sends(HEAVY, 1), sends(HEAVY, 25)
    refused = [
        (each.code, each.path)
        for each in check(many, DANA).report.issues
        if each.code == "E_TEMPLATE_UNRESOLVED"
    ]
    assert len(refused) >= min(ISSUES_MAX, 25 * 5 - TOGETHER_MAX // HEAVY_WORK)
    assert not any(path.startswith("/nodes/0/") for _, path in refused)
    assert check(one, DANA).report.ok


EXPLODING = [
    "{% for i in (1..1000000000) %}a{% endfor %}",
    "{% for i in (1..200) %}{% for j in (1..200) %}a{% endfor %}{% endfor %}",
    "{% assign x = 'aaaaaaaa' %}" + "{% assign x = x | append: x %}" * 28,
    "{{ 'aaaaaaaaaa'" + " | replace: 'a', 'aaaaaaaaaaaaaaaaaaa'" * 9 + " }}",
    "".join(f"{{% for a{n} in (1..1) %}}" for n in range(12)) + "{% endfor %}" * 12,
]
REFUSED_WORDS = [
    "{% include 'x' %}" * 200,
    "{% render 'x' %}",
    "{{ (1..1000000000) | join: 'x' }}",
    "{% if true %}" * 2_500,
    "{{" * 100_000,
]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        *((source, "E_TEMPLATE_UNRESOLVED") for source in EXPLODING),
        *((source, "E_TEMPLATE_SYNTAX") for source in REFUSED_WORDS),
    ],
)
def test_a_template_that_loops_or_explodes_is_refused_at_its_field(source: str, code: str) -> None:
    report = check(plan(mail(message={"subject": "s", "text": source}), END), DANA).report
    assert (code, "/nodes/0/message/text") in [(each.code, each.path) for each in report.issues]
    assert len(written(to_json(report))) <= 20_000


# --- the timed graph ------------------------------------------------------------------------------


def test_holidays_at_the_ends_of_time_are_no_trouble() -> None:
    dates = ["0001-01-01", "9999-12-31", *(f"{year:04}-06-01" for year in range(1, 9_999))]
    assert check(plan(holidays={"dates": dates}, window={})).report.plan_hash


def test_a_graph_with_too_many_states_is_refused_as_such() -> None:
    words = ["clicked", "opened", "x_a", "x_b", "x_c", "x_d", "x_e", "x_f", "x_g"]
    nodes = [
        {
            "id": f"n{index}",
            "type": "wait",
            "maxVisits": 10,
            "onMaxVisits": "end",
            "transitions": [
                *(
                    {"on": word, "to": f"n{(index * 7 + place * 3 + 1) % 57}"}
                    for place, word in enumerate(words)
                ),
                {"on": "timeout", "after": "P2D", "to": "end"},
            ],
        }
        for index in range(57)
    ]
    first = mail(transitions=[{"on": "timeout", "after": "P1D", "to": "n0"}])
    assert ("E_TOO_COMPLEX", "/nodes") in issues(plan(first, *nodes, END))
