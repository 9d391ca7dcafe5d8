"""Where two courses part, and a plain sentence why."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Literal

import msgspec

from domain.plan import WATCHING, Plan, Transition
from domain.taxonomy import SYNTHETIC
from plans.what_if.course import Course, Step, Way

Kind = Literal["start", "message", "way", "end"]


class Parting(msgspec.Struct, frozen=True):
    """The first step that differs: its number from 0, by what, and why, for people.

    `start`: they begin at different nodes; `message`: its message leaves at another time, or in one
    course only; `way`: it is left otherwise; `end`: all steps are alike, and the outcomes are not.
    """

    step: int
    kind: Kind
    why: str


def parting_of(happened: Course, other: Course, plan: Plan) -> Parting | None:
    """Where they part; `plan` is the other plan."""
    for number, (one, two) in enumerate(zip_longest(happened.steps, other.steps)):
        if one is None or two is None:
            return _ends(number, happened, other)
        for kind, differ, tell in _LOOKS:
            if differ(one, two):
                return Parting(number, kind, tell(one, two, plan))
    if (happened.outcome, happened.ended_at) != (other.outcome, other.ended_at):
        return _ends(max(len(happened.steps) - 1, 0), happened, other)
    return None


# --- what differs ---------------------------------------------------------------------------------


def _other_place(one: Step, two: Step) -> bool:
    return (one.node, one.visit, one.entered_at) != (two.node, two.visit, two.entered_at)


def _other_message(one: Step, two: Step) -> bool:
    """A message that neither course has sent yet is compared by its due time."""
    if (one.sent_at, one.unsent) != (two.sent_at, two.unsent):
        return True
    return one.sent_at is None and one.unsent is None and one.due_at != two.due_at


def _other_way(one: Step, two: Step) -> bool:
    return one.next != two.next or _on_at(one.left) != _on_at(two.left)


def _on_at(way: Way | None) -> tuple[str, datetime] | None:
    return None if way is None else (way.on, way.at)


# --- why ------------------------------------------------------------------------------------------


def _why_there(one: Step, two: Step, plan: Plan) -> str:
    if one.node not in plan.nodes:
        return (
            f"the other plan has no node {one.node}; it starts at {two.node},"
            f" {when(two.entered_at)}"
        )
    return f"it started at {one.node}; the other plan starts at {two.node}"


def _why_message(one: Step, two: Step, plan: Plan) -> str:  # noqa: ARG001  # one shape for all
    at = f"at {_place(one)}"
    if one.sent_at is not None and two.sent_at is not None:
        late = two.sent_at - one.sent_at
        word = "later" if late > timedelta() else "earlier"
        return (
            f"{at} the message leaves {span(abs(late))} {word} in the other plan:"
            f" {when(two.sent_at)} instead of {when(one.sent_at)}"
        )
    if one.sent_at is not None:
        return f"{at} the message left {when(one.sent_at)}; in the other plan {_unsent(two)}"
    if two.sent_at is not None:
        return f"{at} {_unsent(one)}; in the other plan it leaves {when(two.sent_at)}"
    return f"{at} {_unsent(one)}; in the other plan {_unsent(two)}"


def _unsent(step: Step) -> str:
    """Why a message has not left, for all that is known."""
    due = f"due {when(step.due_at)}" if step.due_at is not None else "planned"
    if step.left is not None and step.due_at is not None and step.left.at < step.due_at:
        return f"it is only {due}: `{step.left.on}` ({when(step.left.at)}) comes before it is sent"
    if step.unsent is not None:
        return f"it is not sent ({step.unsent})"
    return f"it is {due} and not sent yet"


def _why_left(one: Step, two: Step, plan: Plan) -> str:
    was, is_ = _left(one), _left(two)
    return (
        f"at {_place(one)} what happened: {was}; in the other plan: {is_}{_since(one, two, plan)}"
    )


def _left(step: Step) -> str:
    way = step.left
    if way is None:
        return "it waits there still"
    if step.next is None:
        return f"it ends there by `{way.on}` ({when(way.at)})"
    if way.index is None:
        return f"`{way.on}` leads to {step.next} ({when(way.at)})"
    if way.on in ("case", "arm"):
        return f"{way.on} {way.index + 1} leads to {step.next} ({when(way.at)})"
    return f"`{way.on}` ({when(way.at)}) takes transition {way.index + 1} to {step.next}"


def _since(one: Step, two: Step, plan: Plan) -> str:
    """Why the event that moved one course did not move the other, where its plan tells."""
    way = one.left
    if way is None or way.index is None or way.on in ("case", "arm"):
        return ""
    if two.left is not None and two.left.at < way.at:
        return f", before `{way.on}` ({when(way.at)})"
    node = plan.nodes.get(two.node)
    ways = node.transitions if isinstance(node, WATCHING) else ()
    asked = [(index, each) for index, each in enumerate(ways) if each.on == way.on]
    if not asked:
        return f"; it has no transition on `{way.on}` there"
    if two.left is not None and two.left.on == way.on:
        return ""
    if way.on in SYNTHETIC:
        return f"; its `{way.on}` is not due then"
    told = ", ".join(f"{index + 1} ({_asks(each)})" for index, each in asked)
    return f"; its transitions on `{way.on}` do not match: {told}"


def _asks(way: Transition) -> str:
    """What a transition asks besides its word."""
    given = (
        ("within", way.within),
        ("after", way.after),
        ("about", None if way.about == "anchor" else way.about),
        ("urlContains", way.url_tag),
        ("when", way.when),
    )
    return (
        "with " + ", ".join(word for word, value in given if value)
        if any(value for _, value in given)
        else "of the message it watches"
    )


def _ends(number: int, happened: Course, other: Course) -> Parting:
    was, is_ = _end(happened), _end(other)
    return Parting(number, "end", f"what happened: {was}; in the other plan: {is_}")


def _end(course: Course) -> str:
    if course.ended_at is None:
        return "it goes on"
    return f"it ended {course.outcome} by `{course.reason}` ({when(course.ended_at)})"


_LOOKS: tuple[tuple[Kind, Callable[[Step, Step], bool], Callable[[Step, Step, Plan], str]], ...] = (
    ("start", _other_place, _why_there),
    ("message", _other_message, _why_message),
    ("way", _other_way, _why_left),
)
"""By what two steps may differ, in the order in which it shows."""


# --- words ----------------------------------------------------------------------------------------


def _place(step: Step) -> str:
    return step.node if step.visit == 1 else f"{step.node} (visit {step.visit})"


def when(at: datetime) -> str:
    """An instant for people, in UTC."""
    time = f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
    return f"{_DAYS[at.weekday()]} {at:%Y-%m-%d} {time}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def span(time: timedelta) -> str:
    """A length of time for people: its two largest parts."""
    seconds = int(time.total_seconds())
    parts = []
    for word, unit in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, unit)
        if count:
            parts.append(f"{count} {word}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "less than a second"
