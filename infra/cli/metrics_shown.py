"""Numbers as people read them: tables with intervals, a verdict, a week of hours."""

from collections.abc import Iterator, Mapping, Sequence

import click

from handlers.api.metric_calls import SeriesRow, Summary
from handlers.api.metric_comparisons import CampaignCompared
from handlers.api.metric_times import ReplyTimesShown
from handlers.api.paging import Listed
from handlers.metrics.counted import Rate, intervals
from handlers.metrics.funnel import FunnelShown, Stage
from handlers.metrics.hours import DAYS, Hours
from handlers.metrics.variants import RATE, VariantsShown
from infra.cli.printing import print_table, say

UNMEASURED = "-"
SHORT = (
    "accepted",
    "delivered",
    "unique_opens",
    "unique_clicks",
    "replies",
    "bounces",
    "unsubscribes",
)
HEADS = ("accepted", "delivered", "opened", "clicked", "replied", "bounced", "left")
SHADES = " .:-=+*#%@"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def summary(told: Summary) -> None:
    """Counters, then rates with their intervals."""
    print_table(("counter", "since the beginning"), _counted(told.counters))
    click.echo()
    rates = ((name.replace("_", " "), interval(rate)) for name, rate in told.intervals.items())
    print_table(("rate", "of the accepted (95 %)"), list(rates))
    if told.outcomes:
        click.echo()
        print_table(("outcome", "contact-campaigns"), list(told.outcomes.items()))


def _counted(counters: Mapping[str, int | None]) -> list[tuple[str, object]]:
    return [(name, number(count)) for name, count in counters.items() if count != 0]


def series(told: Listed[SeriesRow]) -> None:
    """A line a bucket."""
    keyed = any(row.key for row in told.items)
    head = ("begins (UTC)", *(("of",) if keyed else ()), *HEADS)
    rows = [
        (
            f"{row.bucket:%Y-%m-%d %H:%M}",
            *((row.key or "(no message)",) if keyed else ()),
            *(number(row.counters[name]) for name in SHORT),
        )
        for row in told.items
    ]
    print_table(head, rows)
    if told.next_cursor is not None:
        say(f"there are more than these {len(rows)}: give --since, or --out FILE for all")


def funnel(told: FunnelShown) -> None:
    """Contacts, messages, then each node."""
    _stages("contacts", told.contacts)
    click.echo()
    _stages("messages", told.messages)
    for step in told.steps:
        click.echo()
        _stages(f"{step.node}: {step.entered} came", step.stages)


def _stages(head: str, stages: Sequence[Stage]) -> None:
    rows = [(stage.stage, number(stage.count), interval(stage.of_first)) for stage in stages]
    print_table((head, "number", "of the first (95 %)"), rows)


def variants(told: VariantsShown) -> None:
    """The verdict on each node, then its variants."""
    if not told.nodes:
        click.echo("no node with variants was come to yet")
    for index, node in enumerate(told.nodes):
        if index:
            click.echo()
        click.echo(f"{node.node}: {node.told}")
        rows = [
            (
                one.variant,
                number(one.counters["accepted"]),
                interval(one.rates[RATE[told.on]]),
                UNMEASURED if one.best is None else f"{100 * one.best:.1f} %",
            )
            for one in node.variants
        ]
        print_table(("variant", "accepted", f"{told.on} (95 %)", "is the best"), rows)


def reply_times(told: ReplyTimesShown) -> None:
    """How long answers took."""
    if not told.replies:
        click.echo("nobody answered yet")
        return
    middle, late = told.quantiles_s["median"], told.quantiles_s["p90"]
    click.echo(f"{told.replies} answers: half of them within {span(middle)}, 90 % {span(late)}")
    rows = [
        (
            "longer" if band.below_s is None else f"within {span(band.below_s)}",
            band.replies,
            "#" * round(40 * (band.part or 0)),
        )
        for band in told.bands
    ]
    print_table(("took", "answers", ""), rows)


def hours(told: Hours) -> None:
    """A week, an hour a letter: the darker, the larger the part that was answered."""
    whose = f"the {told.zone}" if told.zone in ("contact", "tenant") else told.zone
    click.echo(told.told)
    click.echo(f"by the clock of {whose}")
    if told.without_zone:
        click.echo(
            f"{told.without_zone} messages to contacts without a zone, as {told.fallback_zone}"
        )
    click.echo(f"\n{'':<11}{''.join(f'{hour:<6}' for hour in range(0, 24, 6))}")
    for day, line in zip(DAYS, _week(told), strict=True):
        click.echo(f"{day:<11}{line}")
    click.echo(
        f"\n{SHADES[0]!r} nothing was sent, {SHADES[1]!r} no answers, {SHADES[-1]!r} the most"
    )


def _week(told: Hours) -> Iterator[str]:
    most = max((one.reply_rate.value for one in told.hours if one.reply_rate), default=0.0)
    for day in range(7):
        yield "".join(_shade(one.reply_rate, most) for one in told.hours[24 * day : 24 * (day + 1)])


def _shade(rate: Rate | None, most: float) -> str:
    if rate is None:
        return SHADES[0]
    return SHADES[1 + round((len(SHADES) - 2) * rate.value / most)] if most else SHADES[1]


def campaigns(told: Listed[CampaignCompared]) -> None:
    """A line a campaign."""
    rows = [
        (
            one.name,
            one.status,
            number(one.counters["accepted"]),
            *(interval(one.rates[name]) for name in ("open_rate", "click_rate", "reply_rate")),
        )
        for one in told.items
    ]
    print_table(("campaign", "status", "accepted", "opened", "clicked", "replied"), rows)
    if told.next_cursor is not None:
        say(f"there are more than these {len(rows)}: give --out FILE for all")


def tenants(counted: Mapping[str, Mapping[str, int]]) -> None:
    """A line a tenant."""
    rows = []
    for name, counters in counted.items():
        rates = intervals(counters)
        told = (interval(rates[each]) for each in ("open_rate", "click_rate", "reply_rate"))
        rows.append((name, counters["accepted"], *told))
    print_table(("tenant", "accepted", "opened", "clicked", "replied"), rows)


def number(count: int | None) -> object:
    """A count, or a dash where it is not measured."""
    return UNMEASURED if count is None else count


def interval(rate: Rate | None) -> str:
    """A rate with its interval."""
    if rate is None:
        return UNMEASURED
    return f"{100 * rate.value:.1f} % ({100 * rate.low:.1f} to {100 * rate.high:.1f})"


def span(seconds: float | None) -> str:
    """A length of time in one unit."""
    if seconds is None:
        return UNMEASURED
    for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.3g} seconds"
