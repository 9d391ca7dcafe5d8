"""Simulation of a plan: the interpreter in virtual time, with drawn or scripted events."""

from plans.simulate.history import Counts, Drawn, rates_from_counts
from plans.simulate.people import channels_of
from plans.simulate.rates import BUILT_IN, Rates
from plans.simulate.rates_given import RatesGiven, rates_from
from plans.simulate.result import Simulation, Trial
from plans.simulate.run import Course
from plans.simulate.script import FIRST, LAST, Line, Moment, Script, Scripted, timeline
from plans.simulate.simulation import (
    FACTS_MAX,
    RUNS_MAX,
    TooMuchWork,
    guard_values,
    simulate,
)

__all__ = [
    "BUILT_IN",
    "FACTS_MAX",
    "FIRST",
    "LAST",
    "RUNS_MAX",
    "Counts",
    "Course",
    "Drawn",
    "Line",
    "Moment",
    "Rates",
    "RatesGiven",
    "Script",
    "Scripted",
    "Simulation",
    "TooMuchWork",
    "Trial",
    "channels_of",
    "guard_values",
    "rates_from",
    "rates_from_counts",
    "simulate",
    "timeline",
]
