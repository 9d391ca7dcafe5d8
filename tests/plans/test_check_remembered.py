"""The check that remembers gives the report of the one that does not, whoever was asked before."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plans.context import ContactContext, TenantPolicy
from plans.verify.check import Checked, check
from plans.verify.remembered import BYTES_MAX, check_remembered
from plans.verify.report import to_json
from tests.plans.odd_plans import JSON, VALID, mutants
from tests.plans.plan_cases import DATA, END, Json, mail, plan, read

DANA = ContactContext.model_validate(read(DATA / "contexts" / "contact.context.json"))
SPOKEN_TO = {"contact": {"first_name": "Kim"}, "company": {"name": "<b>Tidal</b> & Co"}}


def contact(**given: Json) -> ContactContext:
    return ContactContext.model_validate({"tenant": "t", "contact": "c", **given})


CONTACTS: list[ContactContext | None] = [
    None,
    DANA,
    contact(),
    contact(channels={"email": {"address": "kim@a.test"}}, vars=SPOKEN_TO),
    contact(channels={"email": {"address": "kim@a.test", "suppressed": "bounce"}}, vars=SPOKEN_TO),
    contact(channels={"sms": {"address": "+1"}, "email": {"address": " "}}, vars=DANA.vars),
]
POLICIES: list[TenantPolicy | None] = [
    None,
    *map(
        TenantPolicy.model_validate,
        [
            {},
            {"maxSends": 1},
            {"maxDuration": "P1D", "timerGrace": "PT1H"},
            {"allowedChannels": ["sms"], "costs": {"email": 1.0}},
            {"calendars": {"US": ["2026-11-26"], "DE": ["2026-10-03"]}},
            {"calendars": {"DE": ["2026-10-03"], "US": ["2026-11-26", "2026-12-25"]}},
        ],
    ),
]


@st.composite
def reworded(draw: st.DrawFn) -> Json:
    """A valid plan of which some messages say something else."""
    document = deepcopy(draw(st.sampled_from(VALID)))
    for node in document["nodes"]:
        message = node.get("message")
        if isinstance(message, dict) and draw(st.booleans()):
            message["text"] = draw(
                st.sampled_from(
                    [
                        *("Hi", "Hi {{ contact.first_name }}", "{{ company.name | upcase }}"),
                        *("{{ nobody }}", "https://a.test/x STOP", "{% if %}", "[your name]", ""),
                    ]
                )
            )
    return document


def all_of(done: Checked) -> tuple[Any, ...]:
    """Every part of a result, with the types and the order of what is in it."""
    told = to_json(done.report)
    return told, repr(told), repr(done.document), done.canonical, done.plan, repr(done.runnable)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(mutants() | reworded() | JSON, min_size=1, max_size=3),
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, len(CONTACTS) - 1), st.integers(0, len(POLICIES) - 1)
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_it_says_the_same_in_any_order_of_plans_contacts_and_policies(
    documents: list[Json], asked: list[tuple[int, int, int]]
) -> None:
    for at, who, by in asked:
        document, context, policy = documents[at % len(documents)], CONTACTS[who], POLICIES[by]
        found = all_of(check_remembered(document, context, policy))
        assert found == all_of(check(deepcopy(document), context, policy))


@pytest.mark.parametrize("document", VALID)
def test_every_valid_plan_is_told_to_every_contact_as_if_it_were_the_first(document: Json) -> None:
    for policy in POLICIES:
        for context in (*CONTACTS, *reversed(CONTACTS)):
            found = all_of(check_remembered(document, context, policy))
            assert found == all_of(check(document, context, policy))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (None, float("nan")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([], {}),
        ("1", 1),
    ],
)
def test_values_that_only_look_alike_are_not_taken_for_each_other(one: Json, two: Json) -> None:
    for document in (
        {"version": one},
        {"version": two},
        plan(metadata={"x": one}, colour=one),
        plan(metadata={"x": two}, colour=two),
        plan(mail(maxVisits=one), END),
        plan(mail(maxVisits=two), END),
    ):
        assert all_of(check_remembered(document)) == all_of(check(document))


def test_contacts_who_are_told_the_same_share_what_was_made_of_it() -> None:
    document = plan(mail(message={"subject": "x", "text": "Hi {{ contact.first_name }}"}), END)
    kim = contact(channels={"email": {"address": "kim@a.test"}}, vars=SPOKEN_TO)
    first = check_remembered(document, DANA)
    assert first.report.ok
    assert not check_remembered(document, contact()).report.ok
    assert check_remembered(deepcopy(document), kim) is first


def test_plans_that_say_other_things_share_their_course_and_keep_their_own_words() -> None:
    said = [plan(mail(message={"subject": "x", "text": text}), END) for text in ("a", "b")]
    one, two = (check_remembered(document, DANA) for document in said)
    assert one.runnable is not None
    assert two.runnable is not None
    assert one.runnable.nodes is two.runnable.nodes
    assert one.runnable.hash != two.runnable.hash
    assert [
        done.document and done.document["nodes"][0]["message"]["text"] for done in (one, two)
    ] == [
        "a",
        "b",
    ]


def test_what_is_too_large_to_be_remembered_is_checked_all_the_same() -> None:
    long = plan(mail(message={"subject": "x", "text": "a" * BYTES_MAX}), END)
    assert all_of(check_remembered(long, DANA)) == all_of(check(long, DANA))
    assert check_remembered(long, DANA) is not check_remembered(long, DANA)


def test_what_never_was_json_is_refused_as_ever() -> None:
    doubled: list[Any] = ["x"]
    for _ in range(60):
        doubled = [doubled, doubled]
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _ in range(3_000):
        deep = [deep]
    for odd in (object(), {"nodes": object()}, {"nodes": doubled}, {"x": endless}, {"x": deep}):
        assert all_of(check_remembered(odd)) == all_of(check(odd))
