"""Small plans for the tests of the timed check, and what it says about them."""

from typing import Any

from plans.context import TenantPolicy
from plans.verify.check import check
from plans.verify.report import Issue, Report
from plans.verify.resume import Resume
from tests.plans.plan_cases import Json, plan

NARROW: dict[str, Any] = {
    "timezone": "America/Los_Angeles",
    "quietHours": {"start": "21:00", "end": "07:30"},
    "window": {"start": "08:30", "end": "17:30"},
}
"""A zone with changes of the clock, and weekends that are closed for 63 hours."""
END = {"id": "end", "type": "stop"}


def on(word: str, to: str = "end", after: str | None = None, **fields: Json) -> dict[str, Any]:
    return {"on": word, "to": to, **({"after": after} if after else {}), **fields}


def mail(name: str, *ways: dict[str, Any], **fields: Json) -> dict[str, Any]:
    message = {"subject": "Hello", "text": "Look: https://example.test/a"}
    node = {"id": name, "type": "send", "channel": "email", "message": message}
    return {**node, "transitions": list(ways), **fields}


def sms(name: str, *ways: dict[str, Any], text: str = "Hi. STOP ends", **f: Json) -> dict[str, Any]:
    return mail(name, *ways, channel="sms", message={"text": text}, **f)


def linkedin(name: str, *ways: dict[str, Any], **fields: Json) -> dict[str, Any]:
    return mail(name, *ways, channel="linkedin_message", message={"text": "Hi"}, **fields)


def wait(name: str, *ways: dict[str, Any], **fields: Json) -> dict[str, Any]:
    return {"id": name, "type": "wait", "transitions": list(ways), **fields}


def task(name: str, *ways: dict[str, Any], **fields: Json) -> dict[str, Any]:
    return {"id": name, "type": "task", "title": "Look", "transitions": list(ways), **fields}


def branch(name: str, otherwise: str, *cases: tuple[str, str, str]) -> dict[str, Any]:
    """Cases are (field, op, target)."""
    listed = [{"when": {"all": [{"field": field, "op": op}]}, "to": to} for field, op, to in cases]
    return {"id": name, "type": "branch", "cases": listed, "otherwise": otherwise}


def report(
    *nodes: dict[str, Any],
    policy: TenantPolicy | None = None,
    resume: Resume | None = None,
    **fields: Json,
) -> Report:
    listed = nodes if any(node["type"] == "stop" for node in nodes) else (*nodes, END)
    return check(plan(*listed, **fields), policy=policy, resume=resume).report


def found(*nodes: dict[str, Any], **more: Json) -> tuple[Issue, ...]:
    """The errors."""
    issues = report(*nodes, **more).issues
    return tuple(each for each in issues if each.severity == "error")


def errors(*nodes: dict[str, Any], **more: Json) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in found(*nodes, **more)]


def facts(*nodes: dict[str, Any], **more: Json) -> Json:
    made = report(*nodes, **more).facts
    assert made is not None
    return made


def one(*nodes: dict[str, Any], **more: Json) -> Issue:
    """The only error."""
    (issue,) = found(*nodes, **more)
    return issue


def witness(issue: Issue) -> Json:
    assert issue.witness is not None
    return issue.witness
