"""What would have happened under another plan."""

from typing import Any

from domain.ids import StreamId
from domain.lifecycle import Stage
from handlers.api.calls import Call, Given
from handlers.api.plan_bodies import PlanBody, plan_body
from handlers.errors import NotHere
from handlers.what_if import Compared, compare
from plans.verify.report import refused


class OtherPlan(Given):
    """The plan that the recorded history is run against."""

    plan: Any = None


def read_what_if(raw: bytes) -> PlanBody:
    """The body of a what-if."""
    return plan_body(OtherPlan, raw)


def do_what_if(call: Call) -> Compared:
    """The recorded history against another plan, side by side with what happened."""
    read: PlanBody = call.body
    ports, stream = call.tenant.ports, StreamId(call.id)
    if read.plan.issues:
        if ports.campaigns.load(stream).stage == Stage.NONE:
            raise NotHere("no contact-campaign has this id")
        return Compared("refused", stream, report=refused(*read.plan.issues))
    return compare(ports, call.tenant.history, stream, read.plan.document)
