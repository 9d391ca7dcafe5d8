"""A writer of plans behind a language model of the user's choice; it has no tools."""

import asyncio
import weakref
from typing import TYPE_CHECKING

from typing_extensions import override

from handlers.ports.writer import Assignment, Draft, PlanWriter
from handlers.writing.prompts import instructions, request

if TYPE_CHECKING:  # it is optional, and half a second to load
    from pydantic_ai.models import Model

TIME_S = 300.0
"""For one answer of the model, with all its tries."""


class ModelsMissing(Exception):
    """pydantic-ai is not installed."""


class ModelUnusable(Exception):
    """There is no such model, or no key for it."""


class ModelFailed(Exception):
    """The model did not answer."""


class ModelWriter(PlanWriter):
    """Asks a model by its name, such as anthropic:..., or by what pydantic-ai made of one."""

    def __init__(self, model: "str | Model") -> None:
        try:
            from pydantic_ai import Agent, models  # noqa: PLC0415  # optional
            from pydantic_ai.exceptions import UserError  # noqa: PLC0415  # as above
        except ImportError:
            raise ModelsMissing(
                "asking a model needs pydantic-ai: pip install 'antiphon[ai]'; "
                "a sequence (--sequence FILE) needs nothing"
            ) from None
        try:
            found = models.infer_model(model)
        except (UserError, ImportError, ValueError) as error:
            raise ModelUnusable(f"the model {model}: {error}") from None
        self._name = model if isinstance(model, str) else found.model_name
        self._agent = Agent(found, output_type=str, instructions=instructions())
        # one loop for all rounds, as clients are kept with theirs; `run_sync` never closes its own
        self._runner = asyncio.Runner()
        weakref.finalize(self, self._runner.close)

    @property
    @override
    def name(self) -> str:
        return self._name

    @override
    def write(self, assignment: Assignment) -> Draft:
        from pydantic_ai.exceptions import AgentRunError, UserError  # noqa: PLC0415  # as above

        asked = request(assignment)
        try:
            answered = self._runner.run(self._agent.run(asked, timeout=TIME_S))
        except (AgentRunError, UserError) as error:
            raise ModelFailed(_told(self._name, error)) from None
        return Draft(answered.output, f"{instructions()}\n\n{asked}")


def _told(name: str, error: Exception) -> str:
    """The kind of the failure and no words of the provider: it may quote what it was asked."""
    status = getattr(error, "status_code", None)
    kind = type(error).__name__
    return f"{name} did not answer: {kind}{f' ({status})' if status else ''}; is its key right?"
