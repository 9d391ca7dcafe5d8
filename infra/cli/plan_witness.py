"""Witnesses and facts of a report told so that a person can follow them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from plans.verify.report import Issue

_DAY_S = 86_400
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_UNITS = (("week", "weeks"), ("day", "days"), ("h", "h"), ("min", "min"), ("s", "s"))
_ARROW = " → "

_PATHS: Mapping[str, str] = {
    "E_LOOP_UNBOUNDED": "round and round",
    "E_STUCK": "the way there",
    "E_MAX_SENDS": "a path that sends too often",
    "E_POLICY_LIMIT": "a path beyond the policy",
    "E_MAX_DURATION": "a path that takes too long",
    "E_SPACING": "the way to the next send",
    "E_SEND_AFTER_REPLY": "the way from the reply to a send",
    "E_SEND_AFTER_BOUNCE": "the way from the bounce to a send",
    "E_SMS_OPT_OUT": "a path on which this SMS is the first",
    "E_NO_ANCHOR": "a path without a message before this node",
}
"""What the nodes of a witness are; any other code: a path that shows it."""
_REASONS: Mapping[str, str] = {
    "late": "it is never first: something else has always moved the token on by then",
    "fact": "what this timer would wait for in vain has always happened before",
    "shadowed": "an earlier transition takes every such event",
}
_TOLD = ("events", "path", "nodes", "reason", "cause")


def story(issue: Issue) -> Iterator[str]:
    """The witness of an issue, a sentence or a step a line."""
    witness = issue.witness or {}
    for key in ("reason", "cause"):
        reason = str(witness.get(key) or "")
        if reason and reason not in issue.message:
            yield _REASONS.get(reason, reason)
    yield from _path(issue, witness.get("path") or witness.get("nodes"))
    yield from _steps(issue, witness.get("events"))
    for key, value in witness.items():
        if key not in _TOLD:
            yield f"{_spaced(key)}: {words(value)}"


def _steps(issue: Issue, events: object) -> Iterator[str]:
    steps = [each for each in events if isinstance(each, dict)] if _is_list(events) else []
    if steps and issue.node:
        yield f'counted from when "{issue.node}" starts to wait:'
    for step in steps:
        silenced = f"{_ARROW}silences {step['avoids']}" if step.get("avoids") else ""
        when = clock(step["atSeconds"]) if isinstance(step.get("atSeconds"), int) else ""
        yield f"{when} {step.get('event', '')}{silenced}".strip()
    if issue.code == "E_STUCK":
        yield f'{"then" if steps else "here"} nothing moves "{issue.node}" on, for ever'


def _path(issue: Issue, nodes: object) -> Iterator[str]:
    if _is_list(nodes) and nodes:
        closed = [*nodes, nodes[0]] if issue.code == "E_LOOP_UNBOUNDED" else nodes
        told = _ARROW.join(map(str, closed))
        if told not in issue.message:
            yield f"{_PATHS.get(issue.code, 'a path that shows it')}: {told}"


def clock(seconds: int) -> str:
    """The instant so many seconds after the start of a node: full days and the time of day."""
    days, rest = divmod(seconds, _DAY_S)
    return f"day {days} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


def in_words(duration: str) -> str:
    """A duration such as P2DT4H as 2 days 4 h; any other text as it is."""
    found = _DURATION.fullmatch(duration)
    if found is None or not any(found.groups()):
        return duration
    given = [
        (int(count), unit) for count, unit in zip(found.groups(), _UNITS, strict=True) if count
    ]
    parts = [f"{count} {one if count == 1 else many}" for count, (one, many) in given if count]
    return " ".join(parts) or "no time"


def words(value: object) -> str:
    """A value as people write it: words without quotes, lists without brackets, durations told."""
    if isinstance(value, list | tuple):
        return ", ".join(map(words, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {words(each)}" for key, each in value.items())
    if value is None:
        return ""
    return in_words(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def fact_rows(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The facts of an accepted plan as name and value, the bounds first; none is left out."""
    rest = dict(facts)

    def take(*keys: str) -> list[str]:
        return [words(rest.pop(key, None)) for key in keys]

    least, most, path = take("minSends", "maxSends", "maxSendsPath")
    yield "sends", _range(least, most) + (f": {path.replace(', ', _ARROW)}" if path else "")
    shortest, longest, way = take("minDuration", "maxDuration", "maxDurationPath")
    yield "lasts", _range(shortest, longest) + (f": {way.replace(', ', _ARROW)}" if way else "")
    spacing, near = take("minSpacing", "minSpacingPath")
    between = f": {near.replace(', ', _ARROW)}" if near else ""
    yield "spacing", f"at least {spacing}{between}" if spacing else ""
    yield "open", _open_time(rest.pop("openMinutesPerWeek", None))
    sizes = zip(("nodes", "states", "paths"), take("nodes", "states", "paths"), strict=True)
    yield "size", ", ".join(f"{count} {name}" for name, count in sizes if count)
    yield "loops", _loops(rest.pop("loops", None))
    yield "cost", "".join(f"at most {each}" for each in take("maxCost") if each)
    yield "variables", "".join(take("variables"))
    yield from ((_spaced(key), words(value)) for key, value in rest.items())


def _range(least: str, most: str) -> str:
    return f"{least} to {most}" if least and most and least != most else most or least


def _open_time(minutes: object) -> str:
    if not isinstance(minutes, int):
        return ""
    hours = f" ({minutes / 60:.1f} h)".replace(".0 h", " h")
    return f"{minutes:,} min a week{hours}"


def _loops(loops: object) -> str:
    if not isinstance(loops, dict):
        return ""
    return ", ".join(f"{node} up to {visits} visits" for node, visits in loops.items())


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple)


def _spaced(key: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).lower()
