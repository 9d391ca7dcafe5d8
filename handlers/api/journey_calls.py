"""Contact-campaigns: where they stand, how they came there, and orders to them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from pydantic import AwareDatetime, Field

from domain.acts import Act
from domain.campaign import Campaign
from domain.ids import CampaignId, ContactId, MessageId, StreamId
from domain.lifecycle import Stage
from handlers.acts import act, by_id
from handlers.api.calls import Call, Given, Page, Reason
from handlers.api.paging import Listed, listed, place_of
from handlers.campaigns import order, pause, resume, stop
from handlers.errors import NotHere
from handlers.noted import Notes, notes_of
from handlers.ports import Decide
from handlers.services import ContactCampaignRow, Journeys
from handlers.taken_plans import TakenPlans, taken_plans
from handlers.timeline import Timeline, timeline

Status = Literal["draft", "scheduled", "active", "paused", "completed", "exited", "failed"]
BY_ORDER = "operator"
"""The reason that the log holds; the words of the person are in the vault."""


class WhichJourneys(Page):
    """Which contact-campaigns to list."""

    campaign: UUID | None = None
    status: Status | None = None


class When(Given):
    """The instant to look at; without it, now."""

    as_of: AwareDatetime | None = Field(None, description="RFC 3339 with an offset")
    diff_from: AwareDatetime | None = Field(
        None, description="an earlier instant: tell what has changed since, and by which facts"
    )


class ContactCampaignShown(msgspec.Struct, frozen=True, kw_only=True):
    """A contact-campaign as its own facts have it at this moment."""

    id: StreamId
    campaign_id: CampaignId
    contact_id: ContactId
    run: int
    plan_hash: str
    status: Stage
    phase: str
    node: str
    outcome: str | None
    started_at: datetime | None
    expires_at: datetime | None
    paused_at: datetime | None
    sends: int
    waiting_message_id: MessageId | None


def page(call: Call) -> Listed[ContactCampaignRow]:
    """Contact-campaigns in the order of their ids, as the read model has them."""
    query: WhichJourneys = call.query
    after = place_of(query.cursor, UUID)
    wanted = Journeys(
        campaign=None if query.campaign is None else CampaignId(query.campaign),
        status=query.status,
        after=None if after is None else StreamId(after),
        limit=query.limit + 1,
    )
    return listed(call.tenant.reads.journeys(wanted), query.limit, lambda row: row.id)


def one(call: Call) -> ContactCampaignShown:
    """One contact-campaign."""
    return _shown(StreamId(call.id), _state(call))


def told(call: Call) -> Timeline:
    """State at an instant, and every fact until then with its cause; or what changed since."""
    query: When = call.query
    stream = StreamId(call.id)
    found = timeline(call.tenant.history, stream, query.as_of, query.diff_from)
    if found is None:
        raise NotHere("no contact-campaign has this id")
    return found


def plans(call: Call) -> TakenPlans:
    """The plans it took, oldest first, each with the report that it was accepted with."""
    found = taken_plans(call.tenant.history, call.tenant.ports.vault, StreamId(call.id))
    if found is None:
        raise NotHere("no contact-campaign has this id")
    return found


def notes(call: Call) -> Notes:
    """What was noted about it, oldest first."""
    found = notes_of(call.tenant.history, call.tenant.ports.vault, StreamId(call.id))
    if found is None:
        raise NotHere("no contact-campaign has this id")
    return found


@act(Act.CONTACT_CAMPAIGN_PAUSE, by_id)
def do_pause(call: Call) -> ContactCampaignShown:
    """Stop its clock. Safe to repeat."""
    return _ordered(call, pause(call.services.clock.now(), BY_ORDER), "pause")


@act(Act.CONTACT_CAMPAIGN_RESUME, by_id)
def do_resume(call: Call) -> ContactCampaignShown:
    """Let its clock run again. Safe to repeat."""
    return _ordered(call, resume(call.services.clock.now()), "resume")


@act(Act.CONTACT_CAMPAIGN_STOP, by_id)
def do_stop(call: Call) -> ContactCampaignShown:
    """End it. Safe to repeat."""
    return _ordered(call, stop(call.services.clock.now(), BY_ORDER), "stop")


def _ordered(call: Call, decide: Decide, what: str) -> ContactCampaignShown:
    given: Reason = call.body
    ports = call.tenant.ports
    stream = StreamId(call.id)
    before = _state(call)
    after = order(ports, stream, decide, cause=call.order, correlation=call.request_id)
    if given.reason:
        ports.vault.keep_note(stream, before.contact_id, f"{what}_reason", given.reason)
    call.ring()
    return _shown(stream, after)


def _state(call: Call) -> Campaign:
    state = call.tenant.ports.campaigns.load(StreamId(call.id))
    if state.stage == Stage.NONE:
        raise NotHere("no contact-campaign has this id")
    return state


def _shown(stream: StreamId, state: Campaign) -> ContactCampaignShown:
    return ContactCampaignShown(
        id=stream,
        campaign_id=state.campaign_id,
        contact_id=state.contact_id,
        run=state.run,
        plan_hash=state.plan_hash,
        status=state.stage,
        phase=state.phase,
        node=state.node,
        outcome=state.outcome,
        started_at=state.started_at,
        expires_at=state.expires_at,
        paused_at=state.paused_at,
        sends=state.sends,
        waiting_message_id=state.pending,
    )
