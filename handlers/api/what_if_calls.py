"""What would have happened under another plan."""

from typing import Any

import msgspec

from domain.ids import StreamId
from domain.lifecycle import Stage
from handlers.api.bodies import checked, cut_out, fields_of
from handlers.api.calls import Call, Given
from handlers.errors import Fault, NotAcceptable, NotHere
from handlers.what_if import Compared, compare
from plans.intake import Submitted
from plans.verify.report import refused


class OtherPlan(Given):
    """The plan that the recorded history is run against."""

    plan: Any = None


class WhatIfBody(msgspec.Struct, frozen=True):
    """The body of a what-if."""

    plan: Submitted


def read_what_if(raw: bytes) -> WhatIfBody:
    """The body of a what-if."""
    fields = fields_of(raw)
    if "plan" not in fields:
        fault = Fault("/plan", "missing", "give the plan")
        raise NotAcceptable("the body cannot be taken", [fault])
    values, submitted = cut_out(fields)
    checked(OtherPlan, values)
    return WhatIfBody(submitted)


def do_what_if(call: Call) -> Compared:
    """The recorded history against another plan, side by side with what happened."""
    read: WhatIfBody = call.body
    ports, stream = call.tenant.ports, StreamId(call.id)
    if read.plan.issues:
        if ports.campaigns.load(stream).stage == Stage.NONE:
            raise NotHere("no contact-campaign has this id")
        return Compared("refused", stream, report=refused(*read.plan.issues))
    return compare(ports, call.tenant.history, stream, read.plan.document)
