"""Plans from a sequence: steps with their delays and texts, filled from a brief; no model asked."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from domain.taxonomy import FAMILY_OF, Channel
from handlers.ports.writer import Assignment, Before, Draft, PlanWriter
from plans.patch import patched
from plans.schema.parts import QuietHours, Window
from plans.schema.scalars import Duration

STEPS_MAX = 20
_VARIABLE = re.compile(r"\{\{\s*brief\.([a-z][a-z0-9_]*)\s*\}\}")
_LINE = re.compile(r"([a-z][a-z0-9_]*)\s*:\s*(.*)")
END = "end"


class BriefLacks(Exception):
    """The sequence needs something that the brief does not say."""


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Given):
    """One message: how long after the one before nobody answered, on which channel, which words.

    A mail without a subject answers the first mail of the sequence.
    """

    delay: Duration = "P3D"
    channel: Channel = Channel.EMAIL
    subject: str | None = None
    text: str


class Sequence(_Given):
    """Messages one after the other until somebody answers; texts are Liquid, with `brief.x`."""

    timezone: str | None = None
    window: Window | None = None
    quiet_hours: QuietHours | None = None
    patience: Duration = "P7D"
    """How long after the last message a reply is waited for."""
    steps: Annotated[list[Step], Field(min_length=1, max_length=STEPS_MAX)]


class SequenceWriter(PlanWriter):
    """Writes the same plan for the same contact and brief; then applies the patches of reports."""

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence

    @property
    @override
    def name(self) -> str:
        return "sequence"

    @override
    def write(self, assignment: Assignment) -> Draft:
        before = assignment.before
        plan = _first(self._sequence, assignment) if before is None else _mended(before)
        prompt = self._sequence.model_dump_json() + assignment.brief
        return Draft(json.dumps(plan, ensure_ascii=False), prompt)


def brief_values(brief: str) -> Mapping[str, str]:
    """The lines `name: words` of a brief, and all of it as `text`."""
    found = (_LINE.fullmatch(line.strip()) for line in brief.splitlines())
    return {"text": brief.strip(), **{each[1]: each[2] for each in found if each}}


def _first(sequence: Sequence, assignment: Assignment) -> dict[str, Any]:
    """The steps on channels that the contact has, as nodes one after the other."""
    there = assignment.context.channels
    steps = [one for one in sequence.steps if FAMILY_OF[one.channel].value in there]
    values = brief_values(assignment.brief)
    _require(sequence.steps, values)
    zone = sequence.timezone or assignment.context.vars.get("contact", {}).get("timezone")
    shared = sequence.model_dump(by_alias=True, exclude_none=True, include={"window"})
    quiet = sequence.quiet_hours
    return {
        "timezone": zone or "UTC",
        **shared,
        **({"quietHours": quiet.model_dump(by_alias=True)} if quiet else {}),
        "limits": {"maxSends": max(len(steps), 1)},
        "startNodeId": _id(0) if steps else END,
        "nodes": [*_nodes(steps, sequence.patience, values), _STOP],
    }


_STOP = {"id": END, "type": "stop", "outcome": "no_response"}


def _nodes(steps: list[Step], patience: str, values: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    first_mail = next((i for i, one in enumerate(steps) if one.channel == "email"), None)
    for index, one in enumerate(steps):
        last = index + 1 == len(steps)
        after = patience if last else steps[index + 1].delay
        way = {"on": "no_reply", "after": after, "to": END if last else _id(index + 1)}
        message = {"text": _filled(one.text, values)}
        if one.subject is not None:
            message["subject"] = _filled(one.subject, values)
        elif one.channel == "email" and first_mail is not None and index > first_mail:
            message["replyTo"] = _id(first_mail)
        yield {
            "id": _id(index),
            "type": "send",
            "channel": one.channel,
            "message": message,
            "transitions": [way],
        }


def _mended(before: Before) -> Any:  # noqa: ANN401  # a JSON value
    """The plan after the patches of its report, each that still leads somewhere."""
    plan = before.plan
    for each in before.report.issues:
        try:
            plan = patched(plan, each.patch or ())
        except LookupError:
            continue
    return plan


def _require(steps: Iterable[Step], values: Mapping[str, str]) -> None:
    """Raise BriefLacks with all that no line of the brief says."""
    texts = [text for one in steps for text in (one.subject, one.text) if text]
    named = [name for text in texts for name in _VARIABLE.findall(text)]
    missing = [name for name in dict.fromkeys(named) if name not in values]
    if missing:
        lines = ", ".join(f"`{name}: ...`" for name in missing)
        raise BriefLacks(f"the sequence needs these lines in the brief: {lines}")


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values[found[1]], text)


def _id(index: int) -> str:
    return f"step_{index + 1}"
