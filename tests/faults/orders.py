"""Which process is to die at which place: the place that saw the fewest deaths comes next."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random  # noqa: TID251  # seeded, so that orders can be repeated

from infra.failpoints import LOG, ORDERS

WORKER = (
    "before_claim",
    "after_claim_statement",
    "before_claim_commit",
    "after_claim_commit",
    "before_call",
    "after_call_written",
    "after_answer",
    "before_record_commit",
    "after_record_commit",
    "before_ingest_commit",
    "after_ingest_commit",
    "before_timer_commit",
    "after_timer_commit",
)
"""Where workers die: C0 to C8 of trust.md 1.2, and the same for reports and timers."""
PROJECTOR = ("in_projection",)
TICKER = ("after_doorbell",)
WEB = ("before_keep", "after_keep")
PLACES_OF = {"worker": WORKER, "projector": PROJECTOR, "ticker": TICKER, "web": WEB}
LATE = {
    "before_call": 30,
    "after_call_written": 30,
    "after_answer": 30,
    "in_projection": 200,
    "before_keep": 30,
    "after_keep": 30,
    "after_doorbell": 60,
}
"""Passes come often here: the one that kills is drawn from so many."""


class Orders:
    """Gives each new process its place; the file of passes tells what came of it."""

    def __init__(self, log: Path, seed: int) -> None:
        self._log = log
        self._dice = Random(seed)  # noqa: S311  # no secret
        self._given: Counter[str] = Counter()
        self.places: Sequence[str] = ()
        """Where processes may die from now on; nowhere when empty."""
        self.fixed: dict[str, str] = {}
        """Orders for processes by name, whatever the others have."""
        self.wanted = 1
        """After so many deaths a place has had enough."""

    def give(self, name: str, role: str, env: dict[str, str]) -> None:
        """Write the order of the next process of a role into its environment."""
        env[LOG] = str(self._log)
        if name in self.fixed:
            env[ORDERS] = self.fixed[name]
            return
        killed = self.kills()
        places = [
            place
            for place in PLACES_OF.get(role, ())
            if place in self.places and killed[place] < self.wanted
        ]
        if not places:
            env.pop(ORDERS, None)
            return
        place = min(places, key=lambda one: (killed[one], self._given[one]))
        self._given[place] += 1
        env[ORDERS] = f"{place}:{self._dice.randint(1, LATE.get(place, 2))}"

    def kills(self) -> Counter[str]:
        """Deaths by place, as the dying wrote them down."""
        return Counter(place for place, what in self._lines() if what == "kill")

    def freezes(self) -> Counter[str]:
        """Freezes by place."""
        return Counter(place for place, what in self._lines() if what == "freeze")

    def passes(self) -> Counter[str]:
        """How often each place was passed, deaths and all."""
        return Counter(place for place, _ in self._lines())

    def _lines(self) -> list[tuple[str, str]]:
        if not self._log.exists():
            return []
        lines = self._log.read_text(encoding="ascii").splitlines()
        return [(line.split()[0], line.split()[-1]) for line in lines]
