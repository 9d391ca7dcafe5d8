"""What operators watch: numbers of this process, and of all tenants as SQL has them."""

from infra.prometheus.meter import PrometheusMeter
from infra.prometheus.stored import StoredNumbers

__all__ = ["PrometheusMeter", "StoredNumbers"]
