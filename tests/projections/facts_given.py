"""Facts as the log gives them, single and as whole journeys drawn from a seed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251  # seeded: a journey is the same for the same seed
from typing import Any
from uuid import UUID

from domain import events
from domain.events import Event, TimerSet
from domain.ids import (
    CampaignId,
    ContactId,
    MessageId,
    NodeId,
    StreamId,
    TenantId,
    errand_id,
    message_id,
    stream_id,
)
from domain.recorded import Cause, Recorded
from domain.taxonomy import (
    CancelReason,
    CauseKind,
    Channel,
    HoldReason,
    Outcome,
    Signal,
    Synthetic,
    TaskEnd,
    TaskKind,
    Via,
)

Shared = dict[str, Any]
"""Fields that several facts have."""

TENANT = TenantId("acme")
CAMPAIGN = CampaignId(UUID(int=0xCA))
CONTACT = ContactId(UUID(int=0xC0))
STREAM = stream_id(TENANT, CAMPAIGN, CONTACT, 1)
HELLO = NodeId("hello")
END = NodeId("end")
M1 = message_id(STREAM, HELLO, 1)
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LATER = AT + timedelta(days=21)
SILENCE = TimerSet(0, Synthetic.NO_OPEN, LATER)
CAUSE = Cause(CauseKind.REQUEST, "r1")

ACCEPTED_PLAN = events.PlanAccepted(
    contact_id=CONTACT,
    campaign_id=CAMPAIGN,
    run=1,
    plan_hash="sha256:p",
    dsl_version="1.0",
    tzdata="2026a",
    at=AT,
)
STARTED = events.CampaignStarted(at=AT, expires_at=LATER)


def recorded(fact: Event, position: int = 1, *, late_s: int = 0) -> Recorded:
    return Recorded(
        tenant=TENANT,
        stream=STREAM,
        version=position,
        position=position,
        fact=fact,
        at=AT + timedelta(seconds=late_s),
        cause=CAUSE,
        correlation=UUID(int=9),
        campaign_id=CAMPAIGN,
        contact_id=CONTACT,
    )


def planned(stream: StreamId = STREAM, node: NodeId = HELLO, at: datetime = AT) -> Event:
    return events.NodeEntered(
        node=node,
        visit=1,
        at=at,
        message_id=message_id(stream, node, 1),
        channel=Channel.EMAIL,
        due_at=at,
        expires_at=at + timedelta(days=3),
        dedupe_key=f"{stream}:{node}",
        variant="a",
        sender="sam",
    )


def signal(
    word: str,
    *,
    at: datetime = AT,
    message: MessageId | None = M1,
    node: NodeId | None = HELLO,
    **flags: bool,
) -> Event:
    about: Shared = {"variant": "a", "sender": "sam", "domain": "gmail.com"} if message else {}
    return events.SignalRecorded(
        signal=word,
        at=at,
        message_id=message,
        node=node if message else None,
        machine=flags.get("machine", False),
        derived=flags.get("derived", False),
        first=flags.get("first", False),
        **about,
    )


# --- journeys -------------------------------------------------------------------------------------


def journeys(seed: int, count: int) -> list[tuple[StreamId, list[Event]]]:
    """For each of some contacts the facts of a whole journey."""
    chance = Random(seed)  # noqa: S311  # repeatable on purpose
    contacts = [ContactId(UUID(int=seed * 1_000_000 + n + 1)) for n in range(count)]
    streams = [(stream_id(TENANT, CAMPAIGN, contact, 1), contact) for contact in contacts]
    return [(stream, list(journey(chance, stream, contact))) for stream, contact in streams]


def journey(chance: Random, stream: StreamId, contact: ContactId) -> Iterator[Event]:
    """One of many ways through a campaign; every fact may come, each stream is well formed."""
    at = AT + timedelta(minutes=chance.randrange(60 * 72))
    plan_hash = f"sha256:{chance.randrange(5)}"
    yield events.PlanAccepted(
        contact_id=contact,
        campaign_id=CAMPAIGN,
        run=1,
        plan_hash=plan_hash,
        dsl_version="1.0",
        tzdata="2026a",
        at=at,
    )
    if chance.random() < 0.3:
        yield events.StartScheduled(at=at + timedelta(hours=1))
    yield events.CampaignStarted(at=at, expires_at=at + timedelta(days=21))
    if chance.random() < 0.2:
        yield from _changed_before_sending(stream, plan_hash, at)
    yield from _errands(chance, stream, at)
    for number in range(chance.randrange(1, 4)):
        at += timedelta(hours=chance.randrange(1, 40))
        yield from _send(chance, stream, NodeId(f"send_{number}"), at)
        yield events.NodeEntered(node=NodeId(f"wait_{number}"), visit=1, at=at, timers=(SILENCE,))
        if chance.random() < 0.2:
            yield events.Paused(at=at, reason="operator")
            yield _resumed(NodeId(f"wait_{number}"), at + timedelta(hours=2))
    yield from _end(chance, at)


def _changed_before_sending(stream: StreamId, plan_hash: str, at: datetime) -> Iterator[Event]:
    """A message that waited while its plan was changed, and again; then it was not sent."""
    yield planned(stream, NodeId("changed"), at)
    message = message_id(stream, NodeId("changed"), 1)
    yield events.RevisionKept(new_hash="sha256:next", author="key-1", at=at)
    yield revised(plan_hash, "sha256:next", NodeId("changed"), at, message=message)
    yield events.MessageQueued(message_id=message, body_mac="mac", snapshot="1", at=at)
    yield revised("sha256:next", "sha256:last", NodeId("renamed"), at, message=message)
    yield events.MessageCancelled(
        message_id=message, reason=CancelReason.REVISED, at=at, node=NodeId("renamed")
    )


def revised(
    old: str, new: str, node: NodeId, at: datetime, *, message: MessageId | None = None
) -> Event:
    return events.PlanRevised(
        old_hash=old,
        new_hash=new,
        author="key-1",
        at=at,
        node=node,
        visit=1,
        expires_at=at + timedelta(days=30),
        message_id=message,
        due_at=at if message else None,
        message_expires_at=at + timedelta(days=3) if message else None,
        variant="b" if message else "",
        timers=() if message else (SILENCE,),
    )


def _errands(chance: Random, stream: StreamId, at: datetime) -> Iterator[Event]:
    """What is asked of others; some of it is still open at the end."""

    def asked(node: str) -> Shared:
        there = NodeId(node)
        return {"node": there, "visit": 1, "at": at}

    update, notice = errand_id(stream, NodeId("note"), 1), errand_id(stream, NodeId("tell"), 1)
    yield events.ContactUpdateRequested(update_id=update, **asked("note"))
    yield events.NotificationRequested(notice_id=notice, **asked("tell"))
    call, task = errand_id(stream, NodeId("crm"), 1), errand_id(stream, NodeId("ring"), 1)
    yield events.WebhookRequested(
        call_id=call,
        endpoint="crm",
        waits=True,
        give_up_at=at + timedelta(hours=1),
        **asked("crm"),
    )
    if chance.random() < 0.7:
        ok = chance.random() < 0.5
        reason = "" if ok else "http_500"
        yield events.WebhookResolved(call_id=call, ok=ok, reason=reason, attempts=1, **asked("crm"))
    yield events.TaskCreated(
        task_id=task,
        kind=chance.choice(list(TaskKind)),
        due_at=at + timedelta(days=1),
        **asked("ring"),
    )
    if chance.random() < 0.7:
        yield events.TaskResolved(task_id=task, end=chance.choice(list(TaskEnd)), **asked("ring"))


def _send(chance: Random, stream: StreamId, node: NodeId, at: datetime) -> Iterator[Event]:
    message = message_id(stream, node, 1)
    variant, sender = chance.choice("ab"), chance.choice(["sam", "kim"])
    about: Shared = {"node": node, "variant": variant, "sender": sender}
    yield events.NodeEntered(
        message_id=message,
        visit=1,
        at=at,
        channel=Channel.EMAIL,
        due_at=at,
        expires_at=at + timedelta(days=3),
        dedupe_key=f"{stream}:{node}",
        **about,
    )
    if chance.random() < 0.1:
        yield events.Paused(at=at, message_id=message)
        yield _resumed(node, at, message)
    if chance.random() < 0.1:
        reason = chance.choice([CancelReason.OPERATOR, CancelReason.SUPPRESSED])
        yield events.MessageCancelled(message_id=message, reason=reason, at=at, **about)
        return
    domain = chance.choice(["gmail.com", "other"])
    yield events.MessageQueued(
        message_id=message, body_mac="mac", snapshot="1", at=at, domain=domain
    )
    if chance.random() < 0.2:
        yield events.MessageDeferred(
            message_id=message,
            reason=HoldReason.HOURS,
            due_at=at,
            expires_at=at + timedelta(days=3),
            at=at,
        )
    if chance.random() < 0.1:
        yield events.MessageReopened(message_id=message, reason=HoldReason.READDRESSED, at=at)
        yield events.MessageQueued(message_id=message, body_mac="mac2", snapshot="2", at=at)
    attempt = 1
    yield events.SendAttemptStarted(message_id=message, attempt=attempt, body_mac="mac", at=at)
    if chance.random() < 0.1:
        yield events.SendAttemptReturned(
            message_id=message, attempt=attempt, reason="http_429", due_at=at, at=at
        )
        attempt = 2
        yield events.SendAttemptStarted(message_id=message, attempt=attempt, body_mac="mac", at=at)
    yield from _outcome(chance, message, attempt, at, {**about, "domain": domain})


def _outcome(
    chance: Random, message: MessageId, attempt: int, at: datetime, about: Shared
) -> Iterator[Event]:
    tried: Shared = {"message_id": message, "attempt": attempt, "at": at}
    if chance.random() < 0.1:
        yield events.MessageFailed(reason="http_400", **tried, **about)
        return
    if chance.random() < 0.1:
        yield events.MessageUnknown(reason="timeout", **tried)
        if chance.random() < 0.3:
            yield from _sent_again(message, attempt, at, about)
            return
        if chance.random() < 0.5:
            yield events.MessagePresumedLost(evidence="silence", **tried, **about)
            return
    yield events.MessageAccepted(
        via=Via.ANSWER, visit=1, provider_id="p1", timers=(SILENCE,), **tried, **about
    )
    yield from _came_back(chance, message, at, about)
    yield events.TransitionTaken(
        node=NodeId(about["node"]), visit=1, index=0, on="no_open", to=END, at=at
    )


def _sent_again(message: MessageId, attempt: int, at: datetime, about: Shared) -> Iterator[Event]:
    """A person answers the doubt by another attempt, and that one arrives."""
    at += timedelta(hours=73)
    over = at + timedelta(days=3)
    yield events.ResendOrdered(
        message_id=message, author="key-1", due_at=at, expires_at=over, at=at
    )
    again: Shared = {"message_id": message, "attempt": attempt + 1, "at": at}
    yield events.SendAttemptStarted(body_mac="mac", **again)
    yield events.MessageAccepted(via=Via.ANSWER, visit=1, provider_id="p2", **again, **about)


def _came_back(chance: Random, message: MessageId, at: datetime, about: Shared) -> Iterator[Event]:
    heard: set[str] = set()
    for _ in range(chance.randrange(6)):
        at += timedelta(minutes=chance.randrange(300))
        word = chance.choice(list(Signal))
        machine = word in (Signal.OPENED, Signal.CLICKED) and chance.random() < 0.3
        first = not machine and word not in heard
        yield events.SignalRecorded(
            signal=word, at=at, message_id=message, machine=machine, first=first, **about
        )
        if not machine:
            heard.add(word)
        if word in (Signal.OPENED, Signal.CLICKED) and chance.random() < 0.2:
            yield _judged(word, at, message, machine=not machine, counted=first, about=about)
            heard -= {word} if first else set()


def _judged(
    word: str, at: datetime, message: MessageId, *, machine: bool, counted: bool, about: Shared
) -> Event:
    """The report just told is the other side's after all; a pause or a wait goes on."""
    return events.SignalJudged(
        signal_no=0,
        signal=word,
        at=at + timedelta(hours=1),
        heard_at=at,
        message_id=message,
        machine=machine,
        reader="machine" if machine else "human",
        was_machine=not machine,
        was_reader="human" if machine else "machine",
        counted_at=at if machine and counted else None,
        place=NodeId("waits"),
        visit=1,
        timers=(SILENCE,),
        **about,
    )


def _resumed(node: NodeId, at: datetime, message: MessageId | None = None) -> Event:
    return events.Resumed(
        at=at,
        shift_s=7200,
        expires_at=at + timedelta(days=21),
        node=node,
        visit=1,
        message_id=message,
        due_at=at if message else None,
        message_expires_at=at + timedelta(days=3) if message else None,
        timers=() if message else (SILENCE,),
    )


def _end(chance: Random, at: datetime) -> Iterator[Event]:
    match chance.randrange(5):
        case 0:
            yield events.Completed(node=END, outcome=Outcome.NO_RESPONSE, at=at)
        case 1:
            yield events.Exited(outcome=Outcome.REPLIED, reason="replied", at=at)
        case 2:
            yield events.Exited(outcome=Outcome.CANCELLED, reason="step_bound", at=at, failed=True)
        case 3:
            yield events.Paused(at=at, reason="campaign")
        case _:
            return  # it still waits
