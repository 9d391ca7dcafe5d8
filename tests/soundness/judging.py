"""What the check promised, held against what a run did."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from domain.campaign import Campaign
from domain.events import (
    Event,
    Exited,
    MessageAccepted,
    MessageCancelled,
    MessageFailed,
    SendAttemptStarted,
    SignalRecorded,
    TaskCreated,
    TransitionTaken,
)
from domain.plan import Plan
from domain.taxonomy import ENDING_SIGNALS, FAMILY_OF, Outcome
from domain.timing import add, parse_duration

HOUR = timedelta(hours=1)
"""What a calendar day may be short of (plan-dsl.md 11.4)."""
SECOND = timedelta(seconds=1)
"""By which news may overtake a timer."""
OUTSIDE_SPACING = ("bounced", "send_failed", "send_skipped", "unsubscribed", "spam_reported")


def broken(plan: Plan, bounds: Mapping[str, Any], run: Any, *, calm: bool) -> list[str]:
    """The promises that this run broke; time is promised only where nothing held it up (`calm`)."""
    facts, state = run.facts, run.state
    found = [*_sends(plan, bounds, state, facts), *_laws(state, facts), *_ends(facts)]
    if calm and not _put_off(plan, facts):
        found += _times(plan, bounds, state, facts)
    return found


def _sends(
    plan: Plan, bounds: Mapping[str, Any], state: Campaign, facts: Sequence[Event]
) -> Iterator[str]:
    if state.sends > bounds["maxSends"]:
        yield f"{state.sends} sends, at most {bounds['maxSends']} promised"
    lost = any(isinstance(fact, MessageFailed | MessageCancelled) for fact in facts)
    if state.stage == "completed" and not lost and state.sends < bounds["minSends"]:
        yield f"{state.sends} sends, at least {bounds['minSends']} promised"
    for node, count in state.visits.items():
        most = plan.nodes[node].max_visits if node in plan.nodes else None
        if most is not None and count > most:
            yield f"{count} visits of {node}"


def _laws(state: Campaign, facts: Sequence[Event]) -> Iterator[str]:
    """Nothing automatic after a reply or a bounce before a person had the contact in hand."""
    barred: set[str] = set()
    for fact in facts:
        if isinstance(fact, TransitionTaken) and fact.on in ("replied", "bounced"):
            about = state.messages.get(fact.message_id) if fact.message_id else None
            every = fact.on == "replied" or about is None
            barred |= {"email", "sms", "linkedin"} if every else {FAMILY_OF[about.channel]}
        elif isinstance(fact, TaskCreated):
            barred.clear()
        elif isinstance(fact, SignalRecorded) and fact.signal in ENDING_SIGNALS:
            barred |= {"email", "sms", "linkedin"}
        elif isinstance(fact, SendAttemptStarted):
            family = FAMILY_OF[state.messages[fact.message_id].channel]
            if family in barred:
                yield f"a send on {family} though it was barred"


def _ends(facts: Sequence[Event]) -> Iterator[str]:
    for fact in facts:
        if isinstance(fact, Exited) and (fact.failed or fact.outcome == Outcome.EXPIRED):
            yield f"ended by {fact.reason}"


def _put_off(plan: Plan, facts: Sequence[Event]) -> bool:
    """An out-of-office defers sends; how long plans then take is not promised."""
    heard = any(
        isinstance(fact, SignalRecorded) and fact.signal == "auto_replied" for fact in facts
    )
    return heard and plan.auto_reply == "defer"


def _times(
    plan: Plan, bounds: Mapping[str, Any], state: Campaign, facts: Sequence[Event]
) -> Iterator[str]:
    assert state.started_at is not None
    ended: datetime = facts[-1].at  # type: ignore[union-attr]  # every fact that ends has it
    races = SECOND * sum(isinstance(fact, TransitionTaken) for fact in facts)
    longest = timedelta(seconds=parse_duration(bounds["maxDuration"]).nominal_s) + races
    if ended - state.started_at > longest:
        yield f"took {ended - state.started_at}, at most {longest} promised"
    accepted = [fact for fact in facts if isinstance(fact, MessageAccepted)]
    spacing = bounds["minSpacing"]
    for one, two in pairwise(accepted):
        if two.at < add(one.at, plan.limits.min_spacing_any, plan.zone):
            yield f"{two.node} {two.at - one.at} after {one.node}: less than minSpacingAny"
        between = facts[facts.index(one) : facts.index(two)]
        usual = not any(
            isinstance(fact, TransitionTaken) and fact.on in OUTSIDE_SPACING for fact in between
        )
        least = timedelta(seconds=parse_duration(spacing).nominal_s) if spacing else timedelta()
        if usual and two.at - one.at + HOUR < least:
            yield f"{two.node} {two.at - one.at} after {one.node}: less than {spacing} promised"
