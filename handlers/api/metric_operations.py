"""The part of the table of the API about numbers."""

from handlers.api import (
    metric_calls,
    metric_comparison_tables,
    metric_comparisons,
    metric_tables,
    metric_times,
)
from handlers.api.calls import Operation
from handlers.api.paging import Listed
from handlers.metrics.funnel import FunnelShown
from handlers.metrics.hours import Hours
from handlers.metrics.variants import VariantsShown

_CAMPAIGN = "/v1/metrics/campaigns/{id}"

METRICS = (
    Operation(
        method="GET",
        path=f"{_CAMPAIGN}/summary",
        does="A campaign in numbers; null is not measured",
        perform=metric_calls.summary,
        answers=metric_calls.Summary,
        query=metric_calls.Form,
        table=metric_tables.summary,
    ),
    Operation(
        method="GET",
        path=f"{_CAMPAIGN}/timeseries",
        does="A campaign by hour, day, week or month (UTC), whole or by node, variant, sender",
        perform=metric_calls.timeseries,
        answers=Listed[metric_calls.SeriesRow],
        query=metric_calls.Series,
        table=metric_tables.timeseries,
    ),
    Operation(
        method="GET",
        path=f"{_CAMPAIGN}/funnel",
        does="How far contacts and messages came, also by node",
        perform=metric_calls.funnel,
        answers=FunnelShown,
        query=metric_calls.Form,
        table=metric_tables.funnel,
        at_once=4,
    ),
    Operation(
        method="GET",
        path=f"{_CAMPAIGN}/variants",
        does="The variants of each node against each other, with a verdict in plain words",
        perform=metric_calls.variants,
        answers=VariantsShown,
        query=metric_calls.WhichRate,
        table=metric_tables.variants,
    ),
    Operation(
        method="GET",
        path=f"{_CAMPAIGN}/reply-times",
        does="How long people took for their first answer to messages accepted in the period",
        perform=metric_times.reply_times,
        answers=metric_times.ReplyTimesShown,
        query=metric_calls.Period,
        table=metric_comparison_tables.reply_times,
        at_once=2,
    ),
    Operation(
        method="GET",
        path=f"{_CAMPAIGN}/best-hours",
        does="The hours of the week, by when messages left that were answered",
        perform=metric_times.best_hours,
        answers=Hours,
        query=metric_times.WhichHours,
        table=metric_comparison_tables.best_hours,
        at_once=2,
    ),
    Operation(
        method="GET",
        path="/v1/metrics/campaigns",
        does="Campaigns side by side, in a period or since their beginning",
        perform=metric_comparisons.campaigns,
        answers=Listed[metric_comparisons.CampaignCompared],
        query=metric_comparisons.WhichCampaigns,
        table=metric_comparison_tables.campaigns,
    ),
    Operation(
        method="GET",
        path="/v1/metrics/tenant/comparison",
        does="All campaigns together in a period, or in the last week, beside the one before",
        perform=metric_comparisons.periods,
        answers=metric_comparisons.PeriodsCompared,
        query=metric_calls.Period,
        table=metric_comparison_tables.periods,
    ),
    Operation(
        method="GET",
        path="/v1/metrics/tenant/best-hours",
        does="The hours of the week, by when messages of any campaign left that were answered",
        perform=metric_times.tenant_best_hours,
        answers=Hours,
        query=metric_times.WhichHours,
        table=metric_comparison_tables.tenant_best_hours,
        at_once=2,
    ),
    Operation(
        method="GET",
        path="/v1/metrics/senders/{name}/usage",
        does="What a sender used of its caps: in the windows that run, and day by day (UTC)",
        perform=metric_comparisons.usage,
        answers=metric_comparisons.SenderUsage,
        query=metric_comparisons.WhichDays,
        table=metric_comparison_tables.usage,
    ),
    Operation(
        method="GET",
        path="/v1/metrics/tenant/timeseries",
        does="All campaigns by hour, day, week or month (UTC), together or apart",
        perform=metric_calls.tenant_timeseries,
        answers=Listed[metric_calls.SeriesRow],
        query=metric_calls.Series,
        table=metric_tables.tenant_timeseries,
    ),
)
