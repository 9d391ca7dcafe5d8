"""The answer in a sentence: it was sent because, it waits since, it was not sent because."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from domain.campaign.releasing import UNTIL_RELEASED
from domain.taxonomy import CancelReason, HoldReason, MessageState
from handlers.explain.asked import objection
from handlers.explain.reasons import held_words, never_words, objection_words, told_time
from handlers.explain.shapes import BanTold, DecisionTold, GateTold, Link
from handlers.services import QueueRow


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer is made of."""

    row: QueueRow
    because: Sequence[Link]
    decisions: Sequence[DecisionTold]
    gates_now: Sequence[GateTold]
    lasting: GateTold | None
    banned: Sequence[BanTold] = ()
    kept_back: bool
    """Whether a person holds it: the row forgets that over a pause or a new plan."""
    now: datetime

    def last(self, *kinds: str) -> DecisionTold | None:
        """The latest decision of one of these kinds."""
        return next((one for one in reversed(self.decisions) if one.kind in kinds), None)


def sentence(known: Known) -> str:
    """Why, in a sentence or two."""
    return _TOLD[MessageState(known.row.state)](known)


def _sent(known: Known) -> str:
    accepted = known.last("message_accepted")
    at = known.row.accepted_at or known.now if accepted is None else accepted.at
    started = known.last("send_attempt_started")
    asked = " and every gate let it through" if started is not None and started.gates else ""
    return f"It was sent on {told_time(at)}{_planned(known)}{asked}."


def _planned(known: Known) -> str:
    """Why the plan wanted it: the transition that led to its node, if one did."""
    led = [one for one in known.because if one.kind == "transition_taken"]
    revised = any(one.kind == "plan_revised" for one in known.because)
    if led:
        return f", because of {led[-1].told}"
    return ", because a new plan wants it" if revised else ", because its plan begins with it"


def _waits(known: Known) -> str:
    row = known.row
    if row.not_before > known.now:
        return _waits_until(known)
    no = objection(known.gates_now)
    if no is not None:
        until = "" if no.until is None else f", until {told_time(no.until)} at least"
        told = f"It is due and does not leave, because {objection_words(no)}{until}."
        return told + _since_banned(known)
    return "It is due and nothing holds it: it leaves with the next claim."


def _waits_until(known: Known) -> str:
    row = known.row
    begun = known.last("message_deferred", "send_attempt_returned", "paused")
    told = f"It waits for its time, {told_time(row.not_before)}{_planned(known)}."
    reason = row.hold_reason or (HoldReason.OPERATOR if known.kept_back else None)
    if reason is not None:
        told = _held_back(row, reason, begun)
    no = known.lasting
    if no is None or no.reason == row.hold_reason:
        return told
    return f"{told} Now it could not leave either way: {objection_words(no)}."


def _far(row: QueueRow) -> bool:
    return row.not_before >= UNTIL_RELEASED


def _held_back(row: QueueRow, reason: str, begun: DecisionTold | None) -> str:
    """Since when, until when and why; where nobody knows until when, the next look at it."""
    since = "" if begun is None else f" since {told_time(begun.at)}"
    why, at = f"because {_held(reason, begun)}", told_time(row.not_before)
    if _far(row):
        return f"It waits{since} until somebody lets it go, {why}."
    if _looked_at_again(reason, begun):
        return f"It waits{since}, {why}; it is looked at again on {at}."
    return f"It waits{since} until {at}, {why}."


def _looked_at_again(reason: str, begun: DecisionTold | None) -> bool:
    gate = None if begun is None else objection(begun.gates)
    return gate is not None and gate.reason == reason and gate.until is None


def _held(reason: str, begun: DecisionTold | None) -> str:
    """By the numbers of then; an attempt that came back holds it by the word of its answer."""
    gate = None if begun is None else objection(begun.gates)
    try:
        known = HoldReason(reason)
    except ValueError:
        return f"an attempt did not leave ({reason})"
    return held_words(known, gate if gate is not None and gate.reason == reason else None)


def _under_way(known: Known) -> str:
    started = known.last("send_attempt_started")
    since = "" if started is None else f" since {told_time(started.at)}"
    return f"Attempt {known.row.attempt} is under way{since}; nobody has heard of it yet."


def _unsure(known: Known) -> str:
    reason = known.row.reason or "no answer"
    return (
        f"Nobody knows whether attempt {known.row.attempt} left ({reason}), so it is not tried "
        "again; a report of the provider, or 72 hours of silence, will settle it."
    )


def _lost(known: Known) -> str:
    return (
        f"Attempt {known.row.attempt} is taken as lost ({known.row.reason or 'no evidence'}); "
        "an operator may order it once more."
    )


def _failed(known: Known) -> str:
    told = f"It was not sent and will not be: {known.row.reason or 'it failed'}."
    return told + _since_banned(known)


def _since_banned(known: Known) -> str:
    """Since when nobody may write to it, and by what; empty where no ban keeps it back."""
    return "".join(
        f" The address is suppressed since {told_time(ban.since)}, by {ban.cause}."
        for ban in known.banned[:1]
    )


def _cancelled(known: Known) -> str:
    decision = known.last("message_cancelled")
    reason = CancelReason(known.row.reason or CancelReason.ENDED)
    gate = None if decision is None else objection(decision.gates)
    why = never_words(reason, gate if gate is not None and gate.reason == reason.value else None)
    if decision is None:
        return f"It was not sent, because {why}."
    heard = [one for one in decision.because if one.kind == "signal_recorded"]
    evidence = f" ({heard[-1].told}, {told_time(heard[-1].at)})" if heard else ""
    told = (
        f"It was not sent: on {told_time(decision.at)} it was cancelled, because {why}{evidence}."
    )
    return told + _since_banned(known)


_TOLD: Mapping[MessageState, Callable[[Known], str]] = {
    MessageState.PLANNED: _waits,
    MessageState.QUEUED: _waits,
    MessageState.SENDING: _under_way,
    MessageState.ACCEPTED: _sent,
    MessageState.FAILED: _failed,
    MessageState.UNKNOWN: _unsure,
    MessageState.PRESUMED_LOST: _lost,
    MessageState.CANCELLED: _cancelled,
}
