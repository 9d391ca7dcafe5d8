"""The rules of a tenant's sending, and its sending as a whole: looked at, changed, stopped."""

from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from domain import accounts
from domain.accounts import PauseReason
from domain.acts import Act
from handlers.acts import act
from handlers.api.calls import Call, Given, no_controls
from handlers.api.sender_calls import NeededWords, Number, Words, why_of
from handlers.sender_accounts import SendingShown, sending


class NewRules(Given):
    """Rules of sending that are to be others from now on."""

    zone: Annotated[str, Field(max_length=64), AfterValidator(no_controls)] | None = None
    sender_minute_max: Number | None = None
    sender_hour_max: Number | None = None
    sender_day_max: Number | None = None
    tenant_hour_max: Number | None = None
    domain_hour_max: Number | None = None
    apart_days: Number | None = None
    touch_gap_h: Number | None = None
    weekend: Literal["hard_stop", "reduced", "none"] | None = None
    weekend_percent: Number | None = None
    strict_consent: bool | None = None
    health_min: Number | None = None
    pace_min_s: Number | None = None
    pace_max_s: Number | None = None
    validate_max_age_days: Number | None = None
    reason: Words = ""


class NeededReason(Given):
    """Why, for those who read it later; it is kept in the vault."""

    reason: NeededWords


def rules(call: Call) -> SendingShown:
    """The rules in force, and how much of the tenant's own limit is used."""
    return sending(call.tenant.ports, call.services.clock.now())


@act(Act.SENDING_RULES)
def change_rules(call: Call) -> SendingShown:
    """Change rules; all of them or none."""
    given: NewRules = call.body
    changes = given.model_dump(exclude_none=True, exclude={"reason"}, mode="json")
    decide = partial(accounts.change_rules, changes=changes, at=call.services.clock.now())
    call.tenant.ports.accounts.order_sending(decide, why_of(call, given.reason))
    call.ring()
    return rules(call)


@act(Act.SENDING_PAUSE)
def pause_sending(call: Call) -> SendingShown:
    """Let nothing of the tenant leave, from this instant on. Safe to repeat."""
    given: NeededReason = call.body
    decide = partial(
        accounts.pause_sending, reason=PauseReason.OPERATOR, at=call.services.clock.now()
    )
    call.tenant.ports.accounts.order_sending(decide, why_of(call, given.reason))
    return rules(call)


@act(Act.SENDING_RESUME)
def resume_sending(call: Call) -> SendingShown:
    """Let the tenant send again. Safe to repeat."""
    given: NeededReason = call.body
    decide = partial(accounts.resume_sending, at=call.services.clock.now())
    call.tenant.ports.accounts.order_sending(decide, why_of(call, given.reason))
    call.ring()
    return rules(call)
