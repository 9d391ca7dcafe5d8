"""The answers about numbers as tables, one row a line; lists are read page by page to their end."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial

from handlers.api import metric_calls
from handlers.api.calls import Call
from handlers.metrics.counted import Rate
from handlers.metrics.funnel import Stage
from handlers.metrics.tables import Kind, Row, Table
from handlers.metrics.variants import RATE as RATE_OF
from projections.metrics import COUNTERS

ROWS_A_PAGE = 500
RATE: Sequence[tuple[str, Kind]] = (
    ("rate", "number"),
    ("low", "number"),
    ("high", "number"),
    ("hits", "integer"),
    ("trials", "integer"),
)
_COUNTERS: Sequence[tuple[str, Kind]] = [(name, "integer") for name in COUNTERS]


def summary(call: Call) -> Table:
    """A line for each counter, rate, status and outcome."""
    shown = metric_calls.summary(call)
    columns: list[tuple[str, Kind]] = [("kind", "text"), ("name", "text"), ("count", "integer")]

    def rows() -> Iterator[Row]:
        for kind, counts in (
            ("counter", shown.counters),
            ("contact_campaigns", shown.contact_campaigns),
            ("outcome", shown.outcomes),
        ):
            for name, count in counts.items():
                yield kind, name, count, *of_rate(None)
        for name, found in shown.intervals.items():
            yield "rate", name, None, *of_rate(found)

    return Table(f"summary-{shown.campaign_id}", [*columns, *RATE], rows())


def timeseries(call: Call) -> Table:
    """A line for each bucket and key."""
    campaign = call.campaign().campaign_id
    return _series(f"timeseries-{campaign}", partial(metric_calls.series_rows, call, campaign))


def tenant_timeseries(call: Call) -> Table:
    """The same of the tenant."""
    return _series("timeseries", partial(metric_calls.series_rows, call, None))


_Pages = Callable[[tuple[datetime, str] | None, int], list[metric_calls.SeriesRow]]


def _series(name: str, page: _Pages) -> Table:
    columns: list[tuple[str, Kind]] = [("bucket", "time"), ("key", "text"), *_COUNTERS]

    def rows() -> Iterator[Row]:
        after: tuple[datetime, str] | None = None
        while found := page(after, ROWS_A_PAGE):
            for row in found:
                yield row.bucket, row.key, *(row.counters[counter] for counter in COUNTERS)
            after = found[-1].bucket, found[-1].key

    return Table(name, columns, rows())


def funnel(call: Call) -> Table:
    """A line for each stage of contacts, of messages and of each node."""
    shown = metric_calls.funnel(call)
    columns: list[tuple[str, Kind]] = [
        ("of", "text"),
        ("node", "text"),
        ("stage", "text"),
        ("count", "integer"),
    ]

    def rows() -> Iterator[Row]:
        yield from _stages("contacts", "", shown.contacts)
        yield from _stages("messages", "", shown.messages)
        for step in shown.steps:
            yield "node", step.node, "entered", step.entered, *of_rate(None)
            yield from _stages("node", step.node, step.stages)

    return Table(f"funnel-{shown.campaign_id}", [*columns, *RATE], rows())


def variants(call: Call) -> Table:
    """A line for each variant, with the verdict on its node."""
    shown = metric_calls.variants(call)
    columns: list[tuple[str, Kind]] = [
        ("node", "text"),
        ("variant", "text"),
        *_COUNTERS,
        *RATE,
        ("best", "number"),
        ("loss", "number"),
        ("needed", "integer"),
        ("verdict", "text"),
        ("told", "text"),
    ]

    def rows() -> Iterator[Row]:
        for node in shown.nodes:
            for one in node.variants:
                yield (
                    node.node,
                    one.variant,
                    *(one.counters[name] for name in COUNTERS),
                    *of_rate(one.rates[RATE_OF[shown.on]]),
                    one.best,
                    one.loss,
                    node.needed,
                    node.verdict,
                    node.told,
                )

    return Table(f"variants-{shown.campaign_id}", columns, rows())


def _stages(of: str, node: str, stages: Sequence[Stage]) -> Iterator[Row]:
    for stage in stages:
        yield of, node, stage.stage, stage.count, *of_rate(stage.of_first)


def of_rate(rate: Rate | None) -> Row:
    """The cells of the columns RATE."""
    if rate is None:
        return None, None, None, None, None
    return rate.value, rate.low, rate.high, rate.hits, rate.trials
