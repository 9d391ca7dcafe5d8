"""Pages of one log for its readers: read for one of them, or once for all at the same place."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from domain.events import topic_of
from domain.recorded import Recorded
from infra.codec import UnreadableEvent
from infra.log import Log


class Page(NamedTuple):
    """Facts in the order of the log, and the position up to which there are no others."""

    facts: Sequence[Recorded]
    reached: int


class Pages(Protocol):
    """Where a reader gets its pages."""

    def read(self, after: int, upto: int, limit: int, topics: Sequence[str]) -> Page:
        """Up to `limit` facts after a position and up to another one that is there already."""
        ...


class OwnPages:
    """Reads the facts of the asked topics, and no others."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def read(self, after: int, upto: int, limit: int, topics: Sequence[str]) -> Page:
        """Implements Pages."""
        facts = _upto(self._log.page(after, limit, topics), upto)
        # A page that is not full ends where the caller looked, so a quiet topic is not late.
        return Page(facts, facts[-1].position if len(facts) == limit else upto)


class SharedPages:
    """Reads the facts of all readers at once: those that ask for the same place get them, too.

    What was read is kept until somebody asks for another place; one thread asks at a time. A fact
    that cannot be read concerns only the readers of its topic: each reads for itself then.
    """

    def __init__(self, log: Log, topics: Iterable[str]) -> None:
        self._own = OwnPages(log)
        self._topics = sorted(set(topics))
        self._place: tuple[int, int, int] | None = None
        self._read: Sequence[tuple[str, Recorded]] = ()
        self._reached = 0

    def read(self, after: int, upto: int, limit: int, topics: Sequence[str]) -> Page:
        """Implements Pages."""
        if self._place != (after, upto, limit):
            self._place = None
            try:
                page = self._own.read(after, upto, limit, self._topics)
            except UnreadableEvent:
                return self._own.read(after, upto, limit, topics)
            self._read = [(topic_of(each.fact), each) for each in page.facts]
            self._place, self._reached = (after, upto, limit), page.reached
        wanted = frozenset(topics)
        facts = [each for topic, each in self._read if topic in wanted]
        return Page(facts, self._reached)


def _upto(found: Sequence[Recorded], position: int) -> list[Recorded]:
    return [each for each in found if each.position <= position]
