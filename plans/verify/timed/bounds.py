"""The bounds of a plan over all its states: sends, cost, paths, time to the end (11.4)."""

from collections.abc import Mapping, Sequence

import msgspec

from domain.plan import Send
from plans.verify.resume import Resume
from plans.verify.timed.explore import Explored, Step
from plans.verify.timed.outline import Spot
from plans.verify.timed.shortfalls import Shortfalls, shortfalls
from plans.verify.timed.spans import SHIFT_S, Span, longest_closed_s

Costs = Mapping[str, float]
"""What a message costs, by channel family."""
NEVER = -1
"""No such path."""


class Course(msgspec.Struct, frozen=True):
    """One end of a range, and the states by which it is reached."""

    value: int
    states: tuple[int, ...]


class Bounds(msgspec.Struct, frozen=True):
    """What no run of the plan leaves, pauses, holds, auto-replies and retries aside.

    `row` is the most nodes that are passed at one instant. Where the plan waits for an absolute
    time (`dated`), that wait is not in `longest_s`: only the engine's own end bounds it.
    """

    most_sends: Course
    fewest_sends: int
    longest_s: Course
    shortest_s: int
    paths: int
    cost: float
    row: int
    dated: bool


def bounds(explored: Explored, costs: Costs, resume: Resume | None) -> Bounds:
    """The bounds of the whole course; what lies behind a resumed one is added."""
    sent, elapsed_s = (resume.sends, resume.elapsed_s) if resume else (0, 0)
    ahead = _Ahead(explored, costs, shortfalls(explored, resumed=sent > 0))
    for state in explored.order:
        ahead.look(state)
    most, longest = ahead.most_sends(), ahead.longest()
    return Bounds(
        most_sends=Course(most.value + sent, most.states),
        fewest_sends=ahead.fewest[0] + sent,
        longest_s=Course(longest.value + elapsed_s, longest.states),
        shortest_s=ahead.shortest[0] + elapsed_s,
        paths=ahead.paths[0],
        cost=round(ahead.cost[0], 6),
        row=max(ahead.row),
        dated=any(spot.span.absolute for spot in explored.outline.spots if spot.span),
    )


class _Ahead:
    """What lies ahead of each state.

    Of the two lists for the longest time, `moved` has the paths on which a change of the clock is
    counted already; `onward` has both for each step.
    """

    def __init__(self, explored: Explored, costs: Costs, short: Shortfalls) -> None:
        count = len(explored.states)
        self.explored = explored
        self.short = short
        self.most, self.fewest, self.paths = [0] * count, [0] * count, [1] * count
        self.shortest, self.cost, self.row = [0] * count, [0.0] * count, [0] * count
        self.steady, self.moved = [0] * count, [NEVER] * count
        self.onward: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        self.price = [_price(spot, costs) for spot in explored.outline.spots]

    def look(self, state: int) -> None:
        """Take the step from what follows a state to the state itself."""
        steps, span = self.explored.steps[state], self.explored.messages[state]
        seen = self.explored.seen[state]
        endless_s = seen.horizon_s if seen and seen.stuck else NEVER
        if not steps:
            self._end(state, span, max(endless_s, 0))
        else:
            self._counts(state, steps, span)
            if self.explored.passes_at(state):
                self.row[state] = 1 + max([self.row[step.to] for step in steps])
            self.paths[state] = sum(self.paths[step.to] for step in steps) + (endless_s >= 0)
        self._times(state, steps, span, endless_s)

    def _end(self, state: int, span: Span | None, endless_s: int) -> None:
        if span is not None:
            self.most[state] = self.fewest[state] = 1
            self.cost[state] = self.price[self.explored.spots[state].number]
        self.shortest[state] = endless_s + (span.low if span else 0)

    def _counts(self, state: int, steps: Sequence[Step], span: Span | None) -> None:
        one, low = (1, span.low) if span else (0, 0)
        price = self.price[self.explored.spots[state].number] if span else 0.0
        self.most[state] = one + max([self.most[step.to] for step in steps])
        self.cost[state] = price + max([self.cost[step.to] for step in steps])
        fewest, shortest = [], []
        for step in steps:
            lane, to = step.lane, step.to
            if lane is not None and lane.unsent:
                fewest.append(self.fewest[to])
                shortest.append(self.shortest[to])
            else:
                fewest.append(self.fewest[to] + one)
                shortest.append(self.shortest[to] + low + (lane.low if lane else 0))
        seen = self.explored.seen[state]
        fewest += [one] if seen and seen.stuck else []
        self.fewest[state], self.shortest[state] = min(fewest), min(shortest)

    def _times(self, state: int, steps: Sequence[Step], span: Span | None, endless_s: int) -> None:
        steady, moved = (0, NEVER) if not steps and endless_s < 0 else (NEVER, endless_s)
        if steps:
            after = self.onward[state] = [self._after(step) for step in steps]
            steady = max(steady, *[each for each, _ in after])
            moved = max(moved, *[each for _, each in after])
        if span is not None:
            before = span.high + self.short.of[state]
            steady, moved = _later(steady, before), _later(moved, before)
            if span.shifted:
                steady, moved = NEVER, max(steady, moved)
        self.steady[state], self.moved[state] = steady, moved

    def _after(self, step: Step) -> tuple[int, int]:
        """The longest times from a step on: without a change of the clock counted, and with it."""
        steady, moved, lane = self.steady[step.to], self.moved[step.to], step.lane
        high = step.high + self.short.added_to(step)
        steady = steady + high if steady != NEVER else NEVER
        moved = moved + high if moved != NEVER else NEVER
        if lane is not None and lane.shifted:
            return NEVER, max(steady, moved)
        return steady, moved

    def most_sends(self) -> Course:
        """From the start along the steps after which the most sends are still to come."""
        path = [0]
        while steps := self.explored.steps[path[-1]]:
            path.append(max(steps, key=lambda step: self.most[step.to]).to)
        return Course(self.most[0], tuple(path))

    def longest(self) -> Course:
        """The longest time; one change of the clock is added where none was counted."""
        path, margin = [0], SHIFT_S if _closes(self.explored) else 0
        longest = max(self.moved[0], _later(self.steady[0], margin))
        allowed = margin if self.moved[0] < longest else 0
        while (step := self._longest_step(path[-1], allowed)) is not None:
            allowed = 0 if self._shifts(path[-1], step) else allowed
            path.append(step.to)
        return Course(longest, tuple(path))

    def _longest_step(self, state: int, margin: int) -> Step | None:
        steps, seen = self.explored.steps[state], self.explored.seen[state]
        if not steps:
            return None
        lengths = [max(_later(steady, margin), moved) for steady, moved in self.onward[state]]
        best = max(range(len(steps)), key=lambda at: (lengths[at], _waits(steps[at])))
        if seen and seen.stuck and seen.horizon_s >= lengths[best]:
            return None
        return steps[best]

    def _shifts(self, state: int, step: Step) -> bool:
        span = self.explored.messages[state]
        lane = step.lane
        return bool((span and span.shifted) or (lane and lane.shifted))


def _waits(step: Step) -> bool:
    """Whether a timer makes this step; of equals it is the one to show."""
    return step.lane is not None and step.lane.way.synthetic is not None


def _later(value: int, seconds: int) -> int:
    return value + seconds if value != NEVER else NEVER


def _price(spot: Spot, costs: Costs) -> float:
    return costs.get(spot.family, 0.0) if spot.family else 0.0


def _closes(explored: Explored) -> bool:
    """Whether any send may have to wait for opening hours."""
    nodes = (spot.node for spot in explored.outline.spots)
    hours = {id(node.hours): node.hours for node in nodes if isinstance(node, Send)}
    return any(map(longest_closed_s, hours.values()))
