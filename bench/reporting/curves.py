"""What is drawn as lines: rates and times by size, by load, by length and over time."""

import re
from collections.abc import Sequence

from bench.reporting.goals import EVENTS, GOALS
from bench.reporting.lines import Aim, LineChart, Point, Series
from bench.reporting.points import OURS, aims_of, floor, ours, points_of, sizes_of
from bench.reporting.results import Run, Runs

RATES = ("100", "500", "1000")


def append(runs: Runs) -> LineChart | None:
    """Rates by the size of a transaction."""
    run = runs.get("append")
    sizes = sizes_of(run, r"append_(\d+)_per_s")
    names = [f"append_{size}_per_s" for size in sizes]
    return _lines(
        LineChart(
            "Append: facts a second by facts a transaction",
            "facts a transaction",
            "facts a second",
            [f"{size:,}" for size in sizes],
            [ours(run, names), floor(run, names, "floor: binary COPY")],
            aims_of(run, names),
            powers=True,
        )
    )


def webhook(runs: Runs) -> LineChart | None:
    """Rates by the size of a post."""
    run = runs.get("webhook")
    sizes = sizes_of(run, r"webhook_acknowledged_in_(\d+)s")
    kept = [f"webhook_acknowledged_in_{size}s" for size in sizes]
    settled = [f"webhook_settled_in_{size}s" for size in sizes]
    return _lines(
        LineChart(
            "Webhook: events a second by events a post",
            "events a post",
            "events a second",
            [f"{size:,}" for size in sizes],
            [
                ours(run, kept, "acknowledged"),
                floor(run, kept, "floor: verify and read alone"),
                ours(run, settled, "processed"),
            ],
            aims_of(run, kept),
            powers=True,
        )
    )


def latency(runs: Runs) -> LineChart | None:
    """Idle from the journeys, under load from the webhooks; what is missing is left open."""
    shares = ("p50", "p95", "p99")
    names = {
        share: [
            f"signal_to_next_step_{share}_ms",
            *(f"webhook_step_at_{rate}_{share}_ms" for rate in RATES),
        ]
        for share in shares
    }
    found = {row.measure: row for run in runs.values() for row in run.rows}
    aims = [
        Aim(
            goal.limit,
            f"{share} {goal.sign} {goal.limit:g}",
            names[share].index(goal.measure),
            goal.at_least,
        )
        for goal in GOALS
        for share in shares
        if goal.measure in names[share]
    ]
    return _lines(
        LineChart(
            "Latency: from a signal to the next step stored",
            "load",
            "milliseconds",
            ["idle", *(f"{int(rate):,} events/s" for rate in RATES)],
            [
                Series(share, points_of([found.get(name) for name in names[share]]))
                for share in shares
            ],
            aims,
            powers=True,
        )
    )


def dispatch(runs: Runs) -> LineChart | None:
    """Rates by the calls in flight."""
    run = runs.get("dispatch")
    sizes = sizes_of(run, r"dispatch_tls_(\d+)")
    tls, plain = ([f"dispatch_{kind}_{size}" for size in sizes] for kind in ("tls", "plain"))
    return _lines(
        LineChart(
            "Dispatch: sends a second by calls in flight, a provider of 100 ms",
            "calls in flight",
            "sends a second",
            [f"{size:,}" for size in sizes],
            [
                ours(run, tls, "over TLS"),
                floor(run, tls, "floor: in flight / latency"),
                ours(run, plain, "plain"),
            ],
            aims_of(run, tls),
        )
    )


def replay(runs: Runs) -> LineChart | None:
    """Times by the length of a timeline."""
    run = runs.get("replay")
    sizes = sizes_of(run, r"timeline_(\d+)_p95_ms")
    ways = {"": OURS, "_as_of": "as of an instant", "_over_http": "over HTTP"}
    names = {way: [f"timeline_{size}{way}_p95_ms" for size in sizes] for way in ways}
    first, *others = (ours(run, names[way], text) for way, text in ways.items())
    events = run.size if run else None
    return _lines(
        LineChart(
            f"Replay: a timeline out of {events or 0:,} events, p95",
            "events of the timeline",
            "milliseconds",
            [f"{size:,}" for size in sizes],
            [first, floor(run, names[""], "floor: the SELECT alone"), *others],
            aims_of(run, names[""]),
            powers=True,
        )
    )


def growth(runs: Runs) -> LineChart | None:
    """Rates by the length of the log, as shares of the first."""
    run = runs.get("growth")
    sizes = sizes_of(run, r"append_\d+_at_(\d+)_per_s")
    measures = {
        "append_1000": "1,000 facts a transaction",
        "enrol_to_first_send": "enrolment to first send",
        "signals": "signals processed",
        "timeouts": "timeouts",
    }
    goal = next(each for each in GOALS if each.bench == "growth")
    return _lines(
        LineChart(
            "Growth: speed by events in the log, the shortest log is 1",
            "events in the log",
            "share of the rate at the shortest log",
            [f"{size:,}" for size in sizes],
            [
                Series(text, _shares(run, [f"{measure}_at_{size}_per_s" for size in sizes]))
                for measure, text in measures.items()
            ],
            [
                Aim(goal.limit, f"{goal.sign} {goal.limit:g}", place, goal.at_least)
                for place, size in enumerate(sizes)
                if size == EVENTS
            ],
        )
    )


def _shares(run: Run | None, names: Sequence[str]) -> list[Point]:
    """Each value and its spread as shares of the first."""
    figures = [run.figure(name) if run else None for name in names]
    return [
        Point(
            nth, *(value / figure.floor for value in (figure.ours, figure.lowest, figure.highest))
        )
        for nth, figure in enumerate(figures)
        if figure and figure.floor
    ]


def soak_memory(runs: Runs) -> LineChart | None:
    """Memory over time."""
    return _over_time(runs, "memory by process", "MB", r"soak_memory_(.+)_mb")


def soak_lag(runs: Runs) -> LineChart | None:
    """What is left to do, over time."""
    return _over_time(runs, "what waits and what is behind", "rows", r"soak_(\w+)_p100")


def soak_tables(runs: Runs) -> LineChart | None:
    """Sizes over time."""
    return _over_time(runs, "the largest tables with their indexes", "MB", r"soak_size_(.+)_mb")


def _over_time(runs: Runs, what: str, unit: str, pattern: str) -> LineChart | None:
    """The highest of each minute, which is a round of the soak."""
    rows = [
        (found[1].replace("_", " "), row.by_round)
        for row in (runs["soak"].rows if "soak" in runs else ())
        if (found := re.fullmatch(pattern, row.measure))
    ]
    minutes = max((len(values) for _, values in rows), default=0)
    return _lines(
        LineChart(
            f"Soak: {what}",
            "minute",
            f"{unit}, the highest of each minute",
            [str(minute + 1) for minute in range(minutes)],
            [
                Series(name, [Point(nth, one, one, one) for nth, one in enumerate(values)])
                for name, values in rows
            ],
        )
    )


def _lines(chart: LineChart) -> LineChart | None:
    """The chart without series that have no point; none where nothing is left."""
    series = [each for each in chart.series if each.points]
    return chart._replace(series=series) if series else None
