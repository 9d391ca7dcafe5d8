"""A tool: what it takes and answers, who may use it, and how its arguments are read."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from handlers.access import KeyHolder, require
from handlers.api.bodies import checked
from handlers.api.calls import Call, Given
from handlers.api.plan_bodies import PlanBody
from handlers.errors import Fault, NotAcceptable
from handlers.mcp.rights import permission_of
from handlers.services import Services, TenantServices
from plans.intake import Submitted, faults, read_json

PLAN = "plan"


class Caller(msgspec.Struct, frozen=True):
    """Who uses a tool, in which request."""

    holder: KeyHolder
    tenant: TenantServices
    request_id: UUID


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table of tools."""

    name: str
    does: str
    takes: type[Given]
    perform: Callable[[Call], Any]
    answers: str
    changes: bool = False
    at_once: int | None = None
    """How many a process carries out at a time, where each takes seconds; others wait."""

    def use(self, services: Services, caller: Caller, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401  # what the tool answers
        """Carry it out for a caller who may; raises what the API would raise."""
        require(caller.holder, permission_of(self.name))
        call = Call(
            services=services,
            tenant=caller.tenant,
            holder=caller.holder,
            request_id=caller.request_id,
            path={},
            body=self.read(arguments),
        )
        return self.perform(call)

    def read(self, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401  # its own model
        """The checked arguments; a plan among them goes through the front door of plans."""
        others = {name: value for name, value in arguments.items() if name != PLAN}
        broken = [Fault(each.path, "value", each.message) for each in faults(others)]
        if broken:
            raise NotAcceptable("the arguments cannot be taken", broken)
        given = checked(self.takes, others, part="arguments")
        if PLAN not in self.takes.model_fields:
            return given
        if arguments.get(PLAN) is None:
            fault = Fault(f"/{PLAN}", "missing", "give the plan")
            raise NotAcceptable("the arguments cannot be taken", [fault])
        return PlanBody(submitted(arguments[PLAN]), given)


def submitted(plan: object) -> Submitted:
    """A plan as an argument has it: a JSON value, or the text of one."""
    if isinstance(plan, str):
        return read_json(plan.encode("utf-8", "surrogatepass"))
    issues = tuple(faults(plan))
    return Submitted(issues=issues) if issues else Submitted(document=plan)
