"""given / when / then for contact-campaigns, with small builders of plans.

`given(plan)` enrols at T0. A step is a decision that waits for state and grounds. `then` compares
one short line a fact, and decides again on the new state: the same request twice is no news.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Literal, Self
from uuid import UUID

from msgspec.structs import replace

from domain import campaign
from domain.campaign import INITIAL, Acceptance, Campaign, Message, Reported
from domain.errors import CampaignEnded
from domain.events import (
    CampaignStarted,
    Completed,
    Event,
    Exited,
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageQueued,
    MessageUnknown,
    NodeEntered,
    Paused,
    PlanAccepted,
    Resumed,
    SendAttemptReturned,
    SendAttemptStarted,
    SignalRecorded,
    StartScheduled,
    TransitionTaken,
)
from domain.ids import CampaignId, ContactId, MessageId, NodeId, StreamId, message_id
from domain.plan import (
    Branch,
    Condition,
    Grounds,
    Guard,
    Limits,
    Node,
    Plan,
    Policy,
    Send,
    Stop,
    Transition,
    Variant,
    Wait,
    url_tag,
)
from domain.taxonomy import CancelReason, Channel, Outcome, Synthetic, Via
from domain.timing import Hours, Jitter, QuietHours, Schedule, Window, parse_duration, parse_hhmm

Decide = Callable[[Campaign, Grounds], Sequence[Event]]

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


# --- plans ----------------------------------------------------------------------------------------


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


def field(name: str, op: str, value: str | float | bool | tuple[str, ...] | None = None) -> Guard:
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
        hash="sha256:test",
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
        url_tags={text: url_tag(text) for text in texts},
    )


# --- steps ----------------------------------------------------------------------------------------


def mid(node: str, visit: int = 1) -> MessageId:
    return message_id(STREAM, NodeId(node), visit)


def accepted_plan(at: datetime = T0, plan_hash: str = "sha256:test") -> PlanAccepted:
    return PlanAccepted(
        contact_id=CONTACT,
        campaign_id=CAMPAIGN,
        run=1,
        plan_hash=plan_hash,
        dsl_version="1.0",
        tzdata="2026a",
        at=at,
    )


def enrols(at: datetime = T0, starts_at: datetime | None = None) -> Decide:
    return partial(campaign.enrol, accepted=accepted_plan(at), starts_at=starts_at or at)


def queues(node: str, visit: int = 1, at: datetime = T0) -> Decide:
    queued = MessageQueued(message_id=mid(node, visit), body_mac="mac", snapshot="1", at=at)
    return partial(campaign.queue, queued=queued)


def claims(node: str, now: datetime, visit: int = 1) -> Decide:
    return partial(campaign.start_attempt, message_id=mid(node, visit), now=now)


def accepts(
    node: str, at: datetime, visit: int = 1, attempt: int = 1, via: Via = Via.ANSWER
) -> Decide:
    acceptance = Acceptance(message_id=mid(node, visit), attempt=attempt, at=at, via=via)
    return partial(campaign.accept_message, acceptance=acceptance)


def returns(
    node: str,
    at: datetime,
    *,
    visit: int = 1,
    attempt: int = 1,
    due_at: datetime | None = None,
    counted: bool = True,
) -> Decide:
    returned = SendAttemptReturned(
        message_id=mid(node, visit),
        attempt=attempt,
        reason="refused_connection",
        due_at=due_at or at,
        at=at,
        counted=counted,
    )
    return partial(campaign.return_attempt, returned=returned)


def refuses(node: str, at: datetime, visit: int = 1, attempt: int = 1) -> Decide:
    return partial(
        campaign.refuse, message_id=mid(node, visit), attempt=attempt, reason="status_400", at=at
    )


def doubts(node: str, at: datetime, visit: int = 1, attempt: int = 1) -> Decide:
    return partial(
        campaign.doubt, message_id=mid(node, visit), attempt=attempt, reason="timeout", at=at
    )


def loses(node: str, at: datetime, visit: int = 1, attempt: int = 1) -> Decide:
    return partial(
        campaign.lose, message_id=mid(node, visit), attempt=attempt, evidence="silence", at=at
    )


def skips(node: str, reason: CancelReason, at: datetime, visit: int = 1) -> Decide:
    return partial(campaign.skip, message_id=mid(node, visit), reason=reason, at=at)


def gives_up(node: str, at: datetime, visit: int = 1) -> Decide:
    return partial(campaign.give_up, message_id=mid(node, visit), reason="render", at=at)


def report(
    signal: str,
    at: datetime,
    about: str | None = None,
    *,
    visit: int = 1,
    machine: bool = False,
    url: str | None = None,
    key: str | None = None,
) -> Reported:
    return Reported(
        signal=signal,
        at=at,
        key=key or f"{signal}/{about}/{visit}/{at.isoformat()}",
        message_id=mid(about, visit) if about else None,
        machine=machine,
        url=url,
    )


def hears(
    signal: str,
    at: datetime,
    about: str | None = None,
    *,
    now: datetime | None = None,
    machine: bool = False,
    url: str | None = None,
) -> Decide:
    """A report that comes at once, or at `now`."""
    reported = report(signal, at, about, machine=machine, url=url)
    return partial(campaign.record, reported=reported, now=now or at)


def times_out(node: str, index: int, due_at: datetime, visit: int = 1) -> Decide:
    return partial(campaign.time_out, node=NodeId(node), visit=visit, index=index, due_at=due_at)


def pauses(at: datetime) -> Decide:
    return partial(campaign.pause, reason="operator", at=at)


def resumes(at: datetime) -> Decide:
    return partial(campaign.resume, at=at)


def stops(at: datetime) -> Decide:
    return partial(campaign.stop, reason="operator", at=at)


def expires(due_at: datetime) -> Decide:
    return partial(campaign.expire, due_at=due_at)


# --- given, when, then ----------------------------------------------------------------------------


class Story:
    """A contact-campaign that is told step by step."""

    def __init__(self, grounds: Grounds) -> None:
        self.grounds = grounds
        self.state = INITIAL
        self.facts: list[Event] = []
        self.news: Sequence[Event] = ()
        self._step: Decide = lambda *_: ()

    def when(self, *steps: Decide) -> Self:
        """Take the decisions in order; `news` has the facts of the last."""
        for step in steps:
            self._step = step
            self.news = step(self.state, self.grounds)
            self.facts += self.news
            self.state = campaign.fold(self.news, self.state)
        return self

    def then(self, *expected: str) -> Self:
        """These facts and no others; asked again, nothing, or a refusal because it is over."""
        assert [line(fact) for fact in self.news] == list(expected)
        with suppress(CampaignEnded):
            again = self._step(self.state, self.grounds)
            assert [line(fact) for fact in again] == []
        return self

    def sends(self, node: str, at: datetime | None = None, visit: int = 1) -> Self:
        """Render, claim when due and have it accepted at once."""
        now = at or self.message(node, visit).due_at
        return self.when(queues(node, visit), claims(node, now, visit), accepts(node, now, visit))

    def message(self, node: str, visit: int = 1) -> Message:
        return self.state.messages[mid(node, visit)]

    def entered(self, node: str) -> NodeEntered:
        """The latest entry of a node."""
        found = [fact for fact in self.facts if isinstance(fact, NodeEntered)]
        return next(fact for fact in reversed(found) if fact.node == node)

    def learns(self, **values: object) -> Self:
        """Fields of the contact that guards see from here on."""
        known = {f"contact.{name}": value for name, value in values.items()}
        self.grounds = replace(self.grounds, values=known)
        return self


def drafted(plan: Plan, policy: Policy | None = None) -> Story:
    """Nobody is enrolled yet."""
    return Story(Grounds(stream=STREAM, plan=plan, subject=SUBJECT, policy=policy or Policy()))


def given(plan: Plan, policy: Policy | None = None, at: datetime = T0) -> Story:
    """The contact is enrolled and started."""
    return drafted(plan, policy).when(enrols(at))


def line(fact: Event) -> str:  # noqa: C901  # a total match over the facts
    """What a test says about a fact."""
    match fact:
        case PlanAccepted():
            return "plan accepted"
        case StartScheduled():
            return "start scheduled"
        case CampaignStarted():
            return "started"
        case NodeEntered(node=node):
            return f"enter {node}"
        case TransitionTaken(node=node, index=index, on=word):
            return f"take {node}.{index} {word}"
        case SignalRecorded() as heard:
            flags = [flag for flag in ("derived", "machine", "late") if getattr(heard, flag)]
            return " ".join([heard.signal, *flags])
        case MessageQueued():
            return "queued"
        case MessageDeferred(reason=hold):
            return f"deferred {hold}"
        case MessageCancelled(reason=cancelled):
            return f"cancelled {cancelled}"
        case SendAttemptStarted(attempt=attempt):
            return f"attempt {attempt}"
        case SendAttemptReturned():
            return "returned"
        case MessageAccepted(late=late):
            return "sent late" if late else "sent"
        case MessageFailed(reason=reason):
            return f"failed {reason}"
        case MessageUnknown():
            return "unknown"
        case MessagePresumedLost(evidence=evidence):
            return f"lost {evidence}"
        case Paused():
            return "paused"
        case Resumed():
            return "resumed"
        case Completed(outcome=outcome):
            return f"completed {outcome}"
        case Exited(outcome=outcome):
            return f"exited {outcome}"
