"""How soon a message can follow another one (11.4)."""

from collections.abc import Iterator
from math import inf

import msgspec

from domain.plan import Send
from domain.taxonomy import Family, Signal
from domain.timing import Duration, Schedule
from plans.pointer import pointer
from plans.verify.report import Issue, PatchStep, issue
from plans.verify.timed.explore import Explored, Step
from plans.verify.timed.outline import UNSENT, Spot, Way
from plans.verify.timed.spans import SHIFT_S, least_s
from plans.verify.timed.words import iso

FREE = (
    Signal.UNSUBSCRIBED,
    Signal.SPAM_REPORTED,
    Signal.BOUNCED,
    *UNSENT,
)
"""Ways after which the spacing is left to the engine."""


class Gap(msgspec.Struct, frozen=True):
    """The shortest time between two messages, and the states from the one to the other."""

    seconds: int
    states: tuple[int, ...]


class Nearness:
    """Back over all states: how soon the next message of each family can leave.

    `near` is the time by 11.4, past messages of other families; `sure` is never undercut and only
    to the very next message.
    """

    def __init__(self, explored: Explored) -> None:
        self.explored = explored
        self.families = explored.outline.families
        count = len(explored.states)
        self.near = [[inf] * len(self.families) for _ in range(count)]
        self.sure = [[inf] * len(self.families) for _ in range(count)]
        for state in explored.order:
            self._look(state)

    def _look(self, state: int) -> None:
        span, family = self.explored.messages[state], self.explored.spots[state].family
        near, sure = self.near[state], self.sure[state]
        for step in self.explored.steps[state]:
            lane = step.lane
            unsent = lane is not None and lane.unsent
            low, least = (lane.low, lane.sure) if lane else (0, 0)
            low += span.low if span and not unsent else 0
            for at, ahead in enumerate(self.near[step.to]):
                near[at] = min(near[at], low + ahead)
            if span is None or unsent:
                for at, ahead in enumerate(self.sure[step.to]):
                    sure[at] = min(sure[at], least + ahead)
        if span is not None and family is not None:
            at = self.families.index(family)
            near[at], sure[at] = min(near[at], span.low), min(sure[at], span.sure)

    def sends(self) -> Iterator[tuple[int, Family, Step]]:
        """Every step that a message which left takes on."""
        for state in range(len(self.explored.states)):
            family = self.explored.spots[state].family
            for step in self.explored.steps[state] if family is not None else ():
                if family is not None and step.lane is not None and not step.lane.unsent:
                    yield state, family, step

    def too_soon(self) -> Iterator[Issue]:
        """E_SPACING, once for each transition of a send."""
        limits = self.explored.outline.plan.limits
        told: set[tuple[int, int]] = set()
        for state, family, step in self.sends():
            lane = step.lane
            assert lane is not None
            node = self.explored.spots[state].number
            if lane.way.on in FREE or (node, lane.way.index) in told:
                continue
            ahead = self.near[step.to]
            any_s, family_s = lane.low + min(ahead), lane.low + ahead[self.families.index(family)]
            if family_s + SHIFT_S < limits.min_spacing.nominal_s:
                told.add((node, lane.way.index))
                yield self._issue(state, step, int(family_s), limits.min_spacing, str(family))
            elif any_s < limits.min_spacing_any.nominal_s:
                told.add((node, lane.way.index))
                yield self._issue(state, step, int(any_s), limits.min_spacing_any, "")

    def _issue(self, state: int, step: Step, seconds: int, limit: Duration, family: str) -> Issue:
        node = self.explored.spots[state].number
        name = self.explored.outline.spots[node].id
        way = step.lane.way if step.lane else None
        assert way is not None
        kind = f"{family} message" if family else "message"
        missing = limit.nominal_s - seconds
        states = self._states(step, family)
        return issue(
            "E_SPACING",
            pointer("nodes", node, "transitions", way.index),
            f'the next {kind} can follow "{name}" after {iso(seconds)}, which is sooner than '
            f"{limit.text}",
            node=name,
            expected=limit.text,
            got=iso(seconds),
            suggestion=f"delay the next send by {iso(missing)} more",
            patch=_later(node, way, self.explored.spots[states[-1]], missing),
            witness={"path": self.explored.path_to(state) + self._ids(states)},
        )

    def _ids(self, states: list[int]) -> list[str]:
        return [self.explored.spots[state].id for state in states]

    def _states(self, step: Step, family: str) -> list[int]:
        wanted = [at for at, each in enumerate(self.families) if family in ("", each)]
        path = [step.to]
        while not self._arrived(path[-1], wanted):
            steps = self.explored.steps[path[-1]]
            path.append(min(steps, key=lambda each: self._rest(each, wanted)).to)
        return path

    def _rest(self, step: Step, wanted: list[int]) -> float:
        low = step.lane.low if step.lane else 0
        return low + min(self.near[step.to][at] for at in wanted)

    def _arrived(self, state: int, wanted: list[int]) -> bool:
        family = self.explored.spots[state].family
        return family is not None and self.families.index(family) in wanted

    def shortest(self) -> Gap | None:
        """The least time between two messages, with what the engine itself keeps."""
        limits = self.explored.outline.plan.limits
        best: tuple[float, int, Step, int] | None = None
        for state, family, step in self.sends():
            lane = step.lane
            assert lane is not None
            for at, next_family in enumerate(self.families):
                kept = limits.min_spacing if next_family == family else limits.min_spacing_any
                least = max(lane.sure + self.sure[step.to][at], least_s(kept))
                if self.sure[step.to][at] < inf and (best is None or least < best[0]):
                    best = least, state, step, at
        if best is None:
            return None
        seconds, state, step, at = best
        return Gap(int(seconds), (state, *self._onward(step.to, at)))

    def _onward(self, state: int, at: int) -> list[int]:
        path = [state]
        while self.explored.steps[path[-1]] and not self._sends(path[-1], at):
            steps = self.explored.steps[path[-1]]
            path.append(
                min(
                    steps,
                    key=lambda step: (step.lane.sure if step.lane else 0) + self.sure[step.to][at],
                ).to
            )
        return path

    def _sends(self, state: int, at: int) -> bool:
        span = self.explored.messages[state]
        return span is not None and span.sure == self.sure[state][at]


def _later(node: int, way: Way, send: Spot, missing_s: int) -> tuple[PatchStep, ...] | None:
    """What makes up for it: a timer waits longer; else the next send, if it has no other time."""
    if way.synthetic is not None:
        path = pointer("nodes", node, "transitions", way.index, "after")
        return ({"op": "add", "path": path, "value": _more(way.after, missing_s)},)
    assert isinstance(send.node, Send)
    schedule = send.node.schedule
    if schedule != Schedule(delay=schedule.delay) or send.node.if_past != "send":
        return None
    value = {"delay": _more(schedule.delay, missing_s)}
    return ({"op": "add", "path": pointer("nodes", send.number, "schedule"), "value": value},)


def _more(time: Duration, seconds: int) -> str:
    return Duration(time.days, time.seconds + seconds).text
