"""States of streams that were lately read or written, so that a burst folds each fact once.

A state is believed only while the row of the log at its version is the one it was made of: at the
same position, which is given once, and byte for byte. So what a transaction undid, or a backup took
back, costs a reading and nothing else.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock

import msgspec

from domain.campaign import INITIAL, Campaign
from domain.ids import StreamId
from infra.audit.chain import GENESIS

KEPT_MAX = 2_000


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A stream up to a version: the state, and its last fact as it is stored, with its hash."""

    version: int = 0
    state: Campaign = INITIAL
    row: tuple[int, str, bytes] = (0, "", b"")
    """Position, topic and body."""
    head: bytes = GENESIS


NOTHING = Kept()


class KeptStates:
    """At most so many streams; the one that was not asked for the longest goes first."""

    def __init__(self, size: int = KEPT_MAX) -> None:
        self._size = size
        self._kept: OrderedDict[StreamId, Kept] = OrderedDict()
        self._lock = Lock()

    def of(self, streams: Iterable[StreamId]) -> dict[StreamId, Kept]:
        """What is kept of each of these streams, or nothing."""
        with self._lock:
            found = {stream: self._kept.get(stream, NOTHING) for stream in streams}
            for stream, kept in found.items():
                if kept is not NOTHING:
                    self._kept.move_to_end(stream)
        return found

    def keep(self, states: Mapping[StreamId, Kept]) -> None:
        """Keep these as the latest."""
        with self._lock:
            for stream, kept in states.items():
                self._kept[stream] = kept
                self._kept.move_to_end(stream)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
