"""Time, chance and the doorbell: what every use case has around it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from domain.ids import TenantId


class Clock(Protocol):
    """The only source of the time that schedules: real, scaled or virtual (trust.md 1)."""

    def now(self) -> datetime: ...


class Calendars(Protocol):
    """Public holidays by the name of a country or of a part of it."""

    def dates(self, name: str, since: date, until: date) -> Sequence[date] | None:
        """The closed days from `since` to `until`, in order; None where the name is unknown."""
        ...


class Rng(Protocol):
    """The only source of chance: jitter of back-off, ids of requests and appends."""

    def uniform(self, low: float, high: float) -> float: ...

    def new_id(self) -> UUID: ...


class Doorbell(Protocol):
    """A message that says "look"; it carries no work and may be lost."""

    def ring(self, kind: str, tenant: TenantId) -> None:
        """Never raises: a lost bell costs one tick."""
        ...
