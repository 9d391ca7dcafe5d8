"""Numbers of all tenants, read from their tables when somebody asks: the same in every process.

Each is read by an index, or counted up to a bound: a scrape must not be felt. A tenant goes by its
tag, which names nobody.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Any

from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from domain.ids import schema_of
from infra.metrics.queries import BEATS, BOUND, BUCKETS_S, LATENCY, STORED
from infra.readiness import behind
from infra.statements import Statements, transaction
from infra.tenancy import Database, Tenant

LOG = logging.getLogger("antiphon.metrics")
KEPT_S = 2.0
"""Several who ask at once are told the same."""


class StoredNumbers(Collector):
    """Reads at most every few seconds; a tenant that cannot be read is left out, and counted."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._lock = Lock()
        self._kept: list[Metric] = []
        self._read_at = float("-inf")

    def describe(self) -> Iterable[Metric]:
        """Nothing is read when the collector is registered."""
        return ()

    @override
    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if monotonic() - self._read_at > KEPT_S:
                self._kept = self._read()
                self._read_at = monotonic()
            yield from self._kept

    def _read(self) -> list[Metric]:
        families = {
            name: GaugeMetricFamily(name, about, labels=["tenant", *labels])
            for name, (about, labels, _) in STORED.items()
        }
        lag = GaugeMetricFamily(
            "antiphon_projector_lag_facts",
            "Facts that the slowest read model has still to take",
            labels=["tenant"],
        )
        latency = GaugeHistogramMetricFamily(
            "antiphon_event_latency_seconds",
            "From the arrival of a report to the step that followed it, the last five minutes",
            labels=["tenant"],
        )
        unread = GaugeMetricFamily(
            "antiphon_tenants_unread", "Tenants whose numbers could not be read just now"
        )
        missed = 0
        for tenant in self._tenants():
            try:
                for name, samples in self._of(tenant).items():
                    for *labels, value in samples:
                        families[name].add_metric([tenant.tag, *map(str, labels)], float(value))
                lag.add_metric([tenant.tag], behind(self._database, tenant.name))
                self._add_latency(latency, tenant)
            except Exception as error:  # noqa: BLE001  # the others are told all the same
                LOG.warning("numbers of %s cannot be read: %s", tenant.name, type(error).__name__)
                missed += 1
        unread.add_metric([], missed)
        return [*families.values(), lag, latency, unread, *self._beats()]

    def _tenants(self) -> Sequence[Tenant]:
        return self._database.tenants()

    def _of(self, tenant: Tenant) -> Mapping[str, Sequence[Sequence[Any]]]:
        sql = Statements(schema_of(tenant.name))
        params = {"now": self._now(), "most": BOUND}
        with self._database.tenant_tx(tenant.name) as curs:
            tx = transaction(curs)
            return {name: sql.rows(tx, text, params) for name, (_, _, text) in STORED.items()}

    def _add_latency(self, family: GaugeHistogramMetricFamily, tenant: Tenant) -> None:
        sql = Statements(schema_of(tenant.name))
        with self._database.tenant_tx(tenant.name) as curs:
            ((total, *counts),) = sql.rows(transaction(curs), LATENCY, {"bounds": list(BUCKETS_S)})
        bounds = [*map(str, BUCKETS_S), "+Inf"]
        buckets = list(zip(bounds, map(float, counts[0]), strict=True))
        family.add_metric([tenant.tag], buckets, gsum_value=float(total))

    def _beats(self) -> list[Metric]:
        beats = GaugeMetricFamily(
            "antiphon_heartbeat_age_seconds",
            "Since the last sign of life of the processes of a role",
            labels=["role"],
        )
        with self._database.control_tx() as curs:
            for role, age in curs.execute(BEATS):
                beats.add_metric([role], float(age))
        return [beats]
