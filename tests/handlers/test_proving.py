"""What a tenant has is looked up once for all plans of a call, and its answer is the same."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

from handlers.ports import TenantPorts
from handlers.proving import Prover, acceptance, prove
from plans.context import TenantPolicy

MAIL: dict[str, Any] = {
    "id": "mail",
    "type": "send",
    "channel": "email",
    "sender": "sam",
    "message": {"subject": "Hello", "text": "Hi"},
    "transitions": [{"on": "no_reply", "after": "P3D", "to": "call"}],
}
END: dict[str, Any] = {"id": "end", "type": "stop"}


def plan(endpoint: str = "crm", sender: str = "sam", text: str = "Hi") -> dict[str, Any]:
    call = {"id": "call", "type": "webhook", "endpoint": endpoint, "next": "end"}
    mail = {**MAIL, "sender": sender, "message": {"subject": "Hello", "text": text}}
    return {
        "timezone": "UTC",
        "holidays": {"calendars": ["US"]},
        "startNodeId": "mail",
        "nodes": [mail, call, END],
    }


class Town:
    """The endpoints, senders and calendars of a tenant; counts how often each is asked for."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def named(self, names: Iterable[str]) -> Mapping[str, Any]:
        self.asked["endpoints"] += 1
        return {name: None for name in names if name == "crm"}

    def senders(self) -> Mapping[str, Any]:
        self.asked["senders"] += 1
        return {"sam": None}

    def rows(self) -> Sequence[Any]:
        return []

    def dates(self, name: str, since: date, until: date) -> Sequence[date] | None:
        self.asked["calendars"] += 1
        return [date(2026, 11, 26)] if name == "US" and since < until else None

    def now(self) -> datetime:
        return datetime(2026, 11, 20, tzinfo=UTC)

    def ports(self) -> TenantPorts:
        ports = SimpleNamespace(
            plan_policy=TenantPolicy(),
            endpoints=self,
            vault=self,
            accounts=self,
            calendars=self,
            clock=self,
        )
        return cast("TenantPorts", ports)


def test_many_plans_of_one_call_ask_once() -> None:
    town = Town()
    prover = Prover(town.ports())
    for text in ("a", "b", "c", "a"):
        assert prover.prove(plan(text=text)).report.ok
    assert town.asked == Counter(endpoints=1, senders=1, calendars=1)


def test_each_plan_is_told_what_the_tenant_lacks_of_it() -> None:
    prover = Prover(Town().ports())
    for document, paths in [
        (plan(), []),
        (plan(endpoint="erp"), ["/nodes/1/endpoint"]),
        (plan(sender="ann"), ["/nodes/0/sender"]),
        (plan(), []),
    ]:
        found = prover.prove(document).report
        assert [each.path for each in found.issues] == paths
        assert found == prove(Town().ports(), document).report


def test_contacts_of_one_plan_share_what_it_is_accepted_with() -> None:
    prover = Prover(Town().ports())
    one, other = (prover.prove(plan()) for _ in range(2))
    assert prover.accept(one) is prover.accept(other)
    assert prover.accept(one) == acceptance(one)
    assert prover.accept(prover.prove(plan(text="b"))).plan.hash != prover.accept(one).plan.hash


def test_what_is_accepted_has_the_dates_of_its_calendars() -> None:
    taken = acceptance(prove(Town().ports(), plan()))
    assert taken.plan.holidays == (date(2026, 11, 26),)
