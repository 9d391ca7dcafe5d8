"""Due messages, sender accounts and budgets for tests of what one claim may take."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.accounts import AccountSettings, Profile, Rules
from domain.gates import Hold, judge
from domain.ids import CampaignId, ContactId, MessageId, StreamId
from domain.limits import Counter
from domain.taxonomy import CapName, HoldReason
from handlers.dispatch.budget import Budget
from handlers.ports import AccountRow, Due, Lane, Recipient, Reserved, Used

NOW = datetime(2026, 9, 9, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PLENTY = Reserved(granted=1_000, used=0, limit=20_000)
RULES = Rules()

BULK = AccountRow(
    sender="sam",
    settings=AccountSettings(),
    verified=True,
    paused="",
    health=100,
    warmup_max=None,
    circuit_until=None,
    circuit_needs_operator=False,
    away_until=None,
    connected=True,
    deleted=False,
)
MAILBOX = replace(BULK, settings=AccountSettings(profile=Profile.MAILBOX))


def due(number: int, *, campaign: int = 1, person: int | None = None, **fields: Any) -> Due:
    """A message to somebody of their own, in a domain of their own."""
    who = number if person is None else person
    recipient = Recipient(
        contact_id=ContactId(UUID(int=who)),
        known=True,
        reachable=True,
        suppressed="",
        address="valid",
        country="US",
        subscriber="",
        consent="",
        consent_until=None,
        zone="UTC",
        domain="harbor.example",
        domain_key=f"domain {who}",
        identities=(b"mail %d" % who, b"profile %d" % who),
        contacted_at=None,
        contacted_by=None,
        touched_at=None,
    )
    given: dict[str, Any] = {
        "recipient": recipient,
        "sender": "sam",
        "account": BULK,
        "campaign_day_max": 1_000,
    } | fields
    return Due(
        message_id=MessageId(UUID(int=number)),
        stream=StreamId(UUID(int=1_000 * campaign + who)),
        campaign_id=CampaignId(UUID(int=campaign)),
        hold_reason=None,
        campaign_status="active",
        probing=False,
        rendered=True,
        readdressed=False,
        opt_out=True,
        postal_address=True,
        **given,
    )


def budget(
    rules: Rules = RULES,
    reserved: Reserved = PLENTY,
    now: datetime = NOW,
    used: Mapping[Counter, Used] | None = None,
    lanes: Mapping[Lane, datetime] | None = None,
) -> Budget:
    made = Budget(rules, reserved, now)
    made.know(used or {}, lanes or {})
    return made


def counters(one: Due, rules: Rules = RULES, now: datetime = NOW) -> dict[CapName, Counter]:
    return {limit.counter.name: limit.counter for limit in budget(rules, now=now).limits(one)}


def used_up(one: Due, name: CapName, times: int, oldest: datetime | None = None) -> dict[Any, Used]:
    return {counters(one)[name]: Used(times, oldest)}


def all_of(one: Due) -> list[Counter]:
    return [limit.counter for limit in budget().limits(one)]


def held(made: Budget, one: Due, now: datetime = NOW) -> HoldReason:
    verdict = judge(made.seen(one), now)
    assert isinstance(verdict, Hold)
    return verdict.reason
