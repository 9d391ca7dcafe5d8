from typing import Any

import pytest

from plans.context import TenantPolicy
from plans.verify.check import ISSUES_MAX, check
from plans.verify.report import Issue
from tests.plans.plan_cases import END, Json, mail, plan


def issues(document: object, policy: TenantPolicy | None = None) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in check(document, policy=policy).report.issues]


def only(document: object) -> Issue:
    (issue,) = check(document).report.issues
    return issue


def with_mail(**fields: Json) -> dict[str, Any]:
    return plan(mail(**fields), END, startNodeId="mail")


def with_transition(**fields: Json) -> dict[str, Any]:
    return with_mail(transitions=[{"on": "no_reply", "to": "end", **fields}])


def guarded(**condition: Json) -> dict[str, Any]:
    return with_mail(sendIf={"all": [{"field": "contact.x", "op": "eq", **condition}]})


CASES: list[tuple[object, str, str]] = [
    ([], "E_VALUE", ""),
    (None, "E_VALUE", ""),
    ({}, "E_MISSING", "/timezone"),
    (plan(startNodeId=None), "E_MISSING", "/startNodeId"),
    (with_mail(message={"subject": 5}), "E_VALUE", "/nodes/0/message/subject"),
    (with_mail(message={"subject": "x" * 256}), "E_VALUE", "/nodes/0/message/subject"),
    (with_mail(message={"subject": "x\r\nBcc: y"}), "E_FORMAT", "/nodes/0/message/subject"),
    (with_mail(message={"replyTo": "9"}), "E_FORMAT", "/nodes/0/message/replyTo"),
    (with_mail(message={"trackOpens": "yes"}), "E_VALUE", "/nodes/0/message/trackOpens"),
    (with_mail(channel="fax"), "E_ENUM", "/nodes/0/channel"),
    (with_mail(channel=5), "E_ENUM", "/nodes/0/channel"),
    (with_mail(id="1st"), "E_FORMAT", "/nodes/0/id"),
    (with_mail(id="a" * 65), "E_FORMAT", "/nodes/0/id"),
    (with_mail(id="a\n"), "E_FORMAT", "/nodes/0/id"),
    (with_mail(maxVisits=0), "E_VALUE", "/nodes/0/maxVisits"),
    (with_mail(maxVisits=11), "E_VALUE", "/nodes/0/maxVisits"),
    (with_mail(maxVisits=1.5), "E_VALUE", "/nodes/0/maxVisits"),
    (with_mail(maxVisits="3"), "E_VALUE", "/nodes/0/maxVisits"),
    (with_mail(maxVisits=True), "E_VALUE", "/nodes/0/maxVisits"),
    (with_mail(schedule={"delay": "P1M"}), "E_DURATION", "/nodes/0/schedule/delay"),
    (with_mail(schedule={"delay": "P"}), "E_DURATION", "/nodes/0/schedule/delay"),
    (with_mail(schedule={"delay": "P1DT"}), "E_DURATION", "/nodes/0/schedule/delay"),
    (with_mail(schedule={"delay": "PT1.5H"}), "E_DURATION", "/nodes/0/schedule/delay"),
    (with_mail(schedule={"delay": "P1000D"}), "E_DURATION", "/nodes/0/schedule/delay"),
    (with_mail(schedule={"delay": "P1\u0178"}), "E_DURATION", "/nodes/0/schedule/delay"),
    (with_mail(schedule={"delay": "P\u0661D"}), "E_DURATION", "/nodes/0/schedule/delay"),
    (with_mail(schedule={"delay": 5}), "E_DURATION", "/nodes/0/schedule/delay"),
    (with_mail(schedule={"businessDays": 61}), "E_VALUE", "/nodes/0/schedule/businessDays"),
    (with_mail(schedule={"sendAt": "24:00"}), "E_FORMAT", "/nodes/0/schedule/sendAt"),
    (with_mail(schedule={"sendAt": "9:00"}), "E_FORMAT", "/nodes/0/schedule/sendAt"),
    (with_mail(schedule={"at": "2026-12-01T09:00:00"}), "E_VALUE", "/nodes/0/schedule/at"),
    (with_mail(schedule={"at": "2026-02-30T09:00:00Z"}), "E_VALUE", "/nodes/0/schedule/at"),
    (with_mail(schedule={"at": "0001-01-01T00:00:00+05:00"}), "E_VALUE", "/nodes/0/schedule/at"),
    (with_mail(schedule={"ifPast": "wait"}), "E_ENUM", "/nodes/0/schedule/ifPast"),
    (with_mail(transitions=[{"on": "opened"}]), "E_MISSING", "/nodes/0/transitions/0/to"),
    (with_mail(transitions=[None]), "E_VALUE", "/nodes/0/transitions/0"),
    (
        with_mail(transitions=[{"on": "opened", "to": "end"}] * 13),
        "E_VALUE",
        "/nodes/0/transitions",
    ),
    (with_mail(variants=[{"id": "a b", "message": {}}]), "E_FORMAT", "/nodes/0/variants/0/id"),
    (with_mail(variants=[{"id": "a"}]), "E_MISSING", "/nodes/0/variants/0/message"),
    (with_transition(on="no_repply"), "E_EVENT", "/nodes/0/transitions/0/on"),
    (with_transition(on="x_"), "E_EVENT", "/nodes/0/transitions/0/on"),
    (with_transition(on=["opened"]), "E_EVENT", "/nodes/0/transitions/0/on"),
    (with_transition(about="9"), "E_FORMAT", "/nodes/0/transitions/0/about"),
    (guarded(op="is"), "E_ENUM", "/nodes/0/sendIf/all/0/op"),
    (guarded(field="person.x"), "E_FORMAT", "/nodes/0/sendIf/all/0/field"),
    (guarded(value={"a": 1}), "E_VALUE", "/nodes/0/sendIf/all/0/value"),
    (guarded(value=["a", 1]), "E_VALUE", "/nodes/0/sendIf/all/0/value"),
    (plan(goals=[{"on": "booked"}]), "E_EVENT", "/goals/0/on"),
    (plan(goals=[{"on": "replied", "outcome": "expired"}]), "E_ENUM", "/goals/0/outcome"),
    (plan(goals=[{"on": "replied"}] * 6), "E_VALUE", "/goals"),
    (plan(timezone="PST"), "E_TIMEZONE", "/timezone"),
    (plan(timezone="Europe/Belrin"), "E_TIMEZONE", "/timezone"),
    (plan(timezone=5), "E_TIMEZONE", "/timezone"),
    (plan(version="1.1"), "E_VERSION", "/version"),
    (plan(version="2.0"), "E_FORMAT", "/version"),
    (plan(window={"days": []}), "E_VALUE", "/window/days"),
    (plan(window={"days": ["MON"]}), "E_ENUM", "/window/days/0"),
    (plan(holidays={"dates": ["2026-02-30"]}), "E_VALUE", "/holidays/dates/0"),
    (plan(holidays={"dates": ["20260228"]}), "E_VALUE", "/holidays/dates/0"),
    (plan(holidays={"calendars": ["de"]}), "E_CALENDAR", "/holidays/calendars/0"),
    (plan(limits={"maxSends": 31}), "E_VALUE", "/limits/maxSends"),
    (plan(defaults={"timers": {"no_open": "soon"}}), "E_DURATION", "/defaults/timers/no_open"),
    (plan(metadata=[1]), "E_VALUE", "/metadata"),
    (plan(quietHours={"start": "21:00"}), "E_MISSING", "/quietHours/end"),
    (plan(quietHours="21:00"), "E_VALUE", "/quietHours"),
    (plan(autoReply={"action": "wait"}), "E_ENUM", "/autoReply/action"),
    (plan(nodes=[]), "E_VALUE", "/nodes"),
    (plan(nodes=[END] * 61), "E_VALUE", "/nodes"),
    (plan(nodes=[5]), "E_VALUE", "/nodes/0"),
    (plan({"id": "end", "type": "sotp"}), "E_NODE_TYPE", "/nodes/0/type"),
    (plan({"id": "end"}), "E_NODE_TYPE", "/nodes/0/type"),
    (plan({"id": "end", "type": ["stop"]}), "E_NODE_TYPE", "/nodes/0/type"),
    (
        plan({"id": "b", "type": "branch", "cases": [], "otherwise": "b"}),
        "E_VALUE",
        "/nodes/0/cases",
    ),
    (
        plan({"id": "s", "type": "split", "arms": [{"id": "a", "to": "s"}]}),
        "E_VALUE",
        "/nodes/0/arms",
    ),
    (
        plan({"id": "w", "type": "webhook", "endpoint": "https://x.test", "next": "w"}),
        "E_FORMAT",
        "/nodes/0/endpoint",
    ),
    (
        plan(
            {"id": "u", "type": "update", "set": [{"field": "tenant.x", "value": 1}], "next": "u"}
        ),
        "E_FORMAT",
        "/nodes/0/set/0/field",
    ),
    (
        plan(
            {"id": "u", "type": "update", "set": [{"field": "contact.x", "value": []}], "next": "u"}
        ),
        "E_VALUE",
        "/nodes/0/set/0/value",
    ),
]


@pytest.mark.parametrize(("document", "code", "path"), CASES)
def test_each_wrong_shape_has_its_code_and_place(document: object, code: str, path: str) -> None:
    assert (code, path) in issues(document)
    if document != {}:
        assert len(issues(document)) == 1


@pytest.mark.parametrize(
    "duration", ["P1W", "P2W3D", "P3D", "P1DT1S", "PT4H", "PT90M", "PT999999S", "P0D"]
)
def test_durations_of_the_language_are_accepted(duration: str) -> None:
    assert issues(with_mail(schedule={"delay": duration})) == []


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Australia/Lord_Howe", "Etc/GMT+5"])
def test_iana_zones_are_accepted(zone: str) -> None:
    assert issues(plan(timezone=zone)) == []


def test_all_problems_of_a_plan_are_told_at_once_and_sorted_by_place() -> None:
    document = plan(
        mail(channel="fax", colour="red", transitions=[{"on": "opnd", "to": "end"}]),
        {"id": "end", "type": "stop", "outcome": "won"},
        timezone="CET",
        startNodeId=None,
        holidays={"calendars": ["de"]},
    )
    assert issues(document) == [
        ("E_CALENDAR", "/holidays/calendars/0"),
        ("E_ENUM", "/nodes/0/channel"),
        ("E_UNKNOWN_FIELD", "/nodes/0/colour"),
        ("E_EVENT", "/nodes/0/transitions/0/on"),
        ("E_ENUM", "/nodes/1/outcome"),
        ("E_MISSING", "/startNodeId"),
        ("E_TIMEZONE", "/timezone"),
    ]


def test_a_misspelt_field_is_moved_to_the_name_that_was_meant() -> None:
    issue = only(with_transition(afterr="P3D"))
    path = "/nodes/0/transitions/0/after"
    assert (issue.code, issue.path) == ("E_UNKNOWN_FIELD", path + "r")
    assert issue.patch == ({"op": "move", "from": path + "r", "path": path},)
    assert issue.suggestion == 'did you mean "after"?'


def test_a_field_is_not_moved_onto_one_that_is_there() -> None:
    issue = only(with_transition(after="P3D", afterr="P4D"))
    assert issue.patch == ({"op": "remove", "path": "/nodes/0/transitions/0/afterr"},)


def test_a_field_with_a_strange_name_gets_an_escaped_pointer() -> None:
    assert issues(plan(**{"a/b~c": 1})) == [("E_UNKNOWN_FIELD", "/a~1b~0c")]


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (with_transition(on="no_repply"), "no_reply"),
        (with_mail(channel="emial"), "email"),
        (plan({"id": "end", "type": "sotp"}), "stop"),
        (plan(timezone="Europe/Belrin"), "Europe/Berlin"),
    ],
)
def test_a_misspelt_word_is_replaced_by_the_nearest_one(document: object, word: str) -> None:
    issue = only(document)
    assert issue.patch == ({"op": "replace", "path": issue.path, "value": word},)


def test_an_issue_names_its_node() -> None:
    assert only(with_mail(channel="fax")).node == "mail"


def test_a_calendar_of_the_tenant_is_accepted() -> None:
    policy = TenantPolicy.model_validate({"calendars": {"de": ["2026-10-03"]}})
    assert issues(plan(holidays={"calendars": ["de"]}), policy) == []


def test_a_plan_with_endless_problems_gets_an_answer_with_an_end() -> None:
    report = check(plan(**{f"field{index}": 1 for index in range(5000)})).report
    assert len(report.issues) == ISSUES_MAX + 1
    assert report.issues[0].path == ""


def test_long_values_are_cut_in_the_report() -> None:
    assert len(str(only(plan(timezone="x" * 10_000)).got)) < 200
