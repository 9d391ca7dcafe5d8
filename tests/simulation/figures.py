"""What many runs came to: figures for people, and which rare states were reached."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from tests.simulation.runs import Run, run

OFTEN = (
    "death at commit",
    "death at committed",
    "death at log.append",
    "death at outbox.fresh",
    "commit stored, answer lost",
    "commit not stored, answer lost",
    "connection cut",
    "idle transaction given up",
    "answer: taken",
    "answer: 400",
    "answer: 429",
    "answer: 500",
    "answer: 502 after taking",
    "answer: refused connection",
    "answer: reset after taking",
    "answer: silence",
    "returned: not_called",
    "unknown: sweep",
    "unknown resolved by webhook",
    "unknown resolved by silence",
    "sending accepted by webhook",
    "too late: webhook",
    "too late: sweep",
)
"""What a sample of some hundred runs must have reached, or it proves nothing."""

ALWAYS = (
    *OFTEN,
    "answer: 302",
    "answer: 401",
    "answer: 413",
    "answer: no name",
    "answer: reset",
    "answer: silence after taking",
    "answer: taken slowly",
    "answer: unreadable",
    "death at begin",
    "death at limits.take",
    "death at outbox.due",
    "death at outbox.mark",
    "death at provider.call",
    "death at provider.taken",
    "death at rows.lock",
    "freeze at provider.call",
    "freeze at outbox.fresh",
    "freeze at commit",
    "call of a process that woke late: UNKNOWN",
    "gate closed between look and call",
    "circuit opened by doubts",
    "circuit opened by account_refused",
    "circuit opened by probe",
    "circuit closed by answer",
    "resend ordered",
    "reopened: readdressed",
    "queued accepted by webhook",
    "presumed_lost accepted by webhook",
    "unknown accepted by answer",
    "unknown resolved by answer",
    "unknown resolved by not_sent",
    "unknown resolved by reply",
    "too late: dispatch",
    "too late: timer",
    "clock set back",
    "lock time-out",
)
"""What a long run must have reached besides."""


class Figures(msgspec.Struct):
    """Sums over runs."""

    seeds: int = 0
    steps: int = 0
    messages: int = 0
    calls: int = 0
    accepts: int = 0
    risked: int = 0
    late_calls: int = 0
    states: Counter[str] = msgspec.field(default_factory=Counter)
    tally: Counter[str] = msgspec.field(default_factory=Counter)
    mild_messages: int = 0
    mild_unknown: int = 0
    violations: list[tuple[int, str, str]] = []

    def add(self, one: Run) -> None:
        """Count a run."""
        self.seeds += 1
        self.steps += one.steps
        self.messages += one.messages
        self.calls += one.calls
        self.accepts += one.accepts
        self.risked += one.risked
        self.late_calls += one.late_calls
        self.states.update(one.states)
        self.tally.update(one.tally)
        if one.temper == "mild":
            self.mild_messages += one.messages
            self.mild_unknown += _unknown(one.tally)
        if one.violation:
            self.violations.append((one.seed, one.scene, one.violation))

    def merge(self, other: "Figures") -> None:
        """Count the runs of others."""
        for name in ("seeds", "steps", "messages", "calls", "accepts", "risked", "late_calls"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.mild_messages += other.mild_messages
        self.mild_unknown += other.mild_unknown
        self.states.update(other.states)
        self.tally.update(other.tally)
        self.violations += other.violations

    def missing(self, required: Sequence[str]) -> list[str]:
        """What was to be reached and was not."""
        return [name for name in required if not self.tally[name]]

    def lines(self) -> list[str]:
        """The figures as people read them."""
        deaths = sum(times for name, times in self.tally.items() if name.startswith("death"))
        freezes = sum(times for name, times in self.tally.items() if name.startswith("freeze"))
        stored, lost = (
            self.tally[f"commit {name}, answer lost"] for name in ("stored", "not stored")
        )
        cuts, wrong = self.tally["connection cut"], self.tally["presumed lost though taken"]
        mild = _percent(self.mild_unknown, self.mild_messages)
        duplicates = sum("I9" in why for _, _, why in self.violations)
        unknown = _unknown(self.tally)
        return [
            f"seeds {self.seeds}, steps {self.steps}, deaths {deaths}, freezes {freezes}",
            f"commits without answer: {stored} stored, {lost} not; cuts {cuts}",
            f"messages {self.messages}, calls {self.calls}, accepts {self.accepts}",
            f"duplicates {duplicates}; sent twice by an operator's order {self.risked}",
            f"ended as {dict(sorted(self.states.items()))}",
            f"UNKNOWN {unknown}: {_percent(unknown, self.messages)}, at mild faults {mild}",
            f"resolved by {_by_source(self.tally)}; presumed lost though taken {wrong}",
            f"calls after a gate closed, looked at before: {self.late_calls}",
        ]


def _unknown(tally: Counter[str]) -> int:
    return sum(times for name, times in tally.items() if name.startswith("unknown: "))


def _by_source(tally: Counter[str]) -> str:
    head = "unknown resolved by "
    found = {name.removeprefix(head): n for name, n in tally.items() if name.startswith(head)}
    return ", ".join(f"{name} {times}" for name, times in sorted(found.items())) or "nothing"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


def figures_of(seeds: Iterable[int]) -> Figures:
    """Run these seeds one after the other."""
    figures = Figures()
    for seed in seeds:
        figures.add(run(seed))
    return figures


def shortest(seed: int) -> Run:
    """The run of a failing seed with the shortest list of choices that still fails."""
    failed = run(seed)
    assert failed.violation, f"seed {seed} does not fail"
    low, high = 0, len(failed.choices)
    choices = failed.choices
    while low < high:
        middle = (low + high) // 2
        tried = run(seed, choices[:middle])
        if tried.violation:
            high, failed = middle, tried
        else:
            low = middle + 1
    failed.choices = choices[:high]
    return failed
