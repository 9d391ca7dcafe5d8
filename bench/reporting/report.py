"""The page on performance and its pictures, made of the results of a folder and of nothing else."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bench.reporting.goals import Judged, judged
from bench.reporting.page import page, sections
from bench.reporting.plots import PLOTS, drawn, plots_of
from bench.reporting.results import read_runs

BOUNDS = "bounds.md"


class Report(NamedTuple):
    """What was made: the page, its pictures by name, and what they say of goals and gaps."""

    page: str
    pictures: Mapping[str, str]
    goals: list[Judged]
    missing: list[str]


def made(folder: Path, benchmarks: Mapping[str, Path], place: str) -> Report:
    """The report of a folder of results; the files of the benchmarks tell what they are about.

    The page looks for its pictures in the folder `place` beside it.
    """
    runs = read_runs(folder, list(benchmarks))
    goals, charts = judged(runs), drawn(runs)
    titles = {
        bench: [
            (charts[plot.name].title, f"{place}/{plot.name}.svg")
            for plot in plots_of(bench, runs)
            if plot.name in charts
        ]
        for bench in runs
    }
    told = {name: _told(path) for name, path in benchmarks.items()}
    written = folder / BOUNDS
    bounds = sections(written.read_text("utf-8")) if written.exists() else {}
    return Report(
        page(runs, goals, titles, told, bounds),
        {name: chart.svg() for name, chart in charts.items()},
        goals,
        [name for name in benchmarks if name not in runs],
    )


def write(report: Report, out: Path) -> list[Path]:
    """The page, and its pictures in a folder of its name; one made no more is taken away."""
    folder = out.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    out.write_text(report.page, "utf-8")
    written = [out]
    for plot in PLOTS:
        path = folder / f"{plot.name}.svg"
        if plot.name in report.pictures:
            path.write_text(report.pictures[plot.name], "utf-8")
            written.append(path)
        else:
            path.unlink(missing_ok=True)
    return written


def _told(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
