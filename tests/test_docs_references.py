"""What code refers to is there: every page it names, every section; and those pages are true."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.invariants.elsewhere import elsewhere
from plans.canonical import canonical_json
from plans.context import ContactContext, TenantPolicy
from plans.schema.models import Place, Plan
from plans.schema.parts import Part
from plans.simulate import Simulation
from plans.verify.check import check
from plans.verify.codes import CODES
from plans.verify.report import Issue, Report, to_json

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("domain", "plans", "projections", "handlers", "infra", "tests")
KINDS = {".py", ".sql", ".json"}
SOURCES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.suffix in KINDS
)
FOLDERS = ("docs", "bench")
PATHS = [*ROOT.glob("*.md"), *(path for one in FOLDERS for path in (ROOT / one).rglob("*.md"))]
PAGES = {path.name: path for path in PATHS}
LANGUAGE = PAGES["plan-dsl.md"]

PLACE = r"(?:A\d+|\d+(?:\.\d+)*)"
REFERENCE = re.compile(rf"([\w-]+\.md)((?:(?:,| and| to)? {PLACE}\b)*)")
CASE = re.compile(r"^\| `(\w+)` \|.*\| `(tests/[\w/]+\.py)`(?: as `(\w+)`)? \|$", re.MULTILINE)
CODE = re.compile(r"^\| ([EW]_[A-Z_]+) \| ([\d, ]+|-) \|", re.MULTILINE)
REPORT = re.compile(r"(?ms)^This is the report of `(tests/[^`]+)`:\n\n```json\n(.*?)^```")
INVARIANT = re.compile(r"^\| (I\d+) \|.*\| (now|elsewhere)\b[^|]*\|$", re.MULTILINE)


def missing(text: str) -> Iterator[str]:
    """References of a text that lead nowhere: to no page, or to no section of it."""
    for page, places in REFERENCE.findall(text):
        if page not in PAGES:
            yield page
            continue
        there = PAGES[page].read_text("utf-8")
        for place in re.findall(PLACE, places):
            if not has(there, place):
                yield f"{page} {place}"


def has(page: str, place: str) -> bool:
    """Whether a heading begins with this number, or a row of a table with this name of a rule."""
    head = r"\| " if place.startswith("A") else "#+ "
    return re.search(rf"^{head}{re.escape(place)}\.? ", page, re.MULTILINE) is not None


def test_every_page_and_section_that_code_names_is_there() -> None:
    lost = {
        f"{path.relative_to(ROOT)}: {reference}"
        for path in SOURCES
        for reference in missing(path.read_text("utf-8"))
    }
    assert lost == set()


def test_code_refers_to_the_pages_on_language_sending_and_provider() -> None:
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    named = {page for page, places in REFERENCE.findall(text) if places}
    assert {"plan-dsl.md", "trust.md", "providers.md"} <= named


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("trust" + ".md 1.1", []),
        ("plan-dsl" + ".md 2 to 4", []),
        ("plan-dsl" + ".md A17, 7.4", []),
        ("trust" + ".md 1.99", ["trust" + ".md 1.99"]),
        ("plan-dsl" + ".md 4.3 and A99", ["plan-dsl" + ".md A99"]),
        ("nowhere" + ".md 1", ["nowhere" + ".md"]),
    ],
)
def test_a_reference_that_leads_nowhere_is_found(text: str, lost: list[str]) -> None:
    assert list(missing(text)) == lost


def test_no_two_pages_have_one_name() -> None:
    assert len(PATHS) == len(PAGES)


# --- the pages are true ---------------------------------------------------------------------------


def test_every_field_of_the_language_is_on_its_page() -> None:
    text = LANGUAGE.read_text("utf-8")
    parts = [Plan, *Part.__subclasses__(), *Place.__subclasses__()]
    fields = {field.alias or name for part in parts for name, field in part.model_fields.items()}
    assert {field for field in fields if not re.search(rf"\b{field}\b", text)} == set()


@pytest.mark.parametrize(
    "told",
    [TenantPolicy, ContactContext, Simulation, Report, Issue],
    ids=lambda told: told.__name__,
)
def test_every_field_of_what_surrounds_a_plan_is_on_the_page(told: Any) -> None:
    text = LANGUAGE.read_text("utf-8")
    assert {name for name in _names(told) if not re.search(rf"\b{name}\b", text)} == set()


def _names(told: Any) -> set[str]:
    if issubclass(told, msgspec.Struct):
        return set(told.__struct_encode_fields__)
    return {field.alias or name for name, field in told.model_fields.items()}


def test_every_code_is_on_the_page_with_its_stages() -> None:
    rows = CODE.findall(LANGUAGE.read_text("utf-8"))
    expected = {code: ", ".join(map(str, row.stages)) or "-" for code, row in CODES.items()}
    assert dict(rows) == expected
    assert len(rows) == len(expected)


def test_the_report_of_the_page_is_that_of_the_check() -> None:
    case, printed = REPORT.findall(LANGUAGE.read_text("utf-8"))[0]
    plan = json.loads((ROOT / case).read_text("utf-8"))["plan"]
    assert to_json(check(plan).report) == json.loads(printed)


def test_the_check_value_of_the_page_is_that_of_the_code() -> None:
    text = LANGUAGE.read_text("utf-8").split("\n## 9. ")[1].split("\n## 10. ")[0]
    plan, canonical = re.findall(r"^```json\n(.*)\n```$", text, re.MULTILINE)
    checked = check(json.loads(plan))
    assert checked.document is not None
    assert canonical_json(checked.document).decode() == canonical
    assert f"`{checked.report.plan_hash}`" in text


def test_invariants_that_no_look_at_tables_can_tell_are_told_as_elsewhere() -> None:
    rows = dict(INVARIANT.findall(PAGES["trust.md"].read_text("utf-8")))
    assert list(rows) == [f"I{number}" for number in range(1, 35)]
    assert {name for name, when in rows.items() if when == "elsewhere"} == {
        finding.id for finding in elsewhere()
    }


@pytest.mark.parametrize(
    ("case", "file", "name"), CASE.findall(PAGES["providers.md"].read_text("utf-8"))
)
def test_the_test_of_an_acceptance_case_is_where_the_page_says(
    case: str, file: str, name: str
) -> None:
    assert f"def {name or f'test_{case}'}(" in (ROOT / file).read_text("utf-8")
