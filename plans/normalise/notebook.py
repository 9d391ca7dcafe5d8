"""Notes of the normaliser while fields still move."""

from plans.pointer import pointer
from plans.verify.report import Note

Parts = tuple[str | int, ...]


class Notebook:
    """Collects notes; a note follows its field, so that it points into the finished document."""

    def __init__(self) -> None:
        self._notes: list[tuple[Parts, str]] = []

    def add(self, rule: str, at: Parts) -> None:
        """Note that the rule was applied there."""
        self._notes.append((at, rule))

    def moved(self, old: Parts, new: Parts) -> None:
        """Lead all notes at or below the old place to the new one."""
        self._notes = [
            (new + at[len(old) :] if at[: len(old)] == old else at, rule)
            for at, rule in self._notes
        ]

    def notes(self) -> tuple[Note, ...]:
        """The notes in the order in which the rules were applied."""
        return tuple(Note(pointer(*at), rule) for at, rule in self._notes)
