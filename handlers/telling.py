"""A fact in one plain sentence, for people who read a timeline; ids and words only."""

from typing import assert_never

from domain.events import (
    CampaignStarted,
    Completed,
    ContactUpdateRequested,
    Event,
    Exited,
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageQueued,
    MessageReopened,
    MessageUnknown,
    NodeEntered,
    NotificationRequested,
    Paused,
    PlanAccepted,
    PlanRevised,
    Proof,
    ResendOrdered,
    Resumed,
    RevisionKept,
    SendAttemptReturned,
    SendAttemptStarted,
    SignalJudged,
    SignalRecorded,
    StartScheduled,
    TaskCreated,
    TaskResolved,
    TransitionTaken,
    WebhookRequested,
    WebhookResolved,
)
from domain.taxonomy import HoldReason

UNITS = ((86_400, "day", "days"), (3600, "h", "h"), (60, "min", "min"), (1, "s", "s"))


def tell(fact: Event) -> str:  # noqa: C901  # a total match over the facts
    """What happened."""
    match fact:
        case PlanAccepted():
            return f"plan {fact.plan_hash[7:15]} accepted for run {fact.run}{_proven(fact.proof)}"
        case StartScheduled(at=at):
            return f"start set for {at:%Y-%m-%d %H:%M} UTC"
        case CampaignStarted(expires_at=until):
            return f"started; over at the latest on {until:%Y-%m-%d}"
        case NodeEntered():
            return _entered(fact)
        case TransitionTaken():
            return f"{fact.on} at {fact.node}: transition {fact.index + 1} leads to {fact.to}"
        case SignalRecorded():
            return _signal(fact)
        case SignalJudged():
            return _judged(fact)
        case (
            MessageQueued()
            | MessageDeferred()
            | MessageReopened()
            | MessageCancelled()
            | SendAttemptStarted()
            | SendAttemptReturned()
            | MessageAccepted()
            | MessageFailed()
            | MessageUnknown()
            | MessagePresumedLost()
            | ResendOrdered()
        ):
            return _message(fact)
        case Paused(reason=reason):
            return f"paused ({reason})" if reason else "paused"
        case Resumed(shift_s=shift_s):
            return f"resumed; everything that waited moved by {_span(shift_s)}"
        case RevisionKept():
            return f"plan {fact.new_hash[7:15]} waits to take over, ordered by {fact.author}"
        case PlanRevised():
            return _revised(fact)
        case (
            TaskCreated()
            | TaskResolved()
            | WebhookRequested()
            | WebhookResolved()
            | ContactUpdateRequested()
            | NotificationRequested()
        ):
            return _errand(fact)
        case Completed(node=node, outcome=outcome):
            return f"completed at {node}: {outcome}"
        case Exited(outcome=outcome, reason=reason):
            return f"ended: {outcome} ({reason})"
        case _:
            assert_never(fact)


def _message(  # noqa: C901  # a total match over the facts of a message
    fact: MessageQueued
    | MessageDeferred
    | MessageReopened
    | MessageCancelled
    | SendAttemptStarted
    | SendAttemptReturned
    | MessageAccepted
    | MessageFailed
    | MessageUnknown
    | MessagePresumedLost
    | ResendOrdered,
) -> str:
    match fact:
        case MessageQueued():
            return "rendered and queued"
        case MessageDeferred(reason=HoldReason.RELEASED, due_at=due_at):
            return f"released by order; due {due_at:%Y-%m-%d %H:%M} UTC"
        case MessageDeferred(reason=reason, due_at=due_at):
            return f"held back ({reason}) until {due_at:%Y-%m-%d %H:%M} UTC"
        case MessageReopened(reason=reason):
            return f"to be rendered anew ({reason})"
        case MessageCancelled(reason=reason):
            return f"not sent: {reason}"
        case SendAttemptStarted(attempt=attempt):
            return f"attempt {attempt} begins"
        case SendAttemptReturned(attempt=attempt, reason=reason):
            return f"attempt {attempt} did not leave ({reason}); queued again"
        case MessageAccepted():
            late = ", late" if fact.late else ""
            return f"accepted by the provider (known by {fact.via}{late})"
        case MessageFailed(reason=reason):
            return f"failed: {reason}"
        case MessageUnknown(reason=reason):
            return f"unknown whether it left ({reason}); not tried again"
        case MessagePresumedLost(evidence=evidence):
            return f"taken as lost ({evidence})"
        case ResendOrdered(author=author):
            return f"another attempt ordered by {author}"
        case _:
            assert_never(fact)


def _proven(proof: Proof | None) -> str:
    """The bounds that the plan was accepted with."""
    if proof is None:
        return ""
    least, most = proof.min_sends, proof.max_sends
    sends = ("" if least == most else f"{least} to ") + _counted(most, "send")
    apart = proof.min_spacing_s
    spacing = "" if apart is None else f", at least {_span(apart)} apart"
    warned = f"; warned of {', '.join(proof.warnings)}" if proof.warnings else ""
    return f"; proven: {sends}{spacing}, over after at most {_span(proof.max_duration_s)}{warned}"


def _counted(count: int, one: str) -> str:
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def _span(seconds: float) -> str:
    """A stretch of time to the second: a bound that is rounded is none."""
    left, parts = round(seconds), list[str]()
    for unit_s, one, many in UNITS:
        count, left = divmod(left, unit_s)
        if count:
            parts.append(f"{count} {one if count == 1 else many}")
    return " ".join(parts) or "no time"


def _entered(fact: NodeEntered) -> str:
    again = f", visit {fact.visit}" if fact.visit > 1 else ""
    if fact.due_at is not None:
        variant = f", variant {fact.variant}" if fact.variant else ""
        return f"at {fact.node}{again}: a message is due {fact.due_at:%Y-%m-%d %H:%M} UTC{variant}"
    if fact.variant:
        return f"at {fact.node}{again}: arm {fact.variant}"
    if fact.timers:
        soonest = min(timer.due_at for timer in fact.timers)
        return f"at {fact.node}{again}: waits, the next timer is due {soonest:%Y-%m-%d %H:%M} UTC"
    return f"at {fact.node}{again}"


def _revised(fact: PlanRevised) -> str:
    again = ""
    if fact.due_at is not None:
        again = f"; the message is rendered again, due {fact.due_at:%Y-%m-%d %H:%M} UTC"
    proven = _proven(fact.proof)
    return f"plan {fact.new_hash[7:15]} in force, at {fact.node}, by {fact.author}{again}{proven}"


def _errand(
    fact: TaskCreated
    | TaskResolved
    | WebhookRequested
    | WebhookResolved
    | ContactUpdateRequested
    | NotificationRequested,
) -> str:
    match fact:
        case TaskCreated(kind=kind, node=node, due_at=due_at):
            return f"{kind} task at {node}, due {due_at:%Y-%m-%d %H:%M} UTC"
        case TaskResolved(end=end, node=node):
            return f"task at {node} {end}"
        case WebhookRequested(endpoint=endpoint, waits=waits):
            return f"endpoint {endpoint} is to be called" + ("; waits for the answer" * waits)
        case WebhookResolved(ok=True, node=node, attempts=attempts):
            return f"the endpoint took the call of {node} (attempt {attempts})"
        case WebhookResolved(node=node, reason=reason, attempts=attempts):
            return f"the call of {node} was given up: {reason} (attempts: {attempts})"
        case ContactUpdateRequested(node=node):
            return f"contact data changed as {node} says"
        case NotificationRequested(node=node):
            return f"a person is told what {node} says"
        case _:
            assert_never(fact)


def _judged(fact: SignalJudged) -> str:
    """What it was taken for is told too: the plan went by that until now."""
    when = f"{fact.heard_at:%Y-%m-%d %H:%M} UTC"
    before = fact.was_reader or ("machine" if fact.was_machine else "human")
    return f"{fact.signal} ({fact.node}) of {when} is taken for {fact.reader}, no more for {before}"


def _signal(fact: SignalRecorded) -> str:
    marks = [
        word
        for word, on in (
            ("by a machine", fact.machine),
            ("derived", fact.derived),
            ("late", fact.late),
            ("matched by address only", fact.weak),
        )
        if on
    ]
    # what is not about a message was said by a person or a program of the tenant
    about = f" ({fact.node})" if fact.node else "" if fact.message_id else " was reported"
    return f"{fact.signal}{about}" + (f", {', '.join(marks)}" if marks else "")
