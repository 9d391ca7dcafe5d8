"""Sender accounts: what they are, and orders to them."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, model_validator

from domain import accounts
from domain.accounts import (
    DEFAULT_SCHEDULE,
    AccountSettings,
    ClosedBy,
    PauseReason,
    Profile,
    VerifiedBy,
    schedule_of,
)
from domain.accounts.rules import NUMBER_MAX, check_settings
from domain.acts import Act
from domain.timing.zones import in_utc, local
from handlers.acts import act, by_name
from handlers.api.calls import Call, Given, Page, no_controls
from handlers.api.paging import Listed, listed, place_of
from handlers.contacts import EmailAddress, Line, WebAddress
from handlers.errors import Fault, NotAcceptable
from handlers.ports import Sender, Why
from handlers.ports.accounts import SenderOrder
from handlers.sender_accounts import (
    AccountFact,
    SenderShown,
    all_senders,
    events,
    one_sender,
)

LAST_YEAR = 7999

Words = Annotated[str, Field(max_length=500), AfterValidator(no_controls)]
NeededWords = Annotated[str, Field(min_length=3, max_length=500), AfterValidator(no_controls)]
Number = Annotated[int, Field(ge=-NUMBER_MAX, le=NUMBER_MAX)]
"""As far as the database can hold one; what makes sense is for the domain to say."""


def _near(at: datetime) -> datetime:
    if at.year > LAST_YEAR:
        raise ValueError("is too far away: leave it out where nobody knows until when")
    return in_utc(at)


Until = Annotated[AwareDatetime, AfterValidator(_near)]


class WarmupDay(Given):
    """The cap of one day of a warm-up; days count from 1, without a hole."""

    day: Number
    cap: Number


Schedule = Literal["default"] | list[WarmupDay]


class NewSender(Given):
    """A sender and its account; one of the same name is overwritten.

    A cap that is left out is the tenant's. A warm-up begins where a schedule is given; one of other
    caps that is under way is not replaced by this.
    """

    sender: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,99}$")]
    from_email: EmailAddress
    from_name: Line
    first_name: Annotated[str, Field(max_length=100), AfterValidator(no_controls)] = ""
    calendar_url: WebAddress | Literal[""] = ""
    reply_domain: Annotated[str, Field(pattern=r"^([a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}$")]
    postal_address: Annotated[str, Field(min_length=5, max_length=500), AfterValidator(no_controls)]
    verified: bool = False
    paused: bool = False
    profile: Literal["mailbox", "bulk"] = "bulk"
    zone: Annotated[str, Field(max_length=64), AfterValidator(no_controls)] = ""
    rotation_set: Annotated[str, Field(pattern=r"^[a-z0-9_.-]*$")] = ""
    day_max: Number | None = None
    minute_max: Number | None = None
    hour_max: Number | None = None
    warmup: Schedule | None = None


class SenderReason(Given):
    """Why, for those who read it later; it is kept in the vault."""

    reason: Words = ""


class RemovedSender(Given):
    """Why the account is taken away; what was to leave from it waits."""

    reason: NeededWords


class SetHealth(Given):
    """A person's word about the health, 0 to 100; without a score the reckoned one counts again."""

    score: Number | None = None
    until: Until | None = None
    reason: NeededWords


class Absence(Given):
    """Until when nobody is there; without an instant, until further notice."""

    until: Until | None = None
    reason: Words = ""


class NewWarmup(Given):
    """The caps day by day, or `default`; `end` ends a warm-up that is under way.

    Another one that is under way begins anew, at day 1, only with `restart`.
    """

    schedule: Schedule | Literal["end"]
    restart: bool = False
    reason: Words = ""

    @model_validator(mode="after")
    def _of_one_mind(self) -> "NewWarmup":
        if self.restart and self.schedule == "end":
            raise ValueError("give a restart, or an end")
        return self


def senders(call: Call) -> Listed[SenderShown]:
    """All sender accounts, by name; there are few, so all are on one page."""
    return Listed(all_senders(call.tenant.ports, call.services.clock.now()))


@act(Act.SENDER_WRITE, lambda call: call.body.sender)
def put_sender(call: Call) -> SenderShown:
    """Write a sender and set its account up; nothing is written where a part cannot be."""
    given: NewSender = call.body
    told = _part(given, AccountSettings.__struct_fields__)
    settings = AccountSettings(**{**told, "profile": Profile(given.profile)})
    check_settings(settings)
    _must_stand_alone(call, given)
    caps = None if given.warmup is None else _caps(given.warmup)
    at = call.services.clock.now()
    orders = call.tenant.ports.accounts
    before = orders.account(given.sender)
    if caps is not None and before.stands:  # refused before anything is written
        accounts.begin_warmup(before, caps=caps, on=_today(call, settings, at), at=at)
    call.tenant.campaigns.put_sender(Sender(**_part(given, Sender.__struct_fields__)))
    why = why_of(call, "")
    orders.order(given.sender, partial(accounts.configure, settings=settings, at=at), why)
    if caps is not None:
        on = _today(call, settings, at)
        orders.order(given.sender, partial(accounts.begin_warmup, caps=caps, on=on, at=at), why)
    return _now(call, given.sender)


def _must_stand_alone(call: Call, given: NewSender) -> None:
    """Two accounts of one address would have twice its limits; a set hidden by a name is no set."""
    rows = {row.sender: row for row in call.tenant.ports.accounts.rows() if not row.deleted}
    others = {name: row for name, row in rows.items() if name != given.sender}
    senders = call.tenant.ports.vault.senders()
    faults = [
        Fault("/from_email", "taken", f"the sender {name} has this address; use that one")
        for name in sorted(others)
        if name in senders and senders[name].from_email.lower() == given.from_email.lower()
    ]
    if given.sender in {row.settings.rotation_set for row in others.values()}:
        faults.append(Fault("/sender", "taken", "a rotation set has this name; give another"))
    if given.rotation_set and given.rotation_set in rows:
        faults.append(Fault("/rotation_set", "taken", "a sender has this name; give another"))
    if faults:
        raise NotAcceptable("the sender cannot be taken", faults)


def told(call: Call) -> Listed[AccountFact]:
    """All that happened to an account, oldest first."""
    query: Page = call.query
    after = place_of(query.cursor, int) or 0
    facts = [one for one in events(call.tenant.ports, call.name) if one.version > after]
    return listed(facts[: query.limit + 1], query.limit, lambda one: one.version)


@act(Act.SENDER_PAUSE, by_name)
def do_pause(call: Call) -> SenderShown:
    """Let nothing leave from it. Safe to repeat."""
    return _ordered(call, partial(accounts.pause, reason=PauseReason.OPERATOR, at=_at(call)))


@act(Act.SENDER_RESUME, by_name)
def do_resume(call: Call) -> SenderShown:
    """Let messages leave again; after a stop for complaints a reason is needed."""
    call.tenant.orders.resume(call.name, why_of(call, call.body.reason), _at(call))
    call.ring()
    return _now(call, call.name)


@act(Act.SENDER_VERIFY, by_name)
def do_verify(call: Call) -> SenderShown:
    """The address may be sent from. Safe to repeat."""
    shown = _ordered(call, partial(accounts.verify, by=VerifiedBy.OPERATOR, at=_at(call)))
    call.ring()
    return shown


@act(Act.SENDER_HEALTH, by_name)
def do_health(call: Call) -> SenderShown:
    """Set the health by hand, or let the reckoned one count again."""
    given: SetHealth = call.body
    at = _at(call)
    if given.score is None:
        return _ordered(call, partial(accounts.lift_override, at=at))
    decide = partial(accounts.override_health, score=given.score, until=given.until, at=at)
    return _ordered(call, decide)


@act(Act.SENDER_AWAY, by_name)
def do_away(call: Call) -> SenderShown:
    """Nobody is there to read answers: nothing leaves meanwhile."""
    given: Absence = call.body
    return _ordered(call, partial(accounts.go_away, until=given.until, at=_at(call)))


@act(Act.SENDER_BACK, by_name)
def do_back(call: Call) -> SenderShown:
    """The absence is over. Safe to repeat."""
    shown = _ordered(call, partial(accounts.come_back, at=_at(call)))
    call.ring()
    return shown


@act(Act.SENDER_WARMUP, by_name)
def do_warmup(call: Call) -> SenderShown:
    """Begin a warm-up, or end the one under way."""
    given: NewWarmup = call.body
    at = _at(call)
    if given.schedule == "end":
        return _ordered(call, partial(accounts.end_warmup, at=at))
    on = _today(call, call.tenant.ports.accounts.account(call.name).settings, at)
    caps = _caps(given.schedule)
    begin = partial(accounts.begin_warmup, caps=caps, on=on, at=at, restart=given.restart)
    return _ordered(call, begin)


@act(Act.SENDER_RESET_CIRCUIT, by_name)
def do_reset_circuit(call: Call) -> SenderShown:
    """Call the provider again. Safe to repeat."""
    shown = _ordered(call, partial(accounts.close_circuit, by=ClosedBy.OPERATOR, at=_at(call)))
    call.ring()
    return shown


@act(Act.SENDER_REMOVE, by_name)
def remove(call: Call) -> SenderShown:
    """Take the account away: what was to leave from it waits, and says so."""
    if not call.tenant.ports.accounts.account(call.name).stands:
        one_sender(call.tenant.ports, call.name, _at(call))  # raises where nobody knows it
    call.tenant.orders.delete(call.name, why_of(call, call.body.reason), _at(call))
    return _now(call, call.name)


def _ordered(call: Call, decide: SenderOrder) -> SenderShown:
    call.tenant.ports.accounts.order(call.name, decide, why_of(call, call.body.reason))
    return _now(call, call.name)


def _now(call: Call, name: str) -> SenderShown:
    return one_sender(call.tenant.ports, name, _at(call))


def _at(call: Call) -> datetime:
    return call.services.clock.now()


def why_of(call: Call, reason: str) -> Why:
    """Who orders, in which request, for which reason."""
    return Why(call.order, call.holder.key_id, reason)


def _today(call: Call, settings: AccountSettings, at: datetime) -> date:
    """The day of the sender: a warm-up counts in its zone."""
    return local(at, settings.zone or call.tenant.ports.accounts.rules().zone).date()


def _caps(schedule: Schedule) -> tuple[int, ...]:
    if schedule == "default":
        return DEFAULT_SCHEDULE
    assert isinstance(schedule, list)
    return schedule_of([(one.day, one.cap) for one in schedule])


def _part(given: BaseModel, names: tuple[str, ...]) -> Mapping[str, Any]:
    return {name: getattr(given, name) for name in names}
