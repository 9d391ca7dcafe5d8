"""The counters of one web process, in a registry of its own, beside what the database tells."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.registry import Collector
from typing_extensions import override

from handlers.metering import Meter

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
REFUSED = "webhook.refused."


class PrometheusMeter(Meter):
    """Implements handlers.metering.Meter."""

    def __init__(self, stored: Collector | None = None) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        self._requests = Counter(
            "antiphon_http_requests",
            "Answers of this web process, by method, route and status",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "antiphon_http_request_seconds",
            "From the first byte of a request to the last of its answer, seconds, by route",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._refused = Counter(
            "antiphon_webhooks_refused",
            "Posts of providers that were not taken, by why",
            ("reason",),
            registry=self._registry,
        )
        self._operation = Counter(
            "antiphon_operation",
            "Other things that should not happen often, by name",
            ("name",),
            registry=self._registry,
        )
        if stored is not None:
            self._registry.register(stored)

    @override
    def count(self, name: str) -> None:
        if name.startswith(REFUSED):
            self._refused.labels(name.removeprefix(REFUSED)).inc()
        else:
            self._operation.labels(name).inc()

    @override
    def served(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    @override
    def page(self) -> bytes:
        return generate_latest(self._registry)
