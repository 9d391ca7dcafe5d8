"""What `antiphon check` counts: every invariant (trust.md 2) that a tenant's tables can tell."""

from infra.invariants.finding import Finding
from infra.invariants.run import STREAMS_MAX, check

__all__ = ["STREAMS_MAX", "Finding", "check"]
