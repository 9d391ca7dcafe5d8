"""Slips that plan writers make often, and whether the report alone is enough to mend them."""

from typing import Any

import pytest

from plans.context import ContactContext
from plans.verify.check import check
from plans.verify.report import Issue

NAMES = {"contact": {"first_name": "Dana"}, "company": {"name": "Harbor"}, "sender": {}}


def plan(**changed: Any) -> dict[str, Any]:
    hello = {
        "id": "hello",
        "type": "send",
        "channel": "email",
        "message": {"subject": "Hi", "text": "Hello"},
        "transitions": [{"on": "no_reply", "after": "P3D", "to": "end"}],
    }
    return {
        "timezone": "UTC",
        "startNodeId": "hello",
        "nodes": [{**hello, **changed}, {"id": "end", "type": "stop"}],
    }


def found(document: Any, variables: Any = None) -> list[Issue]:
    context = {"tenant": "t", "contact": "c", "channels": {"email": {"address": "d@e.test"}}}
    given = None
    if variables is not None:
        given = ContactContext.model_validate({**context, "vars": variables})
    return list(check(document, given).report.issues)


def test_a_word_of_a_list_is_told_by_itself_and_not_by_its_index() -> None:
    (one,) = found(plan(schedule={"window": {"days": ["Mon"]}}))
    assert one.message == '"Mon" is not one of the words allowed there'
    (event,) = found(plan(transitions=[{"on": "link_clicked", "to": "end"}]))
    assert event.message == '"link_clicked" is not one of the words allowed there'


@pytest.mark.parametrize(
    ("written", "meant"),
    [("3 days", "P3D"), ("2h", "PT2H"), ("1 week", "P1W"), ("90 Minutes", "PT90M")],
)
def test_a_duration_as_people_write_it_is_mended(written: str, meant: str) -> None:
    (one,) = found(plan(transitions=[{"on": "no_reply", "after": written, "to": "end"}]))
    assert one.suggestion == f'did you mean "{meant}"?'
    assert one.patch is not None
    assert one.patch[0]["value"] == meant


@pytest.mark.parametrize("written", ["3 months", "5m", "soon", "P3X", "1 year"])
def test_a_duration_that_could_mean_two_things_is_not(written: str) -> None:
    (one,) = found(plan(transitions=[{"on": "no_reply", "after": written, "to": "end"}]))
    assert (one.suggestion, one.patch) == (None, None)


def test_a_bare_condition_is_put_into_a_list_and_not_taken_apart() -> None:
    bare = {"field": "contact.title", "op": "eq", "value": "CTO"}
    issues = found(plan(sendIf=bare))
    assert [each.path.rsplit("/", 1)[-1] for each in issues] == ["field", "op", "value"]
    assert {each.suggestion for each in issues} == {
        'conditions stand in a list: {"all": [{"field": …, "op": …, "value": …}]}'
    }
    patches = [each.patch for each in issues if each.patch]
    assert patches == [({"op": "replace", "path": "/nodes/0/sendIf", "value": {"all": [bare]}},)]


def test_a_variable_without_its_root_is_led_back_to_it_and_never_to_a_default() -> None:
    mail = {"subject": "{{ first_name }}", "text": "{{ firstName }} of {{ company_name }}"}
    subject, text = found(plan(message=mail), NAMES)
    assert subject.suggestion == text.suggestion == 'did you mean "contact.first_name"?'
    assert (subject.patch, text.patch) == (None, None)
    (company,) = found(plan(message={"subject": "Hi", "text": "{{ company_name }}"}), NAMES)
    assert company.suggestion == 'did you mean "company.name"?'


def test_a_limit_is_told_in_our_words() -> None:
    (one,) = found({**plan(), "limits": {"maxSends": 1000}})
    assert one.message == "must be less than or equal to 30"
