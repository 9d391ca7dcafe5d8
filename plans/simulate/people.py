"""What simulated people and systems do: drawn from rates, one row of throws for each contact."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import msgspec

from domain.campaign import Message
from domain.events import TaskCreated, WebhookRequested
from domain.plan import WATCHING, Branch, Node, Plan, Send
from domain.taxonomy import FAMILY_OF, SILENCED_BY, Channel, Family, Signal, TaskEnd
from plans.simulate.chance import Chance
from plans.simulate.rates import DELAY_MAX_S, ChannelRates, Delay, Rates

AFTER_OPEN = timedelta(seconds=10)
DELIVERED_AFTER = timedelta(seconds=5)
ELSEWHERE = "https://other.example/"
"""A link that no `urlContains` of the plan is meant for."""

_PASSED_OVER = (Signal.DELIVERED, Signal.OPENED, Signal.CLICKED)


class Reaction(NamedTuple):
    """A signal, so long after the message was accepted."""

    delay: timedelta
    signal: str
    url: str | None = None


class Surroundings(Protocol):
    """Whatever answers a contact-campaign: drawn people, or a script."""

    def refuses(self, message: Message, now: datetime) -> bool:
        """Whether the provider refuses this message for good."""
        ...

    def reactions(self, message: Message) -> list[Reaction]:
        """What follows from an accepted message."""
        ...

    def task(self, task: TaskCreated) -> tuple[timedelta, TaskEnd] | None:
        """When and how a person ends a task, if at all."""
        ...

    def call(self, request: WebhookRequested) -> tuple[timedelta, bool]:
        """When an endpoint answers, and whether it takes the call."""
        ...


class Habits(msgspec.Struct, frozen=True):
    """What is drawn for one plan: the same for all its contacts."""

    rates: Rates
    channels: Mapping[Channel, "_Reading"]
    links: tuple[tuple[float, str], ...]
    heeded: frozenset[str]

    def contact(self, chance: Chance) -> "People":
        """The people and systems around one contact."""
        return People(self, chance)


class _Reading(msgspec.Struct, frozen=True):
    """The shares of a channel as they are thrown for: among readers, answers laid end to end."""

    shares: ChannelRates
    click: float
    meeting: float
    answers: tuple[tuple[float, str, Delay], ...]


def channels_of(plan: Plan) -> list[Channel]:
    """The channels that this plan sends on."""
    used = {node.channel for node in plan.nodes.values() if isinstance(node, Send)}
    return [channel for channel in Channel if channel in used]


def habits(plan: Plan, rates: Rates) -> Habits:
    """What is drawn for this plan."""
    readings = {
        channel: _reading(rates.channels.get(channel, ChannelRates()), rates)
        for channel in channels_of(plan)
    }
    return Habits(rates, readings, _links(plan, rates), heeded(plan))


def heeded(plan: Plan) -> frozenset[str]:
    """The words that anything in this plan can ask for.

    A report of another word is only recorded: no transition, timer, goal or guard reads it. So a
    mere delivery or open need not be told to the interpreter where nobody heeds it.
    """
    words = set(Signal) - set(_PASSED_OVER) | {on for on, _ in plan.goals}
    for node in plan.nodes.values():
        words |= set(_words(node))
    return frozenset(words)


def _words(node: Node) -> Iterator[str]:
    guards = [node.send_if] if isinstance(node, Send) else []
    guards += [guard for guard, _ in node.cases] if isinstance(node, Branch) else []
    for way in node.transitions if isinstance(node, WATCHING) else ():
        yield way.on
        if way.synthetic in SILENCED_BY:
            yield SILENCED_BY[way.synthetic]
        guards.append(way.when)
    for guard in guards:
        for condition in (*guard.all, *guard.any) if guard else ():
            yield condition.field.rpartition(".")[2]


def _reading(shares: ChannelRates, rates: Rates) -> _Reading:
    of = shares.open or 1.0
    delays = rates.delays
    ends, answers = 0.0, []
    for share, signal, delay in (
        (shares.reply, Signal.REPLIED, delays.reply),
        (shares.unsubscribe, Signal.UNSUBSCRIBED, delays.unsubscribe),
        (shares.spam, Signal.SPAM_REPORTED, delays.spam),
    ):
        ends += share / of
        answers.append((ends, str(signal), delay))
    return _Reading(shares, shares.click / of, shares.meeting / of, tuple(answers))


def _links(plan: Plan, rates: Rates) -> tuple[tuple[float, str], ...]:
    """The texts that a clicked URL may contain, each with the end of its stretch of the throw."""
    alike = 1.0 / (len(plan.url_tags) + 1)
    ends, links = 0.0, []
    for text in plan.url_tags:
        ends += rates.links.get(text, 0.0 if rates.links else alike)
        links.append((ends, text))
    return tuple(links)


class People:
    """One contact, and the person and the endpoints that work for the sender."""

    __slots__ = ("_chance", "_habits", "_reached")

    def __init__(self, habits: Habits, chance: Chance) -> None:
        self._habits = habits
        self._chance = chance
        self._reached: set[Family] = set()

    def refuses(self, message: Message, now: datetime) -> bool:  # noqa: ARG002  # at any time alike
        """Whether the provider refuses this message for good."""
        return self._chance.throw() < self._habits.channels[message.channel].shares.refused

    def reactions(self, message: Message) -> list[Reaction]:
        """A bounce; or what a reader does, and what comes without reading."""
        reading, delays = self._habits.channels[message.channel], self._habits.rates.delays
        shares, heeded, throw = reading.shares, self._habits.heeded, self._chance.throw
        family = FAMILY_OF[message.channel]
        if family not in self._reached and throw() < shares.bounce:
            return [Reaction(self._after(delays.bounce), Signal.BOUNCED)]
        self._reached.add(family)  # an address that took one message takes the next
        told = [Reaction(DELIVERED_AFTER, Signal.DELIVERED)] if Signal.DELIVERED in heeded else []
        if not shares.open or throw() < shares.open:
            told += self._read(reading)
        if throw() < shares.auto_reply:
            told.append(Reaction(self._after(delays.auto_reply), Signal.AUTO_REPLIED))
        if throw() < shares.accept:
            told.append(Reaction(self._after(delays.accept), Signal.INVITE_ACCEPTED))
        for word, share in self._habits.rates.custom.items():
            if throw() < share:
                told.append(Reaction(self._after(delays.custom), word))
        return told

    def _read(self, reading: _Reading) -> Iterator[Reaction]:
        heeded, delays = self._habits.heeded, self._habits.rates.delays
        earliest = timedelta()
        if reading.shares.open:
            opened = self._after(delays.open)
            earliest = opened + AFTER_OPEN
            if Signal.OPENED in heeded:
                yield Reaction(opened, Signal.OPENED)
        clicks, meets, answer = (self._chance.throw() for _ in range(3))
        if clicks < reading.click:
            url = self._link()
            at = max(self._after(delays.click), earliest)
            if Signal.CLICKED in heeded or Signal.OPENED in heeded:
                yield Reaction(at, Signal.CLICKED, url)
        if meets < reading.meeting:
            yield Reaction(max(self._after(delays.meeting), earliest), Signal.MEETING_BOOKED)
        for end, signal, delay in reading.answers:
            if answer < end:
                yield Reaction(max(self._after(delay), earliest), signal)
                return

    def task(self, task: TaskCreated) -> tuple[timedelta, TaskEnd] | None:  # noqa: ARG002  # every task alike
        """When and how a person ends a task, if at all."""
        rates, drawn = self._habits.rates, self._chance.throw()
        if drawn >= rates.task_done + rates.task_skipped:
            return None
        end = TaskEnd.DONE if drawn < rates.task_done else TaskEnd.SKIPPED
        return self._after(rates.delays.task), end

    def call(self, request: WebhookRequested) -> tuple[timedelta, bool]:
        """When an endpoint answers; one that fails is given up at the end of its time."""
        rates = self._habits.rates
        if self._chance.throw() < rates.webhook_ok:
            answered = self._after(rates.delays.webhook)
            return min(answered, request.give_up_at - request.at), True
        return request.give_up_at - request.at, False

    def _link(self) -> str:
        drawn = self._chance.throw()
        return next((text for end, text in self._habits.links if drawn < end), ELSEWHERE)

    def _after(self, delay: Delay) -> timedelta:
        drawn = self._chance.log_normal(delay.median_s, delay.sigma)
        # whole seconds, so that the last bit of a platform's exp() does not show
        return timedelta(seconds=1 + round(min(drawn, DELAY_MAX_S)))
