"""What may go wrong in the long run, seen early: `antiphon doctor`."""

from infra.doctor.examination import examine
from infra.doctor.finding import Finding, Word

__all__ = ["Finding", "Word", "examine"]
