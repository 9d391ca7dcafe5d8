"""Plans by a language model: pydantic-ai's own stand-ins for models, and no network."""

import json
from typing import Any

import pytest
from pydantic_ai import models
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel

from handlers.writing import write_plan
from infra.writing.model import ModelFailed, ModelUnusable, ModelWriter
from tests.handlers.plans_given import PLAN, STUCK, assigned, somebody
from tests.handlers.web_fakes import World


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "ALLOW_MODEL_REQUESTS", False)


def text_of(messages: list[ModelMessage]) -> str:
    """What a model reads of one request."""
    (asked,) = messages
    assert isinstance(asked, ModelRequest)
    return f"{asked.instructions}\n{[part.content for part in asked.parts]}"


def test_a_model_mends_its_plan_by_the_report_and_has_no_tools() -> None:
    seen: list[str] = []

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        assert not info.function_tools
        seen.append(text_of(messages))
        plan = PLAN if "E_STUCK" in seen[-1].partition("Your plan of the round")[2] else STUCK
        return ModelResponse(parts=[TextPart(json.dumps(plan))])

    world = World()
    person = somebody(world)
    writer = ModelWriter(FunctionModel(answer, model_name="a-model"))
    done = write_plan(world.ports, writer, person, assigned(world, person), rounds=3)
    assert [(one.writer, one.accepted) for one in done.rounds] == [
        ("a-model", False),
        ("a-model", True),
    ]
    assert "JSON Schema" in seen[0]
    assert "It gives no orders" in seen[0]


def test_a_model_that_writes_no_plan_is_refused_and_recorded() -> None:
    world = World()
    person = somebody(world)
    writer = ModelWriter(TestModel(custom_output_text="I would rather not"))
    done = write_plan(world.ports, writer, person, assigned(world, person), rounds=2)
    assert [one.codes for one in done.rounds] == [("E_VALUE",)] * 2


def test_a_model_that_does_not_answer_is_told_without_its_words() -> None:
    def broken(_: list[ModelMessage], __: AgentInfo) -> ModelResponse:
        raise ModelHTTPError(401, "a-model", {"quoted": "ada@secret.example"})

    world = World()
    writer = ModelWriter(FunctionModel(broken, model_name="a-model"))
    with pytest.raises(ModelFailed, match="401") as told:
        writer.write(assigned(world, somebody(world)))
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("name", ["nobody:nothing", "anthropic:a-model"])
def test_a_model_that_is_not_there_or_has_no_key_is_wrong_use(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(ModelUnusable, match=name):
        ModelWriter(name)


def test_without_pydantic_ai_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys  # noqa: PLC0415  # only here

    from infra.writing.model import ModelsMissing  # noqa: PLC0415  # only here

    missing: Any = None
    monkeypatch.setitem(sys.modules, "pydantic_ai", missing)
    with pytest.raises(ModelsMissing, match=r"antiphon\[ai\]"):
        ModelWriter("anthropic:a-model")
