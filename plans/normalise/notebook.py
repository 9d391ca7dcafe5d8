"""Notes of the normaliser while fields still move."""

from plans.pointer import pointer
from plans.verify.report import Note

Parts = tuple[str | int, ...]

NOTES_MAX = 6_000
"""More than sixty nodes can need; what has more is refused for its shape."""


class Notebook:
    """Collects notes; a note follows its field, so that it points into the finished document."""

    def __init__(self) -> None:
        self._rules: list[str] = []
        self._places: list[Parts] = []
        self._by_node: dict[Parts, list[int]] = {}

    def add(self, rule: str, at: Parts) -> None:
        """Note that the rule was applied there."""
        if len(self._rules) < NOTES_MAX:
            self._by_node.setdefault(at[:2], []).append(len(self._rules))
            self._rules.append(rule)
            self._places.append(at)

    def moved(self, old: Parts, new: Parts) -> None:
        """Lead all notes at or below the old place to the new one of the same node."""
        for index in self._by_node.get(old[:2], ()):
            at = self._places[index]
            if at[: len(old)] == old:
                self._places[index] = new + at[len(old) :]

    def notes(self) -> tuple[Note, ...]:
        """The notes in the order in which the rules were applied."""
        return tuple(map(Note, (pointer(*at) for at in self._places), self._rules))
