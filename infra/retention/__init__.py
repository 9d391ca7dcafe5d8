"""How long what is kept: partitions of raw deliveries, and rows that are forgotten in batches."""

from infra.retention.forgetting import ForgettingFailed, forget, forget_processes, overdue
from infra.retention.partitions import Partition, keep_up, partitions
from infra.retention.periods import Periods, periods_of, set_periods

__all__ = [
    "ForgettingFailed",
    "Partition",
    "Periods",
    "forget",
    "forget_processes",
    "keep_up",
    "overdue",
    "partitions",
    "periods_of",
    "set_periods",
]
