"""The page on performance: what was run where, every goal, every figure, what bounds it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bench.reporting import numbers
from bench.reporting.goals import HOLDS, ROUNDS, VALUE, Judged
from bench.reporting.results import Figure, Run, Runs

NOTHING = "Nothing is written yet about what bounds it."
HEAD = """# Performance

Written by `antiphon bench report` from what the benchmarks printed, which is kept in
`bench/results/`; no number is edited by hand. To measure anew: `antiphon bench append --json`, and
so on for each.

Each number is the median of its rounds. Its limit, the floor, was measured in the same run; what
the floor is, each benchmark says below. Ratios are ours / floor for rates and sizes, floor / ours
for times: they say more about other machines than the numbers do. What is cut off a number is never
in our favour.
"""
SIZE_NOTE = """The size is how many contacts or events a benchmark was given, for `soak` the lives
that begin each second; some have none. The load is that of the machine before the run: what others
did on it.
"""
OWN_COLUMNS = ("measure", "unit", "median", "lowest", "highest", "floor", "ratio", "peers")
FLOOR_COLUMNS = ("floor or peer, same run", "ratio", "verdict")
GOAL_COLUMNS = ("benchmark", "goal", "is to be", "median", "lowest to highest", *FLOOR_COLUMNS)
RUN_COLUMNS = ("benchmark", "on", "commit", "rounds", "size", "load before", "machine")


def page(
    runs: Runs,
    goals: Sequence[Judged],
    pictures: Mapping[str, Sequence[tuple[str, str]]],
    told: Mapping[str, str],
    bounds: Mapping[str, str],
) -> str:
    """The page: `told` is what each benchmark says of itself, `pictures` their titles and paths.

    `bounds` is what people wrote, by its headings.
    """
    missing = [name for name in told if name not in runs]
    parts = [
        HEAD,
        "## What was run\n",
        *_runs(runs, missing),
        "## The goals\n",
        *_goals(goals),
        *(["## The figures\n"] if runs else []),
        *(
            part
            for name in told
            if name in runs
            for part in _figures(runs[name], told[name], pictures[name])
        ),
        "## What bounds it\n",
        *_bounds(goals, bounds),
    ]
    return "\n".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )


# --- what was run ---------------------------------------------------------------------------------


def _runs(runs: Runs, missing: Sequence[str]) -> Iterator[str]:
    if runs:
        machines = list(dict.fromkeys(map(_machine, runs.values())))
        rows = (_run(run, machines.index(_machine(run)) + 1) for run in runs.values())
        yield table(RUN_COLUMNS, rows)
        yield SIZE_NOTE
        yield "".join(f"{nth}. {text}\n" for nth, text in enumerate(machines, 1))
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        yield f"Missing: {names}. No result of these is kept, so nothing is said about them.\n"


def _run(run: Run, machine: int) -> tuple[str, ...]:
    return (
        f"`{run.bench}`",
        run.on or "unknown",
        run.commit or "unknown",
        str(run.rounds),
        _size(run),
        "unknown" if run.load_before is None else f"{run.load_before:g}",
        str(machine),
    )


def _size(run: Run) -> str:
    told = f"{run.size:,}" if run.size else ""
    return f"cut short to {told}" if run.cut_short else told


def _machine(run: Run) -> str:
    told = run.machine
    memory = f"{told.memory_gb:g} GB of memory, " if told.memory_gb else ""
    versions = "".join(f", {name} {release}" for name, release in run.versions.items())
    return f"{told.cpu}, {told.cores} cores, {memory}{told.system}, Python {told.python}{versions}"


# --- the goals ------------------------------------------------------------------------------------


def _goals(goals: Sequence[Judged]) -> Iterator[str]:
    counts = {
        verdict: sum(each.verdict == verdict for each in goals)
        for verdict in ("reached", "missed", "not shown")
    }
    told = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    yield (
        f"Of {len(goals)}: {told}. A goal is not shown where its figure is missing, or where it was"
        f" met by a run that was too small for it or had fewer than {ROUNDS} rounds.\n"
    )
    yield table(GOAL_COLUMNS, map(_goal, goals))


def _goal(judged: Judged) -> tuple[str, ...]:
    goal, figure = judged.goal, judged.figure
    begin = f"`{goal.bench}`", goal.text, goal.bound
    if figure is None or judged.value is None:
        return (*begin, "", "", "", "", _verdict(judged))
    if "*" in goal.measure:
        begin = f"`{goal.bench}`", f"{goal.text}: `{figure.measure}`", goal.bound
    against = figure.peers.get(goal.of, figure.floor)
    compared = judged.value if goal.of in figure.peers else figure.ratio
    return (
        *begin,
        f"{_plainly(judged, numbers.ours, figure.ours)} {_unit(figure)}",
        f"{numbers.ours(figure, figure.lowest)} to {numbers.ours(figure, figure.highest)}",
        "" if against is None else numbers.theirs(figure, against),
        "" if compared is None else _plainly(judged, numbers.ratio, compared),
        _verdict(judged),
    )


def _verdict(judged: Judged) -> str:
    told = {"missed": "**missed**", "not shown": f"not shown: {judged.why}"}
    return told.get(judged.verdict, judged.verdict)


def _plainly(judged: Judged, write: Callable[[Figure, float, int], str], value: float) -> str:
    """With so many digits that what holds its limit does not look as if it did not."""
    assert judged.figure is not None
    goal = judged.goal
    holds = HOLDS[goal.sign]
    for digits in range(numbers.DIGITS, numbers.DIGITS_MAX):
        text = write(judged.figure, value, digits)
        if value != judged.value or holds(float(text.replace(",", "")), goal.limit) == holds(
            value, goal.limit
        ):
            return text
    return repr(value)


def _unit(figure: Figure) -> str:
    return "/s" if figure.unit == "1/s" else figure.unit


# --- the figures ----------------------------------------------------------------------------------


def _figures(run: Run, told: str, pictures: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"### {run.bench}\n"
    yield f"{told}\n"
    for title, path in pictures:
        yield f"![{title}]({path})\n"
    yield f"<details><summary>All figures of {run.bench}</summary>\n"
    yield table(OWN_COLUMNS, map(_figure, run.rows))
    yield "</details>\n"


def _figure(figure: Figure) -> tuple[str, ...]:
    peers = (f"{name} {numbers.theirs(figure, value)}" for name, value in figure.peers.items())
    return (
        f"`{figure.measure}`",
        _unit(figure),
        *(numbers.ours(figure, value) for value in (figure.ours, figure.lowest, figure.highest)),
        "" if figure.floor is None else numbers.theirs(figure, figure.floor),
        "" if figure.ratio is None else numbers.ratio(figure, figure.ratio),
        ", ".join(peers),
    )


# --- what bounds it -------------------------------------------------------------------------------


def sections(text: str) -> dict[str, str]:
    """What people wrote, by its headings; notes to themselves are left out."""
    plain = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    first, *others = re.split(r"^## +(.+)\n", plain, flags=re.MULTILINE)
    found = dict(zip(others[::2], others[1::2], strict=True))
    return {name: part.strip() for name, part in {"": first, **found}.items() if part.strip()}


def _bounds(goals: Sequence[Judged], bounds: Mapping[str, str]) -> Iterator[str]:
    """Every missed goal under its benchmark, with what is written of that, or that nothing is."""
    missed: dict[str, list[Judged]] = {}
    for each in goals:
        if each.verdict == "missed":
            missed.setdefault(each.goal.bench, []).append(each)
    for name in dict.fromkeys((*bounds, *missed)):
        if name:
            yield f"### What bounds {name}\n"
        if name in missed:
            yield "".join(f"* Missed: {_loss(each)}\n" for each in missed[name])
        yield f"{bounds.get(name, NOTHING)}\n"
    if not bounds and not missed:
        yield f"{NOTHING}\n"


def _loss(judged: Judged) -> str:
    figure = judged.figure
    assert figure is not None
    assert judged.value is not None
    value = f"{numbers.ours(figure, judged.value)} {_unit(figure)}"
    if judged.goal.of != VALUE:
        value = numbers.ratio(figure, judged.value)
    return f"{judged.goal.text}: {value}, was to be {judged.goal.bound}."
