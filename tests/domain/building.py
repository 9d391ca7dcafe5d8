"""Small builders of plans for tests, and the instants they are told at."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec.structs import replace

from domain.ids import CampaignId, ContactId, NodeId, StreamId
from domain.plan import (
    Branch,
    Condition,
    Guard,
    Limits,
    Node,
    Notify,
    Plan,
    Policy,
    Scalar,
    Send,
    Split,
    Stop,
    Task,
    Transition,
    Update,
    Variant,
    Wait,
    Webhook,
    url_tag,
)
from domain.taxonomy import Channel, Outcome, Synthetic
from domain.timing import Hours, Jitter, QuietHours, Schedule, Window, parse_duration, parse_hhmm

T0 = datetime(2026, 6, 1, 16, tzinfo=UTC)
"""When everybody is enrolled: a Monday, nine in the morning in Los Angeles."""
STREAM = StreamId(UUID(int=1))
CONTACT, CAMPAIGN = ContactId(UUID(int=2)), CampaignId(UUID(int=3))
SUBJECT = "t_demo:c_1001:camp_1"
SECOND = timedelta(seconds=1)
GRACE = timedelta(seconds=Policy().timer_grace_s)
TIMERS = {"no_open": "PT72H", "no_click": "PT24H", "no_reply": "P3D", "no_accept": "P7D"}
WORDS = {word.value: word for word in Synthetic}


def t(days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
    """An instant after the enrolment."""
    return T0 + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def on(
    word: str,
    to: str,
    *,
    after: str | None = None,
    within: str | None = None,
    about: str = "anchor",
    url: str | None = None,
    when: Guard | None = None,
) -> Transition:
    after = after or TIMERS.get(word)
    return Transition(
        on=word,
        to=NodeId(to),
        within=parse_duration(within) if within else None,
        after=parse_duration(after) if after else None,
        about=about,
        url_tag=url_tag(url) if url else None,
        when=when,
        synthetic=WORDS.get(word),
    )


def field(name: str, op: str, value: str | float | tuple[str, ...] | None = None) -> Guard:
    return Guard(all=(Condition(name, op, value),))


def send(
    name: str,
    *ways: Transition,
    channel: Channel = Channel.EMAIL,
    delay: str = "PT0S",
    at: datetime | None = None,
    if_past: Literal["send", "skip"] = "send",
    send_if: Guard | None = None,
    variants: Mapping[str, int] | None = None,
    experiment: str = "",
    max_visits: int | None = None,
    on_max_visits: str | None = None,
) -> Send:
    return Send(
        id=NodeId(name),
        max_visits=max_visits,
        on_max_visits=NodeId(on_max_visits) if on_max_visits else None,
        channel=channel,
        schedule=Schedule(delay=parse_duration(delay), at=at),
        hours=Hours("UTC"),
        jitter=Jitter(0, 0),
        variants=tuple(Variant(arm, weight) for arm, weight in (variants or {}).items()),
        experiment=experiment,
        send_if=send_if,
        if_past=if_past,
        transitions=ways,
    )


def wait(name: str, *ways: Transition, about: str | None = None) -> Wait:
    return Wait(id=NodeId(name), about=NodeId(about) if about else None, transitions=ways)


def branch(name: str, *cases: tuple[Guard, str], otherwise: str) -> Branch:
    kept = tuple((guard, NodeId(to)) for guard, to in cases)
    return Branch(id=NodeId(name), cases=kept, otherwise=NodeId(otherwise))


def split(name: str, arms: Mapping[str, tuple[int, str]], experiment: str = "") -> Split:
    """Arms by id, each with its weight and where it leads."""
    return Split(
        id=NodeId(name),
        arms=tuple(Variant(arm, weight) for arm, (weight, _) in arms.items()),
        ways=tuple(NodeId(to) for _, to in arms.values()),
        experiment=experiment,
    )


def update(
    name: str,
    to: str,
    assigned: Mapping[str, Scalar] | None = None,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> Update:
    return Update(
        id=NodeId(name),
        assigned=tuple((assigned or {}).items()),
        add_tags=tuple(add),
        remove_tags=tuple(remove),
        next=NodeId(to),
    )


def task(name: str, *ways: Transition, due: str = "P1D") -> Task:
    return Task(id=NodeId(name), due=parse_duration(due), transitions=ways)


def notify(name: str, to: str) -> Notify:
    return Notify(id=NodeId(name), next=NodeId(to))


def webhook(name: str, to: str, on_error: str | None = None) -> Webhook:
    other = NodeId(on_error) if on_error else None
    return Webhook(id=NodeId(name), endpoint="crm", next=NodeId(to), on_error=other)


def stop(name: str = "end", outcome: Outcome = Outcome.COMPLETED) -> Stop:
    return Stop(id=NodeId(name), outcome=outcome)


def plan(
    *nodes: Node,
    zone: str = "UTC",
    quiet: tuple[str, str] | None = None,
    window: Window | None = None,
    holidays: Sequence[date] = (),
    jitter_s: tuple[int, int] = (0, 0),
    max_sends: int = 10,
    max_duration: str = "P60D",
    spacing: str = "PT0S",
    spacing_any: str = "PT0S",
    goals: Sequence[tuple[str, Outcome]] = (("meeting_booked", Outcome.CONVERTED),),
    auto_reply: Literal["ignore", "defer", "exit"] = "defer",
    by: str = "P3D",
    texts: Sequence[str] = (),
    name: str = "test",
) -> Plan:
    """A plan without jitter and spacing unless it is asked for; it starts at its first node."""
    hours = Hours(
        zone,
        QuietHours(parse_hhmm(quiet[0]), parse_hhmm(quiet[1])) if quiet else None,
        window,
        frozenset(holidays),
    )
    jitter = Jitter(*jitter_s)
    timed = [
        replace(node, hours=hours, jitter=jitter) if isinstance(node, Send) else node
        for node in nodes
    ]
    return Plan(
        hash=f"sha256:{name}",
        version="1.0",
        zone=zone,
        start=nodes[0].id,
        nodes={node.id: node for node in timed},
        limits=Limits(
            max_sends,
            parse_duration(max_duration),
            parse_duration(spacing),
            parse_duration(spacing_any),
        ),
        goals=tuple(goals),
        auto_reply=auto_reply,
        auto_reply_by=parse_duration(by),
        holidays=tuple(holidays),
        url_tags={text: url_tag(text) for text in texts},
    )
