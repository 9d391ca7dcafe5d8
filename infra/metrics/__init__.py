"""What operators watch: numbers of this process, and of all tenants as SQL has them."""

from infra.metrics.meter import PrometheusMeter
from infra.metrics.stored import StoredNumbers

__all__ = ["PrometheusMeter", "StoredNumbers"]
