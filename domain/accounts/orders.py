"""What people and providers order about a sender account. Each order given twice writes once."""

from collections.abc import Collection
from datetime import datetime

from domain.accounts.account import Account, fold, in_service
from domain.accounts.errors import ReasonRequired, SettingRefused
from domain.accounts.facts import (
    AccountSettings,
    Counts,
    SenderAway,
    SenderBack,
    SenderConfigured,
    SenderConnected,
    SenderDeleted,
    SenderDisconnected,
    SenderEvent,
    SenderPaused,
    SenderRegistered,
    SenderResumed,
    SenderUnverified,
    SenderVerified,
)
from domain.accounts.rules import check_settings
from domain.accounts.words import PauseReason, VerifiedBy

ALL_REASONS = tuple(PauseReason)
ORDERED = (PauseReason.ACCOUNT_TROUBLE, PauseReason.OPERATOR)
"""Pauses that follow from an order, not from how mails fared."""


def register(
    state: Account, *, sender: str, settings: AccountSettings, at: datetime
) -> list[SenderEvent]:
    """Begin an account; one that stands is left as it is."""
    check_settings(settings)
    if not sender:
        raise SettingRefused("sender", "a sender has a name")
    if state.stands:
        return []
    return [SenderRegistered(sender=sender, settings=settings, at=at)]


def take_over(
    state: Account, *, sender: str, verified: bool, paused: bool, at: datetime
) -> list[SenderEvent]:
    """Have the account be as an identity was written: there, verified or not, paused or not.

    Written as not paused, it loses the pauses that people and providers ordered; those that
    follow from complaints and bounces stay.
    """
    facts = register(state, sender=sender, settings=state.settings, at=at)
    state = fold(facts, state)
    facts += (verify if verified else unverify)(state, by=VerifiedBy.OPERATOR, at=at)
    if paused:
        return facts + pause(state, reason=PauseReason.OPERATOR, at=at)
    return facts + resume(state, reasons=ORDERED, at=at)


def configure(state: Account, *, settings: AccountSettings, at: datetime) -> list[SenderEvent]:
    """Set the account up otherwise."""
    in_service(state)
    check_settings(settings)
    return [] if settings == state.settings else [SenderConfigured(settings=settings, at=at)]


def verify(state: Account, *, by: VerifiedBy, at: datetime) -> list[SenderEvent]:
    """The address may be sent from."""
    in_service(state)
    return [] if state.verified else [SenderVerified(by=by, at=at)]


def unverify(state: Account, *, by: VerifiedBy, at: datetime) -> list[SenderEvent]:
    """The address may not be sent from: what was to leave from it waits."""
    in_service(state)
    return [SenderUnverified(by=by, at=at)] if state.verified else []


def check_verified(state: Account, *, listed: bool | None, at: datetime) -> list[SenderEvent]:
    """Follow what the provider says of the address; None: it is not in the provider's list.

    A provider may know an address by its domain alone, so one that is not listed loses only what
    the list itself had given.
    """
    if not state.stands:
        return []
    if listed is None:
        vanished = state.verified_by is VerifiedBy.PROVIDER
        return unverify(state, by=VerifiedBy.PROVIDER, at=at) if vanished else []
    return (verify if listed else unverify)(state, by=VerifiedBy.PROVIDER, at=at)


def pause(state: Account, *, reason: PauseReason, at: datetime) -> list[SenderEvent]:
    """Let nothing leave for this reason; another reason may hold at the same time."""
    in_service(state)
    return [] if reason in state.pauses else [SenderPaused(reason=reason, at=at)]


def resume(
    state: Account,
    *,
    at: datetime,
    explained: bool = False,
    counts: Counts | None = None,
    reasons: Collection[PauseReason] = ALL_REASONS,
) -> list[SenderEvent]:
    """Lift these reasons by a person's order.

    `counts` are the numbers the person could see: only more than these pause the account again. The
    stop for complaints is lifted only with a reason in words.
    """
    in_service(state)
    lifted = tuple(reason for reason in PauseReason if reason in state.pauses and reason in reasons)
    if not lifted:
        return []
    if PauseReason.COMPLAINT_STOP in lifted and not explained:
        raise ReasonRequired(
            "too many recipients called these mails spam: say why it may send again"
        )
    return [SenderResumed(reasons=lifted, at=at, excused=counts or state.counts)]


def go_away(state: Account, *, at: datetime, until: datetime | None = None) -> list[SenderEvent]:
    """Nobody reads answers until then, or until further notice."""
    in_service(state)
    if until is not None and until <= at:
        raise SettingRefused("until", "the absence would be over before it began")
    known = state.away and state.away_until == until
    return [] if known else [SenderAway(at=at, until=until)]


def come_back(state: Account, *, at: datetime) -> list[SenderEvent]:
    """The absence is over."""
    in_service(state)
    return [SenderBack(at=at)] if state.away else []


def disconnect(state: Account, *, at: datetime) -> list[SenderEvent]:
    """The provider has lost its access to the account."""
    in_service(state)
    return [SenderDisconnected(at=at)] if state.connected else []


def connect(state: Account, *, at: datetime) -> list[SenderEvent]:
    """The provider has its access again."""
    in_service(state)
    return [] if state.connected else [SenderConnected(at=at)]


def delete(state: Account, *, at: datetime) -> list[SenderEvent]:
    """Take the account away; what was to leave from it waits, and its pauses outlive it."""
    return [SenderDeleted(at=at)] if state.stands else []
