"""The front of the plan language under fire: any JSON value gets a report, and one that stays."""

import json
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plans.canonical import canonical_document, canonical_json, plan_hash
from plans.context import ContactContext, TenantPolicy
from plans.intake import faults, read_json
from plans.normalise import normalise
from plans.schema.models import Plan
from plans.verify.check import Checked, check
from plans.verify.codes import CODES
from plans.verify.report import to_json
from tests.plans.odd_plans import JSON, VALID, mutants
from tests.plans.plan_cases import DATA, Json, read

DANA = ContactContext.model_validate(read(DATA / "contexts" / "contact.context.json"))
POLICY = TenantPolicy.model_validate(
    {"calendars": {"US": ["2026-11-26"]}, "maxSends": 3, "allowedChannels": ["email", "sms"]}
)


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
    """What was normalised once stays as it is, and what it calls sound has no fault."""
    once = normalise(document)
    again = normalise(once.document)
    assert repr(again.document) == repr(once.document)
    assert again.notes == ()
    if once.sound:
        assert not tuple(faults(once.document))


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
    if submitted.issues:  # of the whole document; the check drops some fields unseen
        told = {each.code for each in (*from_values.issues, *faults(document))}
        assert told & {each.code for each in submitted.issues}
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
