"""Every fact about sender accounts and about a tenant's sending; the storage format of their log.

They stand in a log of their own, `account_events`: the streams of `events` are contact-campaigns.
No fact has an address or a name of a person; words of people are notes in the vault.
"""

from collections.abc import Mapping
from datetime import date, datetime

import msgspec

from domain.accounts.words import (
    CircuitCause,
    ClosedBy,
    PauseReason,
    Profile,
    VerifiedBy,
    WarmupHold,
)
from domain.events import Fact
from domain.taxonomy import CapName

RuleValue = int | bool | str


class AccountSettings(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """How an account is set up; None and '' mean the rule of the tenant."""

    profile: Profile = Profile.BULK
    zone: str = ""
    rotation_set: str = ""
    day_max: int | None = None
    minute_max: int | None = None
    hour_max: int | None = None


class Counts(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What became of the mails of one sender in some days."""

    accepted: int = 0
    delivered: int = 0
    hard_bounces: int = 0
    complaints: int = 0


# --- sender accounts ------------------------------------------------------------------------------


class SenderRegistered(Fact, frozen=True, kw_only=True, tag="sender_registered"):
    """An account began, or began again after it was deleted."""

    sender: str
    settings: AccountSettings
    at: datetime


class SenderConfigured(Fact, frozen=True, kw_only=True, tag="sender_configured"):
    """The account is set up otherwise from here on."""

    settings: AccountSettings
    at: datetime


class SenderVerified(Fact, frozen=True, kw_only=True, tag="sender_verified"):
    """The address may be sent from."""

    by: VerifiedBy
    at: datetime


class SenderUnverified(Fact, frozen=True, kw_only=True, tag="sender_unverified"):
    """The address may not be sent from any more."""

    by: VerifiedBy
    at: datetime


class SenderPaused(Fact, frozen=True, kw_only=True, tag="sender_paused"):
    """Nothing leaves for this reason; `counts` are the numbers that gave it."""

    reason: PauseReason
    at: datetime
    counts: Counts | None = None


class SenderResumed(Fact, frozen=True, kw_only=True, tag="sender_resumed"):
    """These reasons hold no longer; `excused` is what an operator knew and let pass."""

    reasons: tuple[PauseReason, ...]
    at: datetime
    excused: Counts | None = None


class HealthScored(Fact, frozen=True, kw_only=True, tag="health_scored"):
    """The health of an account, 0 to 100, from what its mails met with in seven days."""

    on: date
    score: int
    counts: Counts
    at: datetime


class HealthOverridden(Fact, frozen=True, kw_only=True, tag="health_overridden"):
    """A person says how healthy the account is, until an instant or until it is lifted."""

    score: int
    at: datetime
    until: datetime | None = None


class OverrideLifted(Fact, frozen=True, kw_only=True, tag="override_lifted"):
    """The reckoned health counts again."""

    at: datetime


class CapReached(Fact, frozen=True, kw_only=True, tag="cap_reached"):
    """A limit is used up: what waits for it pauses until its window has room again."""

    cap: CapName
    key: str
    used: int
    limit: int
    until: datetime
    at: datetime


class CapLifted(Fact, frozen=True, kw_only=True, tag="cap_lifted"):
    """The window of a limit that was used up is over."""

    cap: CapName
    key: str
    at: datetime


class WarmupStarted(Fact, frozen=True, kw_only=True, tag="warmup_started"):
    """The volume is raised day by day: one cap for each step."""

    caps: tuple[int, ...]
    on: date
    at: datetime


class WarmupStepped(Fact, frozen=True, kw_only=True, tag="warmup_stepped"):
    """The next step of the warm-up is in force; steps count from 1."""

    step: int
    cap: int
    on: date
    at: datetime


class WarmupHeld(Fact, frozen=True, kw_only=True, tag="warmup_held"):
    """The warm-up stays where it is for this day."""

    reason: WarmupHold
    on: date
    at: datetime


class WarmupEnded(Fact, frozen=True, kw_only=True, tag="warmup_ended"):
    """No cap of a warm-up any more: its last step went well, or it was ended by order."""

    at: datetime


class CircuitOpened(Fact, frozen=True, kw_only=True, tag="circuit_opened"):
    """The provider is not called for this sender until then, and then by one message."""

    cause: CircuitCause
    opens: int
    until: datetime
    at: datetime
    needs_operator: bool = False


class CircuitClosed(Fact, frozen=True, kw_only=True, tag="circuit_closed"):
    """The provider is called as ever."""

    by: ClosedBy
    at: datetime


class SenderAway(Fact, frozen=True, kw_only=True, tag="sender_away"):
    """Nobody is there to read answers, until an instant or for an unknown time."""

    at: datetime
    until: datetime | None = None


class SenderBack(Fact, frozen=True, kw_only=True, tag="sender_back"):
    """The absence is over."""

    at: datetime


class SenderDisconnected(Fact, frozen=True, kw_only=True, tag="sender_disconnected"):
    """The provider has no access to the account."""

    at: datetime


class SenderConnected(Fact, frozen=True, kw_only=True, tag="sender_connected"):
    """The provider has access to the account again."""

    at: datetime


class SenderDeleted(Fact, frozen=True, kw_only=True, tag="sender_deleted"):
    """The account is gone; what was to leave from it waits."""

    at: datetime


# --- the tenant's sending -------------------------------------------------------------------------


class SendingPaused(Fact, frozen=True, kw_only=True, tag="sending_paused"):
    """Nothing of this tenant leaves."""

    reason: PauseReason
    at: datetime


class SendingResumed(Fact, frozen=True, kw_only=True, tag="sending_resumed"):
    """The tenant sends again."""

    at: datetime


class RulesChanged(Fact, frozen=True, kw_only=True, tag="rules_changed"):
    """Numbers and words of the tenant's rules that are others from here on."""

    changed: Mapping[str, RuleValue]
    at: datetime


SenderEvent = (
    SenderRegistered
    | SenderConfigured
    | SenderVerified
    | SenderUnverified
    | SenderPaused
    | SenderResumed
    | HealthScored
    | HealthOverridden
    | OverrideLifted
    | CapReached
    | CapLifted
    | WarmupStarted
    | WarmupStepped
    | WarmupHeld
    | WarmupEnded
    | CircuitOpened
    | CircuitClosed
    | SenderAway
    | SenderBack
    | SenderDisconnected
    | SenderConnected
    | SenderDeleted
)
"""Every fact of a sender account."""

SendingEvent = SendingPaused | SendingResumed | RulesChanged | CapReached | CapLifted
"""Every fact of the sending of a tenant as a whole."""

AccountEvent = SenderEvent | SendingEvent
"""Every fact of the log of accounts."""
