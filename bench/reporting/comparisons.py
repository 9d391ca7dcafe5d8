"""What is drawn as bars: values beside their floors, and beside others."""

import re
from collections.abc import Mapping

from bench.reporting import numbers
from bench.reporting.bars import Bar, BarChart, Group
from bench.reporting.goals import GOALS, PEERS
from bench.reporting.points import FLOOR, OURS, aim_of, pair
from bench.reporting.results import Runs

PHASES: Mapping[str, str] = {
    "enrol_to_first_send": "enrolment to first send",
    "enrolments": "enrolments alone",
    "first_sends": "first sends alone",
    "delivered_reports": "delivery reports",
    "signals": "signals processed",
    "timeouts": "timeouts",
    "second_sends": "second sends",
    "completions": "completions",
}
SLOWEST = 12
"""Of the lists so many are drawn; the table has them all."""


def journey(runs: Runs) -> BarChart | None:
    """Every phase beside the floor."""
    run = runs.get("journey")
    groups = []
    for phase, text in PHASES.items():
        figure = run.figure(f"{phase}_per_s") if run else None
        if figure is not None:
            groups.append(Group(text, pair(figure), aim_of(figure)))
    title = "Journey: contacts a second through each phase, one worker"
    return _bars(BarChart(title, "contacts a second", [OURS, FLOOR], groups))


def peers(runs: Runs) -> BarChart | None:
    """Ours, the floor and every peer that was there, for both measures that peers have."""
    run = runs.get("journey")
    figures = [
        run.figure(f"{name}_per_s") if run else None for name in ("enrol_to_first_send", "signals")
    ]
    there = [name for name in PEERS if any(one and name in one.peers for one in figures)]
    groups = []
    for figure, phase in zip(figures, ("enrol_to_first_send", "signals"), strict=True):
        if figure is not None and there:
            bars = [
                Bar(nth, value, numbers.theirs(figure, value), value, value)
                for nth, name in enumerate(there, 2)
                if (value := figure.peers.get(name)) is not None
            ]
            groups.append(Group(PHASES[phase], [*pair(figure), *bars]))
    names = [OURS, FLOOR, *(PEERS[name] for name in there)]
    return _bars(BarChart("Journey: beside others", "contacts a second", names, groups))


def projections(runs: Runs) -> BarChart | None:
    """Every read model, run and rebuilt."""
    run = runs.get("projections")
    groups = [
        Group(f"{way} {found[2].replace('_', ' ')}", pair(row), aim_of(row))
        for row in (run.rows if run else ())
        if (found := re.fullmatch(r"projections_(run|rebuild)_(\w+)", row.measure))
        for way in (found[1],)
    ]
    title = "Projections: events a second, run from the start and rebuilt while live"
    beside = "floor: read and decode alone; of two tenants, one alone"
    return _bars(BarChart(title, "events a second", [OURS, beside], groups))


def pages(runs: Runs) -> BarChart | None:
    """The slowest lists."""
    run = runs.get("pages")
    rows = [
        (found[1], row)
        for row in (run.rows if run else ())
        if (found := re.fullmatch(r"page_(\w+)_p95_ms", row.measure))
    ]
    slowest = sorted(rows, key=lambda one: -one[1].ours)[:SLOWEST]
    goal = next(each for each in GOALS if each.bench == "pages")
    groups = [Group(name.replace("_", " "), pair(row), goal.limit) for name, row in slowest]
    contacts = run.size if run else None
    title = f"Pages: the slowest lists with {contacts or 0:,} contacts, p95"
    return _bars(BarChart(title, "milliseconds", [OURS], groups))


def _bars(chart: BarChart) -> BarChart | None:
    return chart if chart.groups else None
