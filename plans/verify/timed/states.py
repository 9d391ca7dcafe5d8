"""A state of the exploration as one number: node, anchor, known facts, visits (11.3).

What no later node asks for is left out, so that histories which make no difference meet again.
"""

from collections.abc import Container, Iterator

from domain.plan import Send, Task, Wait
from plans.verify.resume import Resume
from plans.verify.timed.outline import FACT_BITS, UNSENT, Outline, Spot

_NODE_BITS, _ANCHOR_AT, _KNOWN_AT, _KEPT_AT = 7, 7, 13, 17
_STANDING = 1 << 6
_KEPT_BITS, _VISIT_BITS = 5, 4
SENT = 1 << 4
"""In the slot of a kept send: its message went out."""

Past = tuple[int, int, int, int]
"""Anchor (its number + 1, or 0), facts about it, slots of the kept sends, visits."""


class Coding:
    """How the states of one plan are written and read."""

    def __init__(self, plan: Outline) -> None:
        self.spots = plan.spots
        self.numbers = plan.numbers
        self.slot_of = {number: _KEPT_BITS * at for at, number in enumerate(plan.kept)}
        self.visits_at = _KEPT_AT + _KEPT_BITS * len(plan.kept)
        bounded = [spot.number for spot in plan.spots if spot.beyond >= 0]
        self.visit_of = {number: _VISIT_BITS * at for at, number in enumerate(bounded)}
        self.subject_of = {
            spot.number: plan.numbers[spot.node.about]
            for spot in plan.spots
            if isinstance(spot.node, Wait) and spot.node.about
        }
        self._relevant = self._masks()

    def entered(self, to: int, past: Past) -> int:
        """The state after coming to a node, or to where its used-up visits lead."""
        anchor, known, kept, visits = past
        spot = self.spots[to]
        while spot.beyond >= 0:
            at = self.visit_of[spot.number]
            if visits >> at & 15 < (spot.node.max_visits or 0):
                visits += 1 << at
                break
            spot = self.spots[spot.beyond]
        subject = self.subject_of.get(spot.number)
        if subject is not None:
            slot = kept >> self.slot_of[subject] & 31
            anchor, known = (subject + 1, slot & 15) if slot & SENT else (0, 0)
        return self.written(spot.number, (anchor, known, kept, visits))

    def written(self, number: int, past: Past, *, standing: bool = False) -> int:
        """The state of standing at a node after this past."""
        anchor, known, kept, visits = past
        whole = (
            anchor << _ANCHOR_AT | known << _KNOWN_AT | kept << _KEPT_AT | visits << self.visits_at
        )
        relevant = -1 if standing else self._relevant[number]
        return number | whole & relevant | (_STANDING if standing else 0)

    def past(self, state: int) -> Past:
        """What the state remembers."""
        kept = state >> _KEPT_AT & (1 << self.visits_at - _KEPT_AT) - 1
        visits = state >> self.visits_at
        return state >> _ANCHOR_AT & 63, state >> _KNOWN_AT & 15, kept, visits

    def resumed(self, resume: Resume) -> int:
        """The state in which a running contact-campaign is."""
        visits = sum(
            min(resume.visits.get(spot.id, 0), spot.node.max_visits or 0) << self.visit_of[number]
            for number, spot in enumerate(self.spots)
            if number in self.visit_of
        )
        anchor = self.numbers.get(resume.anchor, -1) + 1 if resume.anchor else 0
        known = _bits(resume.known)
        kept = 0
        for number, at in self.slot_of.items():
            name = self.spots[number].id
            facts = known if number + 1 == anchor else _bits(resume.heard.get(name, ()))
            sent = number + 1 == anchor or resume.visits.get(name, 0) > 0
            kept |= ((SENT if sent else 0) | facts) << at
        past = anchor, known, kept, visits
        number = self.numbers[resume.node]
        return self.entered(number, past) if resume.enter else self._standing(number, past)

    def _standing(self, number: int, past: Past) -> int:
        """A send whose message has not left yet is as if it had just been entered."""
        unsent = isinstance(self.spots[number].node, Send) and past[0] != number + 1
        return self.written(number, past, standing=not unsent)

    def _masks(self) -> list[int]:
        """Which bits of the past matter from each node on."""
        asked = _asking(self.spots)
        anchors = [self._anchor_mask(spot, asked) for spot in self.spots]
        if not self.subject_of and not self.visit_of:
            return anchors
        kept = map(self._kept_mask, _reach(self.spots))
        return [anchor | slots for anchor, slots in zip(anchors, kept, strict=True)]

    def _anchor_mask(self, spot: Spot, asked: list[bool]) -> int:
        watches = isinstance(spot.node, Wait | Task)
        return (1 << _KEPT_AT) - (1 << _ANCHOR_AT) if watches or asked[spot.number] else 0

    def _kept_mask(self, reached: int) -> int:
        mask = 0
        for wait, subject in self.subject_of.items():
            if reached >> wait & 1:
                mask |= 31 << _KEPT_AT + self.slot_of[subject]
        for number, at in self.visit_of.items():
            if reached >> number & 1:
                mask |= 15 << self.visits_at + at
        return mask


def node_of(state: int) -> int:
    """The number of the node."""
    return state & 63


def anchor_of(state: int) -> int:
    """The number of the anchor's node, or -1."""
    return (state >> _ANCHOR_AT & 63) - 1


def known_of(state: int) -> int:
    """The facts that are known about the anchor."""
    return state >> _KNOWN_AT & 15


def stands(state: int) -> bool:
    """Whether the token stood here before the exploration began."""
    return bool(state & _STANDING)


def _bits(facts: Container[str]) -> int:
    return sum(bit for fact, bit in FACT_BITS.items() if fact in facts)


def _next(spot: Spot) -> Iterator[int]:
    yield from (way.to for way in spot.ways)
    yield from (to for to, _ in spot.passes)
    if spot.beyond >= 0:
        yield spot.beyond


def _reach(spots: tuple[Spot, ...]) -> list[int]:
    """For each node the nodes that can come after it, as bits."""
    direct = [0] * len(spots)
    for spot in spots:
        for to in _next(spot):
            direct[spot.number] |= 1 << to
    reach, before = direct, None
    while reach != before:
        before = reach
        reach = [_closer(mask, before) for mask in before]
    return reach


def _closer(mask: int, reach: list[int]) -> int:
    found, rest = mask, mask
    while rest:
        lowest = rest & -rest
        found |= reach[lowest.bit_length() - 1]
        rest ^= lowest
    return found


def _asking(spots: tuple[Spot, ...]) -> list[bool]:
    """Whether a node, when it is entered, asks for the anchor that was there before."""
    asks = [False] * len(spots)
    changed = True
    while changed:
        changed = False
        for spot in reversed(spots):
            if not asks[spot.number] and _asks(spot, asks):
                asks[spot.number] = changed = True
    return asks


def _asks(spot: Spot, asks: list[bool]) -> bool:
    if spot.beyond >= 0 and asks[spot.beyond]:
        return True
    match spot.node:
        case Wait(about=None) | Task():
            return True
        case Wait():
            return False
        case Send():
            return any(asks[way.to] for way in spot.ways if way.on in UNSENT)
        case _:
            return any(asks[to] for to, _ in spot.passes)
