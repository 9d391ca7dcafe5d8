"""The part of the table of the API that is about plans as such; nothing of it changes anything."""

from typing import Any

from handlers.api import plan_calls, simulation_calls
from handlers.api.calls import Body, Operation
from handlers.api.plan_bodies import PlanToCheck
from plans.simulate import Simulation
from plans.verify.report import Report

PLANS = (
    Operation(
        method="POST",
        path="/v1/plans/check",
        does="Check a plan; 200 with the report whether it is accepted or not",
        perform=plan_calls.check_plan,
        answers=Report,
        body=Body(read=plan_calls.read_check, model=PlanToCheck),
        asks=True,
    ),
    Operation(
        method="GET",
        path="/v1/plans/schema",
        does="The JSON Schema of the plan language",
        perform=plan_calls.schema,
        answers=dict[str, Any],
        query=plan_calls.Kind,
    ),
    Operation(
        method="POST",
        path="/v1/plans/simulate",
        does="Run an accepted plan for many simulated people",
        perform=simulation_calls.simulate_plan,
        answers=Simulation,
        body=Body(read=simulation_calls.read_simulation, model=simulation_calls.PlanToSimulate),
        asks=True,
        at_once=2,
    ),
    Operation(
        method="POST",
        path="/v1/plans/trace",
        does="Run an accepted plan by a script of what happens",
        perform=simulation_calls.trace_plan,
        answers=simulation_calls.Trace,
        body=Body(read=simulation_calls.read_trace, model=simulation_calls.PlanToTrace),
        asks=True,
        at_once=2,
    ),
    Operation(
        method="POST",
        path="/v1/plans/graph",
        does="Draw a plan",
        perform=plan_calls.draw_plan,
        answers=plan_calls.Drawing,
        body=Body(read=plan_calls.read_drawing, model=plan_calls.PlanToDraw),
        asks=True,
    ),
)
