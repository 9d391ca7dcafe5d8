"""The provider's own book, read while the provider still writes it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from infra.sandbox.events import event_of
from infra.sandbox.ledger import Accepted, Settled
from infra.sandbox.persons import DEFAULT_RATES, Kind
from infra.sandbox.planning import plan

_LINE: msgspec.json.Decoder[Accepted | Settled] = msgspec.json.Decoder(Accepted | Settled)
REPORTED = frozenset({Kind.PROCESSED, Kind.DELIVERED, Kind.DEFERRED, Kind.BOUNCED, Kind.BLOCKED})
"""Reactions that the provider reports whatever its customer has switched on."""


class Book:
    """What the provider accepted, and which of its reports were answered with 2xx."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._seed = seed

    def accepts(self) -> Counter[str]:
        """How often each message was accepted."""
        return Counter(line.message for line in self._lines() if isinstance(line, Accepted))

    def acknowledged(self) -> set[str]:
        """The `sg_event_id` of every report of a delivery that the customer acknowledged."""
        accepted: dict[int, Accepted] = {}
        settled: set[tuple[int, int]] = set()
        for line in self._lines():
            match line:
                case Accepted():
                    accepted[line.number] = line
                case Settled():
                    settled.add((line.number, line.step))
        return {
            str(event_of(planned, self._seed)["sg_event_id"])
            for each in accepted.values()
            for planned in plan(each, self._seed, DEFAULT_RATES)
            if planned.name in settled and planned.reaction.kind in REPORTED
        }

    def _lines(self) -> Iterator[Accepted | Settled]:
        if self._path.exists():
            for line in self._path.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    yield _LINE.decode(line)
