"""`antiphon metrics`: what was counted, how sure it is, and which variant does better."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from handlers.api import metric_calls, metric_comparison_tables, metric_comparisons, metric_tables
from handlers.api import metric_times as times
from handlers.api.bodies import checked
from handlers.api.calls import LIMIT_MAX, Call, Given
from handlers.metrics.reads import Span
from handlers.metrics.tables import Format, Table, written
from handlers.ports import CampaignRow
from infra.bootstrap import System
from infra.cli import metrics_shown as shown
from infra.cli.operations import call_of, tenant_services
from infra.cli.outcome import WrongUse
from infra.cli.printing import json_option, print_json, say
from infra.cli.reading import Instant
from infra.cli.session import campaign_of, system
from infra.settings import Settings

EPILOG = """Example: antiphon metrics acme autumn --by variant

Example: antiphon metrics acme autumn --by day --split sender --out autumn.csv"""
FORMATS: Mapping[str, Format] = {".csv": "csv", ".parquet": "parquet"}
SERIES = ("hour", "day", "week", "month")
SPLITS = ("none", "campaign", "node", "variant", "sender", "domain")


class Answer(msgspec.Struct, frozen=True):
    """One way to ask: who answers, with what options, as which table, shown how."""

    perform: Callable[[Call], Any]
    table: Callable[[Call], Table]
    query: type[Given]
    show: Callable[[Any], None]
    takes: frozenset[str] = frozenset()


_PERIOD = frozenset({"since", "until"})
_SPLIT = _PERIOD | {"by", "interval", "limit"}
OF_CAMPAIGN: Mapping[str, Answer] = {
    "summary": Answer(
        metric_calls.summary, metric_tables.summary, metric_calls.Form, shown.summary
    ),
    "node": Answer(metric_calls.funnel, metric_tables.funnel, metric_calls.Form, shown.funnel),
    "variant": Answer(
        metric_calls.variants,
        metric_tables.variants,
        metric_calls.WhichRate,
        shown.variants,
        frozenset({"on"}),
    ),
    "reply-time": Answer(
        times.reply_times,
        metric_comparison_tables.reply_times,
        metric_calls.Period,
        shown.reply_times,
        _PERIOD,
    ),
    "weekday": Answer(
        times.best_hours,
        metric_comparison_tables.best_hours,
        times.WhichHours,
        shown.hours,
        _PERIOD | {"zone"},
    ),
    "series": Answer(
        metric_calls.timeseries,
        metric_tables.timeseries,
        metric_calls.Series,
        shown.series,
        _SPLIT,
    ),
}
OF_TENANT: Mapping[str, Answer] = {
    "summary": Answer(
        metric_comparisons.campaigns,
        metric_comparison_tables.campaigns,
        metric_comparisons.WhichCampaigns,
        shown.campaigns,
        _PERIOD | {"limit"},
    ),
    "weekday": Answer(
        times.tenant_best_hours,
        metric_comparison_tables.tenant_best_hours,
        times.WhichHours,
        shown.hours,
        _PERIOD | {"zone"},
    ),
    "series": Answer(
        metric_calls.tenant_timeseries,
        metric_tables.tenant_timeseries,
        metric_calls.Series,
        shown.series,
        _SPLIT,
    ),
}


@click.command(epilog=EPILOG)
@click.argument("tenant", required=False)
@click.argument("campaign", required=False)
@click.option(
    "--by",
    type=click.Choice(("summary", *SERIES, "node", "variant", "reply-time", "weekday")),
    default="summary",
    help="What to tell apart; weekday: the hours of the week.",
)
@click.option("--split", type=click.Choice(SPLITS), help="A row for each of these in each bucket.")
@click.option(
    "--on", type=click.Choice(("replies", "clicks", "opens")), help="Compare variants by."
)
@click.option("--zone", help="Whose clock for weekday: contact (as set), tenant, or a zone.")
@click.option("--since", type=Instant(), help="Only what began from here on.")
@click.option("--until", type=Instant(), help="Only what began before.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write all rows to this file, .csv or .parquet.",
)
@json_option
@click.pass_obj
def metrics(
    settings: Settings,
    /,
    tenant: str | None,
    campaign: str | None,
    *,
    out: Path | None,
    as_json: bool,
    **given: Any,  # noqa: ANN401  # the options of one of the answers
) -> None:
    """Show the numbers of a campaign, of all campaigns of a tenant, or of all tenants.

    Rates have the interval that has the true one at 95 %. A dash is not measured; machines are
    counted apart. Times and days are in UTC, but for the hours of the week.
    """
    with system(settings) as found:
        if tenant is None:
            _tenants(found, given, out, as_json=as_json)
            return
        row = None if campaign is None else campaign_of(found, tenant, campaign)
        answer = _asked(str(given["by"]), row)
        call = call_of(found, tenant, campaign=row, query=_query(answer, given))
        if out is not None:
            _write(answer.table(call), out)
            return
        told = answer.perform(call)
    if as_json:
        print_json(told)
    else:
        answer.show(told)


def _asked(by: str, row: CampaignRow | None) -> Answer:
    known = OF_TENANT if row is None else OF_CAMPAIGN
    answer = known.get("series" if by in SERIES else by)
    if answer is None:
        raise WrongUse(f"--by {by} is about one campaign: give its name or its id")
    return answer


def _query(answer: Answer, given: Mapping[str, Any]) -> Given:
    """The options that were given; one that this answer does not take is wrong use."""
    by = given["by"]
    interval = by if by in SERIES else None
    wanted = {"interval": interval, "by": given["split"], "limit": LIMIT_MAX}
    wanted |= {name: given[name] for name in ("on", "zone", "since", "until")}
    needless = [name for name in ("on", "zone", "since", "until") if name not in answer.takes]
    needless += [] if "by" in answer.takes else ["by"]
    for name in needless:
        if wanted[name] is not None:
            option = "split" if name == "by" else name
            raise WrongUse(f"--{option} says nothing about --by {by}; leave it out")
    values = {name: wanted[name] for name in answer.takes if wanted[name] is not None}
    return checked(answer.query, values, part="options")


def _write(table: Table, out: Path) -> None:
    form = FORMATS.get(out.suffix)
    if form is None:
        raise WrongUse(f"{out}: give a name that ends in .csv or .parquet")
    with out.open("wb") as file:
        for piece in written(table, form):
            file.write(piece)
    say(f"written to {out}")


def _tenants(found: System, given: Mapping[str, Any], out: Path | None, *, as_json: bool) -> None:
    """All tenants of this installation side by side, which only its operator may see."""
    if given["by"] != "summary" or out is not None:
        raise WrongUse("name a tenant")
    since: datetime | None = given["since"]
    until: datetime | None = given["until"]
    span = Span(since, until)
    counted = {
        str(one.name): dict(tenant_services(found, one.name).metrics.totals(None, span))
        for one in found.database.tenants()
    }
    if as_json:
        print_json({"items": [{"tenant": name, "counters": counted[name]} for name in counted]})
    else:
        shown.tenants(counted)
