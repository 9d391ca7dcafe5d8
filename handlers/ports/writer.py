"""Who writes plans: a language model, or a template; it writes, and decides nothing."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from plans.context import ContactContext
from plans.verify.report import Report


class Before(msgspec.Struct, frozen=True):
    """What the round before came to: what was written, its canonical form if any, its report."""

    text: str
    plan: Any
    report: Report


class Assignment(msgspec.Struct, frozen=True):
    """What is to be written: the words of the tenant are orders, those of the context are data."""

    brief: str
    context: ContactContext
    policy: Mapping[str, Any]
    before: Before | None = None


class Draft(msgspec.Struct, frozen=True):
    """What was written, and from which words; nobody has looked at it yet."""

    text: str
    prompt: str


class PlanWriter(Protocol):
    """Writes a plan as JSON text."""

    @property
    def name(self) -> str:
        """What the record of a round calls it."""
        ...

    def write(self, assignment: Assignment) -> Draft:
        """A draft; whatever it is, its check answers."""
        ...
