"""The log of what administrators do."""

from typing import Protocol
from uuid import UUID

from domain.acts import AdminEvent, AdminRecorded


class ActLog(Protocol):
    """The administrators' log of one tenant; it only grows."""

    def record(self, fact: AdminEvent, *, actor: str, request: UUID) -> int:
        """Append a fact in a transaction of its own; its version."""
        ...

    def page(self, before: int | None, limit: int) -> list[AdminRecorded]:
        """Facts, newest first; `before` is a version."""
        ...
