"""What is drawn of the results: a picture for each question, from the rows and nothing else."""

from collections.abc import Callable
from typing import NamedTuple

from bench.reporting import comparisons, curves
from bench.reporting.bars import BarChart
from bench.reporting.lines import LineChart
from bench.reporting.results import Runs

Chart = LineChart | BarChart


class Plot(NamedTuple):
    """A picture: its name, the benchmarks that it is about, the first that is there shows it."""

    name: str
    benches: tuple[str, ...]
    draw: Callable[[Runs], Chart | None]
    """None where there is nothing to draw."""


PLOTS = (
    Plot("append", ("append",), curves.append),
    Plot("journey", ("journey",), comparisons.journey),
    Plot("peers", ("journey",), comparisons.peers),
    Plot("latency", ("webhook", "journey"), curves.latency),
    Plot("webhook", ("webhook",), curves.webhook),
    Plot("dispatch", ("dispatch",), curves.dispatch),
    Plot("projections", ("projections",), comparisons.projections),
    Plot("replay", ("replay",), curves.replay),
    Plot("growth", ("growth",), curves.growth),
    Plot("soak_memory", ("soak",), curves.soak_memory),
    Plot("soak_lag", ("soak",), curves.soak_lag),
    Plot("soak_tables", ("soak",), curves.soak_tables),
    Plot("pages", ("pages",), comparisons.pages),
)
"""In the order of the page."""


def drawn(runs: Runs) -> dict[str, Chart]:
    """The charts by the names of their plots; none where the results have nothing for it."""
    charts = {plot.name: plot.draw(runs) for plot in PLOTS}
    return {name: chart for name, chart in charts.items() if chart is not None}


def plots_of(bench: str, runs: Runs) -> list[Plot]:
    """Those that the part of the page on this benchmark shows."""
    return [
        plot
        for plot in PLOTS
        if bench == next((name for name in plot.benches if name in runs), None)
    ]
