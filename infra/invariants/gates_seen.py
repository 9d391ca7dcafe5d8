"""What the claims themselves wrote down: no attempt against a gate that was seen closed."""

from collections.abc import Mapping, Sequence

from domain.events import SendAttemptStarted
from domain.gates import RULES_VERSION, judged
from infra.invariants.finding import Finding, Tally
from infra.invariants.snapshot import Snapshot
from infra.invariants.streams import Stream

ID_OF: Mapping[str, str] = {
    "hours": "I14",
    "weekend": "I14",
    "region_hours": "I14",
    "caps": "I15",
    "other_campaigns": "I16",
    "mail": "I17",
}
"""The invariant that a gate is there for; the others are for I13."""
OTHERS = "I13"


class GatesSeen:
    """Asks every gate again, of what was seen; another release's view is not judged by this one."""

    def __init__(self) -> None:
        self._tallies = {id_: Tally(id_, "") for id_ in sorted({*ID_OF.values(), OTHERS})}

    def take(self, taken: Snapshot, batch: Sequence[Stream]) -> None:  # noqa: ARG002  # a Look
        for stream in batch:
            for recorded in stream.facts:
                if isinstance(recorded.fact, SendAttemptStarted):
                    self._judge(recorded.fact)

    def _judge(self, fact: SendAttemptStarted) -> None:
        seen = fact.seen
        if seen is None or seen.rules != RULES_VERSION:
            return
        for one in judged(seen, fact.at):
            if one.verdict is not None:
                self._tallies[ID_OF.get(one.gate.name, OTHERS)].add(
                    f"message {fact.message_id}, attempt {fact.attempt}: started though gate "
                    f"{one.gate.name!r} said {one.verdict.reason}"
                )

    def findings(self, taken: Snapshot, note: str) -> list[Finding]:  # noqa: ARG002  # a Look
        return [tally.finding() for tally in self._tallies.values()]
