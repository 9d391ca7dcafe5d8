"""Plans in virtual time: many drawn runs, or one by a script."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from pydantic import Field

from domain.plan import Plan
from handlers.api.calls import Call
from handlers.api.plan_bodies import PlanBody, PlanToCheck, context_of, faults_in, plan_body
from handlers.errors import Fault, NotAcceptable
from handlers.proving import prove
from plans.context import ContactContext
from plans.simulate import (
    RUNS_MAX,
    Course,
    Drawn,
    Line,
    Moment,
    RatesGiven,
    Script,
    Simulation,
    TooMuchWork,
    Trial,
    channels_of,
    guard_values,
    rates_from,
    rates_from_counts,
    simulate,
    timeline,
)
from plans.verify.check import Checked

CONTACTS_MAX = 1_000_000


class PlanToSimulate(PlanToCheck):
    """A plan, what it is checked for, and what it is tried with."""

    runs: int = Field(1000, ge=1, le=RUNS_MAX)
    seed: int = Field(1, ge=0, lt=2**63, description="the same seed has the same answer")
    start: Moment | None = Field(None, description="when everybody starts; by default now")
    rates: RatesGiven | None = Field(
        None, description="over the built-in guesses; by default the tenant's own history counts"
    )
    contacts: int = Field(
        100, ge=1, le=CONTACTS_MAX, description="how many start together, for the load of senders"
    )
    caps: dict[str, Annotated[int, Field(ge=0)]] = Field(
        {}, max_length=100, description="what a sender may send in a day; default: the campaign's"
    )


class PlanToTrace(PlanToCheck):
    """A plan, what it is checked for, and what happens to it."""

    start: Moment | None = Field(None, description="when it starts; by default now")
    script: Script = Field([], description="what happens, each at its instant")


class Trace(msgspec.Struct, frozen=True):
    """The timeline of a script: facts in the order they came, each with its instant."""

    timeline: Sequence[Line]


def read_simulation(raw: bytes) -> PlanBody:
    """The body of a simulation."""
    return plan_body(PlanToSimulate, raw)


def read_trace(raw: bytes) -> PlanBody:
    """The body of a trace."""
    return plan_body(PlanToTrace, raw)


def simulate_plan(call: Call) -> Simulation:
    """What an accepted plan comes to, run by the interpreter for many simulated people."""
    given: PlanToSimulate = call.body.given
    checked, context = _proved(call)
    ports, plan = call.tenant.ports, _runnable(checked)
    trial = Trial(
        start=_start(call, given),
        runs=given.runs,
        seed=given.seed,
        drawn=_drawn(call, given, plan),
        policy=ports.policy,
        values=guard_values(context),
        costs=ports.plan_policy.costs,
        contacts=given.contacts,
        caps=given.caps,
        bounds=checked.report.facts,
    )
    return _simulated(plan, trial)


def trace_plan(call: Call) -> Trace:
    """What an accepted plan does when just these things happen."""
    given: PlanToTrace = call.body.given
    checked, context = _proved(call)
    ports = call.tenant.ports
    course = Course(
        plan=_runnable(checked),
        start=_start(call, given),
        policy=ports.policy,
        values=guard_values(context),
    )
    return Trace(timeline(course, given.script))


def _proved(call: Call) -> tuple[Checked, ContactContext | None]:
    """The accepted plan of the body; one that is refused is not run."""
    read: PlanBody = call.body
    context = context_of(call, read.given)
    if read.plan.issues:
        raise NotAcceptable("the plan cannot be read", faults_in(read.plan.issues))
    checked = prove(call.tenant.ports, read.plan.document, context)
    if not checked.report.ok:
        errors = [each for each in checked.report.issues if each.severity == "error"]
        raise NotAcceptable("the plan is refused", faults_in(errors))
    return checked, context


def _start(call: Call, given: PlanToSimulate | PlanToTrace) -> datetime:
    return (given.start or call.tenant.ports.clock.now()).astimezone(UTC)


def _runnable(checked: Checked) -> Plan:
    assert checked.runnable is not None
    return checked.runnable


def _drawn(call: Call, given: PlanToSimulate, plan: Plan) -> Drawn:
    """Rates as given, else those of the tenant's own history as far as it goes."""
    if given.rates:
        return Drawn(rates_from(given.rates), "given")
    return rates_from_counts(call.tenant.reads.engagement(), channels_of(plan))


def _simulated(plan: Plan, trial: Trial) -> Simulation:
    try:
        return simulate(plan, trial)
    except TooMuchWork as too_much:
        fault = Fault("/runs", "too_much_work", str(too_much))
        raise NotAcceptable("so much is not simulated in one call", [fault]) from None
