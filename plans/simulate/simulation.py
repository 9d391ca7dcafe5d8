"""Many runs of one plan in virtual time, and what they come to."""

from collections.abc import Callable, Mapping

from domain.plan import Plan
from plans.context import ContactContext
from plans.simulate.chance import Chance
from plans.simulate.people import habits
from plans.simulate.result import Simulation, Trial, result
from plans.simulate.run import Course, Run
from plans.simulate.tally import Tally

RUNS_MAX = 10_000
FACTS_MAX = 400_000
"""Facts that all runs may come to, which is what they cost: some seconds on one core."""
SAMPLE = 50
"""Runs after which the cost of all is known well enough."""

_TELL_EACH = 50

Tell = Callable[[int], None]


class TooMuchWork(ValueError):
    """So many runs of so long a plan are not simulated in one go."""


def simulate(plan: Plan, trial: Trial, tell: Tell | None = None) -> Simulation:
    """Run the plan for so many contacts; the same arguments give the same answer.

    Each run has its own row of throws, so the first runs are the same for any number of them.
    `tell` hears how many runs are done. Raises TooMuchWork beyond RUNS_MAX or FACTS_MAX.
    """
    if trial.runs > RUNS_MAX:
        raise TooMuchWork(f"at most {RUNS_MAX} runs; got {trial.runs}")
    course = Course(plan=plan, start=trial.start, policy=trial.policy, values=trial.values)
    drawn, tally = habits(plan, trial.drawn.rates), Tally(plan)
    for number in range(trial.runs):
        people = drawn.contact(Chance(trial.seed, number))
        run = Run(course, f"simulated:{trial.seed}:{number}", people)
        run.finish()
        tally.add(run.state, run.facts)
        if tally.runs == SAMPLE:
            _refuse_too_much(tally.facts, trial.runs)
        if tell is not None and tally.runs % _TELL_EACH == 0:
            tell(tally.runs)
    return result(plan, trial, tally)


def _refuse_too_much(facts: int, runs: int) -> None:
    most = FACTS_MAX * SAMPLE // facts
    if runs > most:
        raise TooMuchWork(
            f"at most {most} runs of this plan, which takes {facts // SAMPLE} facts a run;"
            f" got {runs}"
        )


def guard_values(context: ContactContext | None) -> Mapping[str, object]:
    """The dotted fields that guards may read, from a contact context."""
    found = context.vars if context else {}
    return {
        f"{owner}.{key}": value
        for owner in ("contact", "company")
        if isinstance(found.get(owner), dict)
        for key, value in found[owner].items()
    }
