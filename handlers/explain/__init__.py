"""Why a message was sent, held, skipped or cancelled: every decision with every gate."""

from collections.abc import Sequence
from datetime import datetime

from domain.campaign import fold
from domain.campaign.releasing import WAITING
from domain.events import Event, MessageCancelled, NodeEntered, PlanRevised, topic_of
from domain.gates import RULES_VERSION
from domain.ids import MessageId
from domain.recorded import Recorded
from domain.taxonomy import HoldReason
from handlers.explain.asked import difference, gates_at, gates_unasked, lasting_objection, seen_in
from handlers.explain.banned import bans_of, with_bans
from handlers.explain.causes import chain, told_cause
from handlers.explain.looking import seen_now
from handlers.explain.raw import with_raw
from handlers.explain.said import said_about
from handlers.explain.sentence import Known, sentence
from handlers.explain.shapes import DecisionTold, Explained, GateTold, Link
from handlers.explain.times import times_of
from handlers.services import TenantServices
from handlers.telling import tell

_OTHER_THINGS = frozenset(
    {"signal_recorded", "signal_judged", "transition_taken", "webhook_requested", "completed"}
)
"""Facts that name a message and decide nothing about it."""


def explain(tenant: TenantServices, message_id: MessageId, now: datetime) -> Explained | None:
    """Everything that was decided about a message, and why; None where there is no message."""
    row = tenant.reads.message(message_id)
    if row is None:
        return None
    history = tenant.history(row.contact_campaign_id)
    places = [at for at, one in enumerate(history) if _decides(one.fact, message_id)]
    decisions = [_decision(history, place) for place in places]
    because = _planned_by(history, places)
    seen = seen_now(tenant.ports, message_id, now) if row.state in WAITING else None
    gates_now = None if seen is None else gates_at(seen, now)
    banned = bans_of(tenant, row, decisions, gates_now or (), now)
    times = times_of(history, row)
    known = Known(
        row=row,
        because=because,
        decisions=decisions,
        gates_now=gates_now or (),
        banned=banned,
        lasting=None if seen is None else lasting_objection(seen, now),
        kept_back=_kept_back(history, message_id),
        now=now,
    )
    told = Explained(
        answer=sentence(known),
        message=row,
        plan_hash=_plan_hash(history, places),
        because=because,
        decisions=with_bans(decisions, banned),
        now=gates_now,
        rules=RULES_VERSION,
        planned_at=times.planned_at,
        looked_at_again_at=times.looked_at_again_at,
        banned=banned,
        notes=said_about(tenant, row, [gate for one in decisions for gate in one.gates]),
    )
    return with_raw(told, tenant.deliveries)


def _decides(fact: Event, message_id: MessageId) -> bool:
    named = getattr(fact, "message_id", None) == message_id
    return named and topic_of(fact) not in _OTHER_THINGS


def _decision(history: Sequence[Recorded], place: int) -> DecisionTold:
    one = history[place]
    fact, at = one.fact, getattr(one.fact, "at", one.at)
    seen = seen_in(fact)
    gates = _gates(fact, at)
    return DecisionTold(
        version=one.version,
        at=at,
        kind=topic_of(fact),
        told=tell(fact),
        cause=told_cause(one.cause),
        correlation_id=one.correlation,
        because=_cancelled_by(history, place) if isinstance(fact, MessageCancelled) else [],
        gates=gates,
        rules=None if seen is None else seen.rules,
        differs="" if seen is None else difference(fact, seen, gates),
    )


def _gates(fact: Event, at: datetime) -> list[GateTold]:
    seen = seen_in(fact)
    if seen is not None:
        return gates_at(seen, at)
    return gates_unasked() if isinstance(fact, MessageCancelled) else []


def _cancelled_by(history: Sequence[Recorded], place: int) -> list[Link]:
    own = history[place].version
    return [link for link in chain(history, place) if link.version != own]


def _planned_by(history: Sequence[Recorded], places: Sequence[int]) -> list[Link]:
    """The chain of the latest fact that planned it: its node's entry, or a new plan."""
    planning = [at for at in places if isinstance(history[at].fact, NodeEntered | PlanRevised)]
    return chain(history, planning[-1]) if planning else []


def _kept_back(history: Sequence[Recorded], message_id: MessageId) -> bool:
    message = fold(one.fact for one in history).messages.get(message_id)
    return message is not None and message.held == HoldReason.OPERATOR


def _plan_hash(history: Sequence[Recorded], places: Sequence[int]) -> str:
    """The plan that was in force when the latest decision was taken."""
    upto = places[-1] + 1 if places else len(history)
    return fold(one.fact for one in history[:upto]).plan_hash


__all__ = ["DecisionTold", "Explained", "GateTold", "Link", "explain"]
