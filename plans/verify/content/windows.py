"""Sends have open time: each window, less the quiet hours, leaves room in the week."""

from collections.abc import Iterator

from domain.ids import NodeId
from domain.plan import Plan as CompiledPlan
from domain.plan import Send as CompiledSend
from domain.timing import Hours, open_minutes
from plans.schema.models import Plan, Send
from plans.verify.content.places import Sends
from plans.verify.report import Issue, issue

NARROW_MINUTES = 30
"""An open stretch shorter than this is missed by a small delay, and leaves no room for jitter."""
_WEEK = range(7)


def windows(plan: Plan, compiled: CompiledPlan, sends: Sends) -> Iterator[Issue]:
    """Open time that is empty or narrow, once for each place that it is said at."""
    seen: set[str] = set()
    for at, send in sends:
        path = _said_at(plan, at, send)
        if path is not None and path not in seen:
            seen.add(path)
            running = compiled.nodes[send.id]
            assert isinstance(running, CompiledSend)
            node = None if send.schedule.window is None else send.id
            yield from _open_time(path, running.hours, node)


def _said_at(plan: Plan, at: str, send: Send) -> str | None:
    """What decides when this node sends; None when it may send at any time."""
    if send.schedule.window is not None:
        return at + "/schedule/window"
    if plan.window is not None:
        return "/window"
    return None if plan.quiet_hours is None else "/quietHours"


def _open_time(path: str, hours: Hours, node: NodeId | None) -> Iterator[Issue]:
    longest = max(
        (end - start for day in _WEEK for start, end in open_minutes(day, hours)), default=0
    )
    if not longest:
        yield issue(
            "E_WINDOW_EMPTY",
            path,
            "no minute of the week is open",
            node=node,
            suggestion="let the window end later on the day than it starts, outside quiet hours",
        )
    elif longest < NARROW_MINUTES:
        yield issue(
            "W_WINDOW_NARROW",
            path,
            f"at most {longest} minutes are open at a stretch",
            node=node,
            expected=NARROW_MINUTES,
            got=longest,
            suggestion="widen it",
        )
