"""What came of one invariant: how much was looked at, how much is broken, the first ten."""

import msgspec

EXAMPLES_MAX = 10


class Finding(msgspec.Struct, frozen=True):
    """One invariant; `skipped` says why nothing was looked at, None that it was."""

    id: str
    title: str
    examined: int
    broken: int
    examples: tuple[str, ...] = ()
    skipped: str | None = None


class Tally:
    """A finding in the making, for what is counted one by one."""

    def __init__(self, id: str, title: str) -> None:  # noqa: A002  # the finding's own word
        self.id = id
        self.title = title
        self.examined = 0
        self._broken: list[str] = []
        self._more = 0

    def add(self, complaint: str) -> None:
        """Count one violation; the first ones are told."""
        if len(self._broken) < EXAMPLES_MAX:
            self._broken.append(complaint)
        else:
            self._more += 1

    def add_many(self, number: int, examples: list[str]) -> None:
        """Count violations of which only some are told."""
        for example in examples:
            self.add(example)
        self._more += number - len(examples)

    def finding(self, note: str = "") -> Finding:
        """What was counted; a note goes to the title."""
        broken = len(self._broken) + self._more
        return Finding(self.id, self.title + note, self.examined, broken, tuple(self._broken))


def number_of(finding: Finding) -> int:
    """The place of a finding in the list of trust.md 2."""
    return int(finding.id.removeprefix("I"))
