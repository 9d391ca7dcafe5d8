"""Campaigns: made as drafts, launched, paused, resumed, stopped."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from pydantic import AfterValidator, Field

from domain.acts import Act
from domain.ids import CampaignId
from handlers.acts import Changes, act, by_id
from handlers.api.calls import Call, Given, Page, Reason, no_controls
from handlers.api.paging import Listed, listed, place_of
from handlers.campaigns import end, launch
from handlers.contacts import Line
from handlers.errors import Fault, NotAcceptable, OutOfStep
from handlers.noted import NOTES_MAX
from handlers.ports import CampaignRow, Note
from handlers.proving import sender_names

DAILY_LIMIT = 50
"""The messages of a day of a campaign that was given no other number."""

NAME_MAX = 200
COPY = " (copy)"
"""Behind the name of a campaign, in the name of a copy that was given none."""

Order = Literal["launch", "pause", "resume", "stop"]


class NewCampaign(Given):
    """A campaign to be made; it is a draft until it is launched."""

    name: Line
    description: Annotated[str, Field(max_length=2000), AfterValidator(no_controls)] = ""
    sender: Annotated[str, Field(max_length=200), AfterValidator(no_controls)] = ""
    daily_limit: int = Field(DAILY_LIMIT, ge=1, le=1_000_000)


class CampaignChange(Given):
    """Fields of a campaign to be changed; what is not given, or null, stays as it is."""

    name: Line | None = None
    description: Annotated[str, Field(max_length=2000), AfterValidator(no_controls)] | None = None
    sender: Annotated[str, Field(max_length=200), AfterValidator(no_controls)] | None = None
    daily_limit: int | None = Field(None, ge=1, le=1_000_000)


class CloneName(Given):
    """What the copy is called; without a name it is called after the campaign."""

    name: Line | None = None


class CampaignShown(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as configured."""

    id: CampaignId
    name: str
    description: str
    status: str
    sender: str
    daily_limit: int
    daily_limit_is_default: bool
    created_at: datetime


class CampaignTold(CampaignShown, frozen=True, kw_only=True):
    """The same, with what was noted about it: the reasons of orders, oldest first."""

    notes: list[Note]


class Ordered(msgspec.Struct, frozen=True):
    """The campaign after an order, and how many contact-campaigns it changed."""

    campaign: CampaignShown
    changed: int


FROM: Mapping[Order, frozenset[str]] = {
    "launch": frozenset({"draft", "active"}),
    "pause": frozenset({"active", "paused"}),
    "resume": frozenset({"paused", "active"}),
    "stop": frozenset({"draft", "active", "paused", "stopped"}),
}
"""In which states an order is taken; the state it leads to is one of them: it may be repeated."""


@act(Act.CAMPAIGN_CREATE, lambda call: call.body.name)
def create(call: Call) -> CampaignShown:
    """Make a draft."""
    given: NewCampaign = call.body
    _must_be_known(call, given.sender)
    return _added(call, given)


@act(Act.CAMPAIGN_CHANGE, by_id)
def change(call: Call) -> CampaignShown:
    """Change fields; limits hold from the next message on, names are for people only."""
    given: CampaignChange = call.body
    row = call.campaign()
    if row.status == "stopped":
        raise OutOfStep("a stopped campaign is not changed any more; clone it")
    changes = given.model_dump(exclude_none=True)
    sender: str = changes.get("sender", row.sender)
    if sender != row.sender:
        _must_be_known(call, sender)
        if call.tenant.ports.register.streams(row.campaign_id, None, 1):
            raise OutOfStep("plans were proven with its sender; clone it and enrol anew")
    call.tenant.campaigns.change_campaign(msgspec.structs.replace(row, **changes))
    return _shown(call.campaign())


@act(Act.CAMPAIGN_CLONE, by_id)
def clone(call: Call) -> CampaignShown:
    """A draft with the same configuration; without a name of its own it is called after it."""
    given: CloneName = call.body
    row = call.campaign()
    name = given.name or f"{row.name[: NAME_MAX - len(COPY)]}{COPY}"
    wanted = NewCampaign.model_construct(
        name=name, description=row.description, sender=row.sender, daily_limit=row.daily_limit
    )
    return _added(call, wanted)


def _must_be_known(call: Call, sender: str) -> None:
    if sender and sender not in sender_names(call.tenant.ports):
        fault = Fault("/sender", "unknown_sender", "no sender account has this name; add it first")
        raise NotAcceptable("the body cannot be taken", [fault])


def _added(call: Call, given: NewCampaign) -> CampaignShown:
    row = CampaignRow(
        campaign_id=CampaignId(call.services.rng.new_id()),
        name=given.name,
        description=given.description,
        status="draft",
        sender=given.sender,
        daily_limit=given.daily_limit,
        created_at=call.services.clock.now(),
    )
    call.tenant.campaigns.add_campaign(row)
    return _shown(call.tenant.campaigns.campaign(row.campaign_id) or row)


def page(call: Call) -> Listed[CampaignShown]:
    """Campaigns in the order of their ids."""
    query: Page = call.query
    rows = call.tenant.campaigns.campaigns(place_of(query.cursor, UUID), query.limit + 1)
    return listed([_shown(row) for row in rows], query.limit, lambda one: one.id)


def one(call: Call) -> CampaignShown:
    """One campaign."""
    return _shown(call.campaign())


def one_told(call: Call) -> CampaignTold:
    """One campaign with the reasons of the orders to it."""
    shown = one(call)
    fields = {name: getattr(shown, name) for name in CampaignShown.__struct_fields__}
    return CampaignTold(**fields, notes=call.tenant.ports.vault.noted([shown.id], NOTES_MAX))


def _status(call: Call) -> Changes:
    return {"status": call.campaign().status}, {}


@act(Act.CAMPAIGN_LAUNCH, by_id, _status)
def do_launch(call: Call) -> Ordered:
    """Let it run: what was enrolled starts. Repeat it when it broke off: nothing starts twice."""

    def run(row: CampaignRow) -> int:
        return launch(call.tenant.ports, row, cause=call.order, correlation=call.request_id)

    answer = _ordered(call, "launch", run)
    call.ring()
    return answer


@act(Act.CAMPAIGN_PAUSE, by_id, _status)
def do_pause(call: Call) -> Ordered:
    """Stop its sends at once; what is on the wire arrives."""
    return _ordered(call, "pause", lambda row: _set(call, row, "paused"))


@act(Act.CAMPAIGN_RESUME, by_id, _status)
def do_resume(call: Call) -> Ordered:
    """Let it send again."""
    answer = _ordered(call, "resume", lambda row: _set(call, row, "active"))
    call.ring()
    return answer


@act(Act.CAMPAIGN_STOP, by_id, _status)
def do_stop(call: Call) -> Ordered:
    """End it and every contact-campaign in it."""

    def run(row: CampaignRow) -> int:
        return end(call.tenant.ports, row, cause=call.order, correlation=call.request_id)

    return _ordered(call, "stop", run)


def _ordered(call: Call, order: Order, carry_out: Callable[[CampaignRow], int]) -> Ordered:
    row = call.campaign()
    if row.status not in FROM[order]:
        raise OutOfStep(f"a {row.status} campaign takes no {order}")
    changed = carry_out(row)
    given: Reason = call.body
    if given.reason:
        kind = f"campaign_{order}_reason"
        call.tenant.ports.vault.keep_note(row.campaign_id, None, kind, given.reason)
    return Ordered(_shown(call.campaign()), changed)


def _set(call: Call, row: CampaignRow, status: str) -> int:
    """Only the gate of the campaign moves: the clocks of its contact-campaigns go on."""
    call.tenant.campaigns.set_status(row.campaign_id, status)
    return 0


def _shown(row: CampaignRow) -> CampaignShown:
    return CampaignShown(
        id=row.campaign_id,
        name=row.name,
        description=row.description,
        status=row.status,
        sender=row.sender,
        daily_limit=row.daily_limit,
        daily_limit_is_default=row.daily_limit == DAILY_LIMIT,
        created_at=row.created_at,
    )
