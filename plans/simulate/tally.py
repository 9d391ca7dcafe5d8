"""What many runs come to: counted fact by fact, so that no run has to be kept."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from domain.campaign import Campaign
from domain.events import (
    CampaignStarted,
    Completed,
    Event,
    Exited,
    MessageAccepted,
    NodeEntered,
    TransitionTaken,
    WebhookResolved,
)
from domain.ids import NodeId
from domain.plan import WATCHING, Branch, Plan, Send, Split, Webhook
from domain.taxonomy import FAMILY_OF, Channel
from domain.timing.zones import local
from plans.context import Family
from plans.pointer import pointer

DEFAULT_SENDER = "default"
"""Stands for the campaign's own sender, where a node names none."""
DAY = timedelta(days=1)

Way = tuple[NodeId, str | int]
Path = tuple[tuple[NodeId, ...], str | None]


class Tally:
    """Counts of one simulation."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._choosing = {name for name, node in plan.nodes.items() if _chooses(node)}
        self.runs = 0
        self.facts = 0
        self.outcomes: Counter[str] = Counter()
        self.paths: Counter[Path] = Counter()
        self.taken: set[Way] = set()
        self.reached: Counter[NodeId] = Counter()
        self.sent_after: dict[NodeId, list[timedelta]] = {}
        self.sends: Counter[Channel] = Counter()
        self.hours: Counter[tuple[int, int]] = Counter()
        self.days: Counter[tuple[str, date]] = Counter()
        self.durations: list[timedelta] = []
        self._course: _Course = _Course()

    def add(self, state: Campaign, facts: list[Event]) -> None:
        """Count one run that is over."""
        self._course = course = _Course()
        for fact in facts:
            count = _COUNT.get(type(fact))
            if count is not None:
                count(self, fact)
        assert state.started_at is not None
        assert state.outcome is not None
        self.runs += 1
        self.facts += len(facts)
        self.outcomes[state.outcome] += 1
        self.paths[tuple(course.path), course.exit] += 1
        for node in course.sent:
            self.reached[node] += 1
        self.durations.append(course.ended_at - state.started_at)

    def never_taken(self) -> list[str]:
        """Pointers of the ways out that no run used, in document order."""
        return [place for way, place in _ways(self._plan) if way not in self.taken]

    def _started(self, fact: CampaignStarted) -> None:
        self._course.started_at = fact.at

    def _entered(self, fact: NodeEntered) -> None:
        self._course.path.append(fact.node)
        if fact.node in self._choosing:
            self.taken.add((fact.node, fact.choice))

    def _moved(self, fact: TransitionTaken) -> None:
        self.taken.add((fact.node, fact.index))

    def _answered(self, fact: WebhookResolved) -> None:
        if not fact.ok:
            self.taken.add((fact.node, "onError"))

    def _sent(self, fact: MessageAccepted) -> None:
        node = self._plan.nodes[fact.node]
        assert isinstance(node, Send)
        self._course.sent.add(fact.node)
        self.sent_after.setdefault(fact.node, []).append(fact.at - self._course.started_at)
        self.sends[node.channel] += 1
        shown = local(fact.at, self._plan.zone)
        self.hours[shown.weekday(), shown.hour] += 1
        self.days[fact.sender or DEFAULT_SENDER, shown.date()] += 1

    def _completed(self, fact: Completed) -> None:
        self._course.path.append(fact.node)
        self._course.ended_at = fact.at

    def _exited(self, fact: Exited) -> None:
        self._course.ended_at = fact.at
        self._course.exit = fact.reason

    def cost(self, costs: Mapping[Family, float]) -> float:
        """What all messages cost, by the price of one in each channel family."""
        prices = {channel: costs.get(FAMILY_OF[channel].value, 0.0) for channel in Channel}
        return sum(price * self.sends[channel] for channel, price in prices.items())


class _Course:
    """Where one run went."""

    __slots__ = ("ended_at", "exit", "path", "sent", "started_at")

    def __init__(self) -> None:
        self.path: list[NodeId] = []
        self.sent: set[NodeId] = set()
        self.exit: str | None = None
        self.started_at: datetime
        self.ended_at: datetime


_COUNT: Mapping[type[Event], Callable[[Tally, Any], None]] = {
    CampaignStarted: Tally._started,  # noqa: SLF001  # its own table
    NodeEntered: Tally._entered,  # noqa: SLF001  # as above
    TransitionTaken: Tally._moved,  # noqa: SLF001  # as above
    WebhookResolved: Tally._answered,  # noqa: SLF001  # as above
    MessageAccepted: Tally._sent,  # noqa: SLF001  # as above
    Completed: Tally._completed,  # noqa: SLF001  # as above
    Exited: Tally._exited,  # noqa: SLF001  # as above
}


def _chooses(node: object) -> bool:
    return isinstance(node, Branch | Split)


def _ways(plan: Plan) -> Iterator[tuple[Way, str]]:
    """The ways out of each node as runs tell them, with their pointers."""
    for index, node in enumerate(plan.nodes.values()):
        named: list[tuple[str | int, tuple[str | int, ...]]] = []
        if isinstance(node, WATCHING):
            named = [(way, ("transitions", way)) for way in range(len(node.transitions))]
        elif isinstance(node, Branch):
            named = [(case, ("cases", case)) for case in range(len(node.cases))]
            named.append((len(node.cases), ("otherwise",)))
        elif isinstance(node, Split):
            named = [(arm, ("arms", arm)) for arm in range(len(node.arms))]
        elif isinstance(node, Webhook) and node.on_error is not None:
            named = [("onError", ("onError",))]
        for way, place in named:
            yield (node.id, way), pointer("nodes", index, *place)
