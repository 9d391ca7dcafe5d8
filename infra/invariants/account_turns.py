"""What opens closes before it opens again: circuits and limits in the stream of an account."""

from collections.abc import Iterator, Sequence

from domain.accounts import AccountEvent
from domain.accounts.account import CapKey
from domain.accounts.facts import CapLifted, CapReached, CircuitClosed, CircuitOpened


def circuit_faults(facts: Sequence[AccountEvent]) -> Iterator[str]:
    """Openings that do not count on from the last closing, and closings of what is closed."""
    opens = 0
    for place, fact in enumerate(facts, 1):
        if isinstance(fact, CircuitOpened):
            if fact.opens != opens + 1:
                yield f"fact {place} is opening {fact.opens} of its circuit, after {opens}"
            opens += 1
        elif isinstance(fact, CircuitClosed):
            if not opens:
                yield f"fact {place} closes a circuit that was not open"
            opens = 0


def cap_faults(facts: Sequence[AccountEvent]) -> Iterator[str]:
    """Limits that are reached a second time before they are lifted, or lifted a second time."""
    reached: set[CapKey] = set()
    for place, fact in enumerate(facts, 1):
        if isinstance(fact, CapReached):
            if (fact.cap, fact.key) in reached:
                yield f"fact {place} reaches {fact.cap.value} again, which was not lifted"
            reached.add((fact.cap, fact.key))
        elif isinstance(fact, CapLifted):
            if (fact.cap, fact.key) not in reached:
                yield f"fact {place} lifts {fact.cap.value}, which was not reached"
            reached.discard((fact.cap, fact.key))


def caps_standing(facts: Sequence[AccountEvent]) -> list[CapReached]:
    """The limits that were reached and not lifted."""
    standing: dict[CapKey, CapReached] = {}
    for fact in facts:
        if isinstance(fact, CapReached):
            standing[fact.cap, fact.key] = fact
        elif isinstance(fact, CapLifted):
            standing.pop((fact.cap, fact.key), None)
    return list(standing.values())
