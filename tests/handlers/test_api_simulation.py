"""Simulations and traces as the API carries them out."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.taxonomy import Channel
from handlers.api.calls import Call
from handlers.api.simulation_calls import (
    read_simulation,
    read_trace,
    simulate_plan,
    trace_plan,
)
from handlers.errors import NotAcceptable, NotHere
from plans.simulate import RUNS_MAX, Counts
from tests.handlers.web_fakes import KEYS, NOON, World

PLAN = {
    "timezone": "UTC",
    "startNodeId": "hello",
    "nodes": [
        {
            "id": "hello",
            "type": "send",
            "channel": "email",
            "message": {"subject": "Hello", "text": "Hello there"},
            "transitions": [
                {"on": "replied", "to": "end"},
                {"on": "timeout", "after": "P3D", "to": "end"},
            ],
        },
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ],
}


@pytest.fixture
def world() -> World:
    return World()


def a_call(world: World, read: Any, **body: Any) -> Call:
    return Call(
        services=world.services,
        tenant=world.tenant,
        holder=KEYS["key-admin"],
        request_id=UUID(int=9),
        path={},
        body=read(json.dumps({"plan": PLAN, **body}).encode()),
    )


def simulated(world: World, **body: Any) -> Any:
    answer = simulate_plan(a_call(world, read_simulation, **body))
    return json.loads(msgspec.json.encode(answer))


def refusal(world: World, read: Any, perform: Any, **body: Any) -> NotAcceptable:
    with pytest.raises(NotAcceptable) as refused:
        perform(a_call(world, read, **body))
    return refused.value


def test_a_plan_is_simulated_from_now_on_with_built_in_rates(world: World) -> None:
    answer = simulated(world, runs=100, seed=7)
    assert (answer["runs"], answer["seed"], answer["ratesSource"]) == (100, 7, "built_in")
    assert answer["start"] == NOON.isoformat().replace("+00:00", "Z")
    assert answer["planHash"].startswith("sha256:")
    assert sum(answer["outcomes"].values()) == pytest.approx(1.0)
    assert answer["bounds"]["maxSends"] == 1
    assert simulated(world, runs=100, seed=7) == answer


def test_rates_start_contacts_and_caps_are_taken(world: World) -> None:
    answer = simulated(
        world,
        runs=100,
        start="2026-06-01T09:00:00+02:00",
        rates={"channels": {word: {"refused": 1} for word in Channel}},
        contacts=10,
        caps={"default": 5},
    )
    assert (answer["ratesSource"], answer["outcomes"]) == ("given", {"undeliverable": 1.0})
    assert (answer["start"], answer["contacts"], answer["load"]) == ("2026-06-01T07:00:00Z", 10, [])


def test_a_refused_plan_is_not_run(world: World) -> None:
    plan = {**PLAN, "startNodeId": "gone"}
    told = refusal(world, read_simulation, simulate_plan, plan=plan)
    assert told.errors[0].pointer == "/plan/startNodeId"
    told = refusal(world, read_trace, trace_plan, plan=plan)
    assert told.errors[0].pointer == "/plan/startNodeId"


def test_a_contact_that_is_not_there_is_said(world: World) -> None:
    with pytest.raises(NotHere):
        simulated(world, contact_id=str(UUID(int=1)))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"runs": RUNS_MAX + 1}, "/runs"),
        ({"runs": 0}, "/runs"),
        ({"seed": -1}, "/seed"),
        ({"start": "2026-06-01"}, "/start"),
        ({"start": "9999-12-31T00:00:00Z"}, "/start"),
        ({"rates": {"channels": {"email": {"open": 2}}}}, "/rates/channels/email/open"),
        ({"caps": {"default": -1}}, "/caps/default"),
        ({"run": 5}, "/run"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_place(
    world: World, body: dict[str, Any], pointer: str
) -> None:
    told = refusal(world, read_simulation, simulate_plan, **body)
    assert [fault.pointer for fault in told.errors] == [pointer]


def test_too_much_work_is_refused_with_what_would_be_done(world: World) -> None:
    nodes: list[Any] = [
        {
            **PLAN["nodes"][0],  # type: ignore[dict-item]  # a node
            "id": f"s{number}",
            "transitions": [
                {"on": "timeout", "after": "P2D", "to": f"s{number + 1}" if number < 29 else "end"}
            ],
        }
        for number in range(30)
    ]
    plan = {
        **PLAN,
        "startNodeId": "s0",
        "nodes": [*nodes, PLAN["nodes"][1]],
        "limits": {"maxSends": 30, "maxDuration": "P90D"},
    }
    nothing = {
        "channels": {
            "email": dict.fromkeys(
                (
                    "bounce",
                    "open",
                    "reply",
                    "click",
                    "unsubscribe",
                    "spam",
                    "meeting",
                    "autoReply",
                    "refused",
                ),
                0,
            )
        }
    }
    told = refusal(world, read_simulation, simulate_plan, plan=plan, runs=RUNS_MAX, rates=nothing)
    assert [(fault.pointer, fault.code) for fault in told.errors] == [("/runs", "too_much_work")]


def test_a_script_is_answered_by_its_timeline(world: World) -> None:
    script = [{"at": "2026-03-03T12:00:00Z", "event": "replied"}]
    trace = trace_plan(a_call(world, read_trace, script=script))
    facts = [line["fact"] for line in trace.timeline]
    assert facts[-4:] == ["signal_recorded", "signal_recorded", "transition_taken", "completed"]


def test_a_script_with_a_word_of_no_language_is_refused(world: World) -> None:
    script = [{"at": "2026-03-03T12:00:00Z", "event": "answered"}]
    told = refusal(world, read_trace, trace_plan, script=script)
    assert told.errors
    assert {fault.pointer for fault in told.errors} == {"/script/0/event"}


def test_a_tenant_with_a_history_is_simulated_by_its_own_rates(world: World) -> None:
    world.tables.engaged[Channel.EMAIL] = Counts(sends=400, contacts=400, bounce=400)
    answer = simulated(world, runs=50, seed=7)
    assert (answer["ratesSource"], answer["sampleSize"]) == ("history", {"email": 400})
    assert answer["outcomes"] == {"bounced": 1.0}


def test_rates_that_are_given_go_before_the_history(world: World) -> None:
    world.tables.engaged[Channel.EMAIL] = Counts(sends=400, contacts=400, bounce=400)
    given = simulated(world, runs=50, rates={"channels": {"email": {"bounce": 0.0}}})
    assert given["ratesSource"] == "given"
    assert "bounced" not in given["outcomes"]
