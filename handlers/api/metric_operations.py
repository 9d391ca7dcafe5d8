"""The part of the table of the API about numbers."""

from handlers.api import metric_calls, metric_tables
from handlers.api.calls import Operation
from handlers.api.paging import Listed
from handlers.metrics.funnel import FunnelShown
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
        path="/v1/metrics/tenant/timeseries",
        does="All campaigns by hour, day, week or month (UTC), together or apart",
        perform=metric_calls.tenant_timeseries,
        answers=Listed[metric_calls.SeriesRow],
        query=metric_calls.Series,
        table=metric_tables.tenant_timeseries,
    ),
)
