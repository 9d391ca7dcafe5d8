"""The goals of the engine, set before it was measured, and how each of them is judged."""

import operator
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from operator import itemgetter
from typing import Literal, NamedTuple

from bench.reporting.results import Figure, Run, Runs

Verdict = Literal["reached", "missed", "not shown"]

HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    "≥": operator.ge,
    "≤": operator.le,
    "<": operator.lt,
    ">": operator.gt,
}
VALUE, RATIO = "value", "ratio"
PEERS: Mapping[str, str] = {
    "eventsourcing_batched": "the library, batched",
    "eventsourcing_singly": "the library, one by one",
    "procrastinate": "Procrastinate",
    "dbos": "DBOS",
    "restate": "Restate",
}
ROUNDS = 3
"""Of fewer rounds a median says nothing."""
EVENTS = 10_000_000


class Goal(NamedTuple):
    """What one figure is to be."""

    bench: str
    text: str
    measure: str
    """With a star in it: each of them, so that the worst decides."""
    of: str
    """The value, its ratio to the floor, or its ratio to the peer of this name."""
    sign: str
    limit: float
    size: int | None = None
    """What a run needs to show it, where the benchmark of itself is smaller."""

    @property
    def at_least(self) -> bool:
        """Whether more is better."""
        return self.sign in {"≥", ">"}

    @property
    def bound(self) -> str:
        """How it is told."""
        what = f"{self.sign} {self.limit:,g}"
        if self.of == VALUE:
            return f"{what} {self._unit()}"
        return f"{what} times {'the floor' if self.of == RATIO else PEERS[self.of]}"

    def _unit(self) -> str:
        """As it is in the name of the measure, where the name has it; else it is a rate."""
        units = {"_ms": "ms", "_per_event": "B"}
        return next((unit for end, unit in units.items() if self.measure.endswith(end)), "/s")


GOALS = (
    Goal("append", "1,000 facts a transaction", "append_1000_per_s", RATIO, "≥", 0.35),
    Goal("append", "100 facts a transaction", "append_100_per_s", VALUE, "≥", 25_000),
    Goal("append", "one fact a transaction, p95", "append_1_p95_ms", VALUE, "<", 3),
    *(
        Goal("journey", f"{text}{beside}", measure, of, "≥", limit)
        for of, beside, limits in (
            (RATIO, "", (0.4, 0.5)),
            ("restate", ", beside Restate", (10, 10)),
            ("eventsourcing_batched", ", beside the plain library", (1.8, 1.8)),
        )
        for (text, measure), limit in zip(
            (
                ("enrolment to first send", "enrol_to_first_send_per_s"),
                ("signals processed", "signals_per_s"),
            ),
            limits,
            strict=True,
        )
    ),
    Goal("journey", "idle, signal to next step, p50", "signal_to_next_step_p50_ms", VALUE, "≤", 10),
    Goal("journey", "idle, signal to next step, p95", "signal_to_next_step_p95_ms", VALUE, "≤", 20),
    Goal("journey", "bytes of a finished journey", "disk_bytes_per_journey", RATIO, "≤", 1.5),
    Goal(
        "journey",
        "bytes of an event, 0.6 of the library's 653",
        "log_bytes_per_event",
        VALUE,
        "≤",
        0.6 * 653,
    ),
    Goal(
        "webhook", "1,000 events/s, next step, p95", "webhook_step_at_1000_p95_ms", VALUE, "<", 100
    ),
    *(
        Goal(
            "webhook",
            f"acknowledged, {size:,} events a post"
            if size > 1
            else "acknowledged, one event a post",
            f"webhook_acknowledged_in_{size}s",
            RATIO,
            "≥",
            0.3,
        )
        for size in (1, 10, 100, 1_000)
    ),
    Goal(
        "webhook",
        "1,000 events/s, acknowledged, p99",
        "webhook_acknowledged_at_1000_p99_ms",
        VALUE,
        "<",
        500,
    ),
    Goal("dispatch", "64 in flight over TLS, of the limit", "dispatch_tls_64", RATIO, "≥", 0.9),
    Goal("dispatch", "256 in flight over TLS, one process", "dispatch_tls_256", VALUE, "≥", 1_000),
    Goal("projections", "all read models", "projections_run_all", VALUE, "≥", 30_000),
    Goal(
        "projections",
        "rebuild of two tenants at once, of one alone",
        "projections_rebuild_two_tenants",
        RATIO,
        ">",
        1,
    ),
    Goal(
        "replay",
        "timeline of 10 events, 10 million in the log, p95",
        "timeline_10_p95_ms",
        VALUE,
        "<",
        3,
        EVENTS,
    ),
    *(
        Goal("growth", f"{text}, 10 million events", f"{name}_at_{EVENTS}_per_s", RATIO, "≥", 0.7)
        for name, text in (
            ("enrol_to_first_send", "enrolment to first send"),
            ("signals", "signals processed"),
            ("timeouts", "timeouts"),
            ("append_1000", "1,000 facts a transaction"),
        )
    ),
    Goal("pages", "the slowest list, p95", "page_*_p95_ms", VALUE, "<", 150),
    Goal("plans", "check of 8 nodes", "check_8_nodes_ms", VALUE, "≤", 1),
    Goal("plans", "check of 57 nodes with three loops", "check_three_loops_ms", VALUE, "<", 100),
)


class Judged(NamedTuple):
    """A goal and what came of it."""

    goal: Goal
    figure: Figure | None
    value: float | None
    """What is held against the limit."""
    verdict: Verdict
    why: str = ""
    """Of what is not shown."""


def judged(runs: Runs) -> list[Judged]:
    """Every goal, in their order; one without a figure is neither reached nor missed."""
    return [_judge(goal, runs.get(goal.bench)) for goal in GOALS]


def _judge(goal: Goal, run: Run | None) -> Judged:
    found = list(_values(goal, run)) if run else []
    if run is None or not found:
        return Judged(goal, None, None, "not shown", _missing(goal, run))
    holds = HOLDS[goal.sign]
    worst = min if goal.at_least else max
    figure, value = worst(found, key=itemgetter(1))
    if not holds(value, goal.limit):
        return Judged(goal, figure, value, "missed")
    small = _too_small(goal, run)
    return Judged(goal, figure, value, "not shown" if small else "reached", small)


def _too_small(goal: Goal, run: Run) -> str:
    """What a run lacks to show that a goal is reached; it may well show that it is missed."""
    if run.rounds < ROUNDS:
        return f"only {run.rounds} of {ROUNDS} rounds"
    if run.cut_short:
        return f"cut short to {run.size or 0:,}"
    if goal.size is not None and (run.size or 0) < goal.size:
        return f"only {run.size or 0:,} of {goal.size:,}"
    return ""


def _values(goal: Goal, run: Run) -> Iterator[tuple[Figure, float]]:
    for figure in run.rows:
        if fnmatchcase(figure.measure, goal.measure):
            value = _held_against(goal, figure)
            if value is not None:
                yield figure, value


def _held_against(goal: Goal, figure: Figure) -> float | None:
    if goal.of == VALUE:
        return figure.ours
    if goal.of == RATIO:
        return figure.ratio
    peer = figure.peers.get(goal.of)
    return figure.ours / peer if peer else None


def _missing(goal: Goal, run: Run | None) -> str:
    if run is None:
        return f"no result of {goal.bench}"
    there = any(fnmatchcase(row.measure, goal.measure) for row in run.rows)
    return f"{PEERS.get(goal.of, goal.of)} was not there" if there else "not in that run"
