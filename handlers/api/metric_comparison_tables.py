"""The answers about times, comparisons and senders as tables, one row a line."""

from collections.abc import Iterator, Mapping, Sequence

from domain.ids import CampaignId
from handlers.api import metric_comparisons, metric_times
from handlers.api.calls import Call
from handlers.api.metric_tables import RATE, ROWS_A_PAGE, of_rate
from handlers.metrics.counted import MEASURES, Rate
from handlers.metrics.hours import Hours
from handlers.metrics.tables import Kind, Row, Table
from projections.metrics import COUNTERS

_Columns = list[tuple[str, Kind]]
_COUNTED: Sequence[tuple[str, Kind]] = [(name, "integer") for name in COUNTERS]
_RATES: Sequence[tuple[str, Kind]] = [
    (f"{name}{end}", "number") for name in MEASURES for end in ("", "_low", "_high")
]


def reply_times(call: Call) -> Table:
    """A line for each band."""
    shown = metric_times.reply_times(call)
    columns: _Columns = [
        ("from_s", "number"),
        ("below_s", "number"),
        ("replies", "integer"),
        ("part", "number"),
    ]
    rows = ((one.from_s, one.below_s, one.replies, one.part) for one in shown.bands)
    return Table(f"reply-times-{call.id}", columns, rows)


def best_hours(call: Call) -> Table:
    """A line for each hour of the week."""
    return _hours(f"best-hours-{call.id}", metric_times.best_hours(call))


def tenant_best_hours(call: Call) -> Table:
    """The same of the tenant."""
    return _hours("best-hours", metric_times.tenant_best_hours(call))


def _hours(name: str, shown: Hours) -> Table:
    columns: _Columns = [
        ("zone", "text"),
        ("weekday", "integer"),
        ("hour", "integer"),
        ("accepted", "integer"),
        ("replied", "integer"),
        ("arriving", "integer"),
        *RATE,
    ]
    rows = (
        (
            shown.zone,
            one.weekday,
            one.hour,
            one.accepted,
            one.replied,
            one.arriving,
            *of_rate(one.reply_rate),
        )
        for one in shown.hours
    )
    return Table(name, columns, rows)


def campaigns(call: Call) -> Table:
    """A line for each campaign."""
    columns: _Columns = [
        ("campaign_id", "text"),
        ("name", "text"),
        ("status", "text"),
        *_COUNTED,
        *_RATES,
    ]

    def rows() -> Iterator[Row]:
        after: CampaignId | None = None
        while found := metric_comparisons.campaign_rows(call, after, ROWS_A_PAGE):
            for one in found:
                yield (
                    str(one.campaign_id),
                    one.name,
                    one.status,
                    *(one.counters[name] for name in COUNTERS),
                    *_rates(one.rates),
                )
            after = found[-1].campaign_id

    return Table("campaigns", columns, rows())


def periods(call: Call) -> Table:
    """Two lines: the period before, and this one."""
    shown = metric_comparisons.periods(call)
    columns: _Columns = [("since", "time"), ("until", "time"), *_COUNTED, *_RATES]
    rows = (
        (one.since, one.until, *(one.counters[name] for name in COUNTERS), *_rates(one.rates))
        for one in (shown.before, shown.now)
    )
    return Table("comparison", columns, rows)


def usage(call: Call) -> Table:
    """A line for each cap in its window now, then one for each day."""
    shown = metric_comparisons.usage(call)
    columns: _Columns = [
        ("at", "time"),
        ("limit_name", "text"),
        ("used", "integer"),
        ("limit", "integer"),
        ("part", "number"),
    ]

    def rows() -> Iterator[Row]:
        for one in shown.limits:
            yield shown.at, one.limit_name, one.used, one.limit, one.part
        for day in shown.days:
            yield day.day, "day_in_utc", day.accepted, shown.day_max, day.part

    return Table("usage", columns, rows())


def _rates(rates: Mapping[str, Rate | None]) -> Iterator[float | None]:
    for name in MEASURES:
        yield from of_rate(rates[name])[:3]  # type: ignore[misc]  # numbers, all three
