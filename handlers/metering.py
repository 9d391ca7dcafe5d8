"""What a web process notes of itself for whoever operates it, and the page that tells all of it."""

from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

MEDIA = "text/plain; version=0.0.4; charset=utf-8"


class Meter(Protocol):
    """Counts what happens in this process, and tells it with what stands in the database."""

    def count(self, name: str) -> None:
        """Add one to a counter of operation."""
        ...

    def served(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note an answer; `route` is the path as the tables have it, never as it was asked for."""
        ...

    def page(self) -> bytes:
        """Everything in the text format of Prometheus."""
        ...


class Metrics:
    """A door for those who run the process; bind it where the outside does not reach."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def page(self, _: Request) -> Response:
        """All metrics; no label of them is personal data."""
        return Response(self._meter.page(), headers={"Cache-Control": "no-store"}, media_type=MEDIA)
