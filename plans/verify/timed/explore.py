"""Every state a contact can come to, and how long each step between two takes (11.3)."""

import msgspec

from domain.ids import NodeId
from domain.plan import Send
from plans.verify.resume import Resume
from plans.verify.timed.liveness import Lane, View, view
from plans.verify.timed.outline import LEARNED, Outline, Spot
from plans.verify.timed.spans import Span
from plans.verify.timed.states import SENT, Coding, Past, known_of, node_of, stands

STATES_MAX = 20_000

ViewKey = tuple[int, int, bool]
"""Node, known facts, and whether the token stood there before."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """To another state: by a way of a watching node, or on at once, `high` seconds at most."""

    to: int
    lane: Lane | None
    high: int


class Explored(msgspec.Struct, frozen=True):
    """All states by number, the start first; `order` has each after all that can follow it.

    For each state: its node, the message that it still has to send, what was seen if it watches,
    the steps from it, and by which state it was found. `views` tells what was seen at which node.
    """

    outline: Outline
    states: list[int]
    spots: list[Spot]
    messages: list[Span | None]
    seen: list[View | None]
    steps: list[list[Step]]
    came_from: list[int]
    order: list[int]
    views: dict[ViewKey, View]
    too_many: bool

    def passes_at(self, state: int) -> bool:
        """Whether the token goes on from this state at the same instant."""
        passes = self.spots[state].passes
        return bool(passes) and not passes[0][1]

    def path_to(self, state: int) -> list[str]:
        """The nodes by which this state was first found."""
        path = [state]
        while self.came_from[path[-1]] >= 0:
            path.append(self.came_from[path[-1]])
        return [self.spots[each].id for each in reversed(path)]


def explore(plan: Outline, endless_s: int, resume: Resume | None = None) -> Explored:
    """Walk all states depth first in document order, but no more of them than the limit."""
    return _Explorer(plan, endless_s).explored(resume)


class _Explorer:
    def __init__(self, plan: Outline, endless_s: int) -> None:
        self.plan = plan
        self.coding = Coding(plan)
        self.endless_s = endless_s
        self.number_of: dict[int, int] = {}
        self.states: list[int] = []
        self.spots: list[Spot] = []
        self.messages: list[Span | None] = []
        self.seen: list[View | None] = []
        self.steps: list[list[Step]] = []
        self.came_from: list[int] = []
        self.views: dict[ViewKey, View] = {}
        self.alike: dict[ViewKey, View] = {}

    def explored(self, resume: Resume | None) -> Explored:
        start = self.plan.numbers[self.plan.plan.start]
        first = self.coding.resumed(resume) if resume else self.coding.entered(start, (0, 0, 0, 0))
        self._note(first, -1)
        order = self._walk()
        return Explored(
            outline=self.plan,
            states=self.states,
            spots=self.spots,
            messages=self.messages,
            seen=self.seen,
            steps=self.steps,
            came_from=self.came_from,
            order=order,
            views=self.views,
            too_many=len(self.states) > STATES_MAX,
        )

    def _walk(self) -> list[int]:
        order: list[int] = []
        pending, opened = [0], [False]
        while pending and len(self.states) <= STATES_MAX:
            number = pending.pop()
            if number < 0:
                order.append(~number)
                continue
            if opened[number]:
                continue
            opened[number] = True
            steps = self.steps[number] = self._expanded(number)
            opened += [False] * (len(self.states) - len(opened))
            pending.append(~number)
            pending += [step.to for step in reversed(steps) if not opened[step.to]]
        return order

    def _note(self, state: int, found_by: int) -> int:
        number = self.number_of.get(state)
        if number is None:
            number = self.number_of[state] = len(self.states)
            spot = self.plan.spots[node_of(state)]
            self.states.append(state)
            self.spots.append(spot)
            self.messages.append(None if stands(state) else spot.span)
            self.seen.append(None)
            self.steps.append([])
            self.came_from.append(found_by)
        return number

    def _expanded(self, number: int) -> list[Step]:
        state, spot = self.states[number], self.spots[number]
        note, entered = self._note, self.coding.entered
        past = self.coding.past(state)
        steps = [Step(note(entered(to, past), number), None, late) for to, late in spot.passes]
        for lane in self._lanes(number, spot):
            to, high = lane.way.to, lane.high
            steps += [
                Step(note(entered(to, after), number), lane, high)
                for after in self._after(state, spot, lane, past)
            ]
        return steps

    def _lanes(self, number: int, spot: Spot) -> tuple[Lane, ...]:
        if not spot.watches:
            return ()
        key = _view_key(spot, self.states[number])
        seen = self.views.get(key)
        if seen is None:
            seen = self.views[key] = self._view(spot, key[1] & spot.heeded, standing=key[2])
        self.seen[number] = seen
        return seen.lanes

    def _view(self, spot: Spot, heeded: int, *, standing: bool) -> View:
        key = (spot.number, heeded, standing)
        seen = self.alike.get(key)
        if seen is None:
            seen = self.alike[key] = view(spot, heeded, self.endless_s, standing=standing)
        return seen

    def _after(self, state: int, spot: Spot, lane: Lane, past: Past) -> list[Past]:
        """What may be known once this way was taken."""
        anchor, known, kept, visits = past
        own = self.coding.slot_of.get(spot.number)
        if isinstance(spot.node, Send) and not stands(state):
            if own is not None:
                kept &= ~(15 << own)
            if lane.unsent:
                return [(anchor, known, kept, visits)]
            anchor, known = spot.number + 1, 0
            kept |= 0 if own is None else SENT << own
        learned = LEARNED.get(lane.way.on, 0)
        past = anchor, known, kept, visits
        return self._learned(lane.way.about, past, learned) if learned else [past]

    def _learned(self, about: str, past: Past, learned: int) -> list[Past]:
        """An event about the anchor is known about it; with another subject it may be."""
        anchor = past[0] - 1
        if about == "anchor":
            return [self._with(anchor, past, learned)]
        subjects = [anchor, *self.coding.slot_of]
        if about != "any":
            number = self.plan.numbers[NodeId(about)]
            subjects = [number] if number in subjects else []
        known = [self._with(subject, past, learned) for subject in subjects]
        return list(dict.fromkeys([*known, past]))

    def _with(self, subject: int, past: Past, learned: int) -> Past:
        anchor, known, kept, visits = past
        if subject == anchor - 1:
            known |= learned
        at = self.coding.slot_of.get(subject)
        if at is not None and kept >> at & SENT:
            kept |= learned << at
        return anchor, known, kept, visits


def _view_key(spot: Spot, state: int) -> ViewKey:
    """A message that is only about to leave has no facts yet."""
    standing = stands(state)
    fresh = isinstance(spot.node, Send) and not standing
    return spot.number, 0 if fresh else known_of(state), standing
