"""The provider's own book, read while the provider still writes it."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from infra.sandbox.events import event_of
from infra.sandbox.ledger import Accepted, Settled
from infra.sandbox.persons import DEFAULT_RATES, Kind
from infra.sandbox.planning import Planned, plan

_LINE: msgspec.json.Decoder[Accepted | Settled] = msgspec.json.Decoder(Accepted | Settled)
REPORTED = frozenset({Kind.PROCESSED, Kind.DELIVERED, Kind.DEFERRED, Kind.BOUNCED, Kind.BLOCKED})
"""Reactions that the provider reports whatever its customer has switched on."""


class Book:
    """What the provider accepted, and which of its reports were answered with 2xx."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._seed = seed
        self._read = 0
        self._accepts: Counter[str] = Counter()
        self._reports: dict[tuple[int, int], Planned] = {}
        self._settled: set[tuple[int, int]] = set()

    def accepts(self) -> Counter[str]:
        """How often each message was accepted."""
        self._read_on()
        return self._accepts.copy()

    def acknowledged(self) -> set[str]:
        """The `sg_event_id` of every report of a delivery that the customer acknowledged."""
        self._read_on()
        return {
            str(event_of(planned, self._seed)["sg_event_id"])
            for name, planned in self._reports.items()
            if name in self._settled
        }

    def to_come(self, until: datetime) -> int:
        """Reports of deliveries up to an instant that nobody has acknowledged yet."""
        self._read_on()
        left = self._reports.keys() - self._settled
        return sum(self._reports[name].at <= until for name in left)

    def _read_on(self) -> None:
        for line in self._lines():
            match line:
                case Accepted():
                    self._accepts[line.message] += 1
                    planned = plan(line, self._seed, DEFAULT_RATES)
                    self._reports |= {
                        each.name: each for each in planned if each.reaction.kind in REPORTED
                    }
                case Settled():
                    self._settled.add((line.number, line.step))

    def _lines(self) -> Iterator[Accepted | Settled]:
        """Whole lines that were not read before."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                yield _LINE.decode(line)
