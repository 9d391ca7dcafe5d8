"""The catalogue has every code, and what it says is what the check does."""

import json
from itertools import chain

import pytest

from plans.catalogue import ENTRIES, Entry, Example, UnknownCode, explain
from plans.catalogue.of_revisions import IN_FORCE
from plans.catalogue.sample import mail, plan
from plans.catalogue.telling import TEXT_MAX, explanation, fragment, issue_of, laid_out
from plans.catalogue.trial import tried
from plans.normalise import normalise
from plans.patch import patched
from plans.verify.check import check
from plans.verify.codes import CODES
from tests.plans.plan_cases import DATA, Json, files, read

Case = tuple[Entry, Example]
CASES = [(entry, example) for entry in ENTRIES.values() for example in entry.examples]


def name(case: Case) -> str:
    entry, example = case
    return f"{entry.code}-{entry.examples.index(example) + 1}"


every = pytest.mark.parametrize("case", CASES, ids=name)


def found(example: Example, document: Json) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in tried(example, document).report.issues]


def canonical(example: Example) -> Json:
    """The wrong plan as the pointers of its report mean it."""
    checked = tried(example, example.wrong)
    return checked.document or normalise(example.wrong).document


def test_every_code_has_an_entry_with_an_example() -> None:
    assert list(ENTRIES) == list(CODES)
    assert all(entry.examples for entry in ENTRIES.values())


def test_the_plan_that_examples_vary_is_accepted_as_it_is() -> None:
    report = check(plan(mail())).report
    assert (report.ok, report.issues, report.normalized) == (True, (), ())


@every
def test_the_wrong_plan_gets_this_code_at_this_pointer_and_nothing_else(case: Case) -> None:
    entry, example = case
    assert sorted(found(example, example.wrong)) == sorted(
        [(entry.code, example.path), *example.also]
    )


@every
def test_the_right_plan_is_accepted(case: Case) -> None:
    _, example = case
    checked = tried(example, example.right)
    assert checked.report.ok
    assert found(example, example.right) == list(example.also)


@every
def test_no_example_needs_the_normaliser(case: Case) -> None:
    _, example = case
    for document in (example.wrong, example.right):
        assert normalise(document.get("plan", document)).notes == ()


@every
def test_a_patch_that_is_offered_removes_its_issue(case: Case) -> None:
    entry, example = case
    patch = issue_of(entry, example).patch
    if patch is not None:
        mended = patched(canonical(example), patch)
        assert (entry.code, example.path) not in found(example, mended)


@every
def test_what_is_shown_of_the_plans_shows_the_difference(case: Case) -> None:
    _, example = case
    wrong, right = (fragment(each, example.shown) for each in (example.wrong, example.right))
    assert wrong != right
    assert {*wrong, *right} == set(example.shown)


@every
def test_a_warning_is_accepted_and_an_error_is_not(case: Case) -> None:
    entry, example = case
    assert tried(example, example.wrong).report.ok == (entry.row.severity == "warning")


def test_the_plan_that_a_revision_replaces_has_the_hash_that_is_named() -> None:
    (example,) = explain("E_REVISION_STALE").examples
    assert check(example.running).report.plan_hash == IN_FORCE


def test_every_stage_of_a_code_has_an_example() -> None:
    shown = {
        code: {example.stage or entry.row.stages[0] for example in entry.examples}
        for code, entry in ENTRIES.items()
        if entry.row.stages
    }
    assert shown == {code: set(row.stages) for code, row in CODES.items() if row.stages}


def test_a_code_is_found_in_whatever_case_it_is_written() -> None:
    assert explain(" e_stuck ") is ENTRIES["E_STUCK"]


def test_an_unknown_code_is_told_the_nearest_one() -> None:
    with pytest.raises(UnknownCode) as refusal:
        explain("E_STUK")
    assert refusal.value.meant == "E_STUCK"
    with pytest.raises(UnknownCode) as refusal:
        explain("?")
    assert refusal.value.meant is None


def test_an_explanation_is_json_with_one_wrong_and_one_right_plan_at_least() -> None:
    told = explanation(explain("E_JITTER"))
    (example,) = json.loads(json.dumps(told))["examples"]
    assert example["wrong"] == {"/defaults/jitter": {"min": "PT20M", "max": "PT5M"}}
    assert example["right"] == {"/defaults/jitter": {"min": "PT5M", "max": "PT20M"}}
    assert example["issue"]["path"] == "/defaults/jitter"
    assert example["issue"]["patch"][0]["op"] == "replace"


def test_short_parts_stay_on_a_line() -> None:
    text = laid_out({"a": [1, {"b": None}], "long": "x" * 200, "c": ["y" * 50, "z" * 50], "d": {}})
    assert text.splitlines() == [
        "{",
        '  "a": [1, {"b": null}],',
        f'  "long": "{"x" * 200}",',
        '  "c": [',
        f'    "{"y" * 50}",',
        f'    "{"z" * 50}"',
        "  ],",
        '  "d": {}',
        "}",
    ]


def test_long_texts_of_plans_are_cut() -> None:
    shown = fragment({"nodes": [{"text": "x" * 200}]}, ["/nodes", "/nothing"])
    assert shown == {"/nodes": [{"text": "x" * TEXT_MAX + "… (200 characters)"}]}


def test_codes_of_the_invalid_plans_of_the_tests_are_explained() -> None:
    cases = [read(path) for path in files(DATA / "invalid")]
    codes = {each["code"] for each in chain.from_iterable(case["expect"] for case in cases)}
    assert codes
    assert codes - ENTRIES.keys() == set()
