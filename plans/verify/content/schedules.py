"""When a send is due: jitter in order, and one way to say the time."""

from collections.abc import Iterator

from domain import timing
from domain.ids import NodeId
from domain.timing import parse_duration
from plans.schema.models import Plan, Send
from plans.schema.parts import Jitter, Schedule
from plans.verify.content.places import Sends
from plans.verify.report import Issue, issue


def schedules(plan: Plan, sends: Sends) -> Iterator[Issue]:
    """A jitter whose least is more than its most, and an instant beside a relative time."""
    yield from _jitter("/defaults/jitter", plan.defaults.jitter)
    for at, send in sends:
        path = at + "/schedule"
        if send.schedule.jitter is not None:
            yield from _jitter(path + "/jitter", send.schedule.jitter, send.id)
        if send.schedule.at is not None:
            yield from _conflict(path, send)


def _jitter(path: str, jitter: Jitter, node: NodeId | None = None) -> Iterator[Issue]:
    if parse_duration(jitter.min).nominal_s > parse_duration(jitter.max).nominal_s:
        yield issue(
            "E_JITTER",
            path,
            f"the least jitter, {jitter.min}, is more than the most, {jitter.max}",
            node=node,
            got={"min": jitter.min, "max": jitter.max},
            suggestion="exchange them",
            patch=(
                {"op": "replace", "path": path + "/min", "value": jitter.max},
                {"op": "replace", "path": path + "/max", "value": jitter.min},
            ),
        )


def _conflict(path: str, send: Send) -> Iterator[Issue]:
    beside = list(_relative(send.schedule))
    if beside:
        yield issue(
            "E_SCHEDULE_CONFLICT",
            path + "/at",
            f"an absolute time stands beside {', '.join(beside)}",
            node=send.id,
            got=send.schedule.at,
            suggestion="keep the instant alone, or remove it",
            patch=tuple({"op": "remove", "path": f"{path}/{field}"} for field in beside),
        )


def _relative(schedule: Schedule) -> Iterator[str]:
    if parse_duration(schedule.delay) != timing.Duration():
        yield "delay"
    if schedule.business_days:
        yield "businessDays"
    if schedule.send_at is not None:
        yield "sendAt"
