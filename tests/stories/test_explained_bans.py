"""A message that nobody may send is explained back to the report or the order behind the ban."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from domain.accounts import PauseReason, pause
from domain.campaign.releasing import UNTIL_RELEASED, hold_back
from domain.ids import StreamId
from domain.recorded import Cause
from domain.taxonomy import CauseKind, Family
from handlers.campaigns import order
from handlers.explain import Explained, explain
from handlers.ports import ListedAddress, Suppression, Why
from handlers.services import TenantServices
from handlers.suppression_sync import SuppressionSync
from infra.services import make_services
from infra.vault.pulls import SqlPullBook
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

LATER = plan(
    send("intro", way("no_reply", "end", after="P5D"), schedule={"delay": "P1D"}),
    stop(),
)
NOW = plan(send("intro", way("no_reply", "end", after="P5D")), stop())
ORDER = Cause(CauseKind.OPERATOR, "key-1/r-1")


@pytest.fixture
def tenant(house: House) -> TenantServices:
    found = make_services(house.system).tenant(house.tenant)
    assert found is not None
    return found


def told(house: House, tenant: TenantServices, stream: StreamId) -> Explained:
    found = explain(tenant, house.message(stream), house.clock.now())
    assert found is not None
    return found


def address_of(house: House, stream: StreamId) -> str:
    contact = house.state(stream).contact_id
    address = house.ports.vault.people([contact])[contact].email
    assert address is not None
    return address


def banned(house: House, stream: StreamId, cause: Cause | None, source: str = "api") -> None:
    address = address_of(house, stream)
    now = house.clock.now()
    ban = Suppression(Family.EMAIL, address, "manual", source, now, cause=cause)
    house.ports.suppressions.add(None, [ban])


def test_a_message_cancelled_by_a_ban_goes_back_to_the_webhook_that_set_it(
    house: House, tenant: TenantServices
) -> None:
    """The report is about an earlier mail to the same person, in another campaign."""
    first = house.started(NOW)
    house.after(minutes=10)
    stream = house.started(LATER, email=address_of(house, first))
    house.hear(house.event(first, "spamreport", email=address_of(house, first)))
    house.work()
    since = house.clock.now()
    house.after(days=2)
    found = told(house, tenant, stream)
    assert (found.message.state, found.message.reason) == ("CANCELLED", "suppressed")
    ((delivery,),) = house.rows("SELECT delivery_id::text FROM {s}.webhook_deliveries")
    ((item,),) = house.rows("SELECT inbox_id FROM {s}.webhook_inbox")
    cause = f"webhook delivery {delivery}, item {item} of the inbox"
    (ban,) = found.banned
    assert (ban.reason, ban.source, ban.cause) == ("spamreport", "sendgrid", cause)
    assert abs(ban.since - since) < timedelta(minutes=1)
    assert found.answer.endswith(f"by {cause}.")
    (cancelled,) = [one for one in found.decisions if one.kind == "message_cancelled"]
    assert [one.kind for one in cancelled.because][:2] == ["webhook", "suppressed"]
    assert cancelled.because[0].told == cause
    assert "suppressed: spamreport" in cancelled.because[1].told
    digest = ban.address_hmac[:12]
    assert cancelled.because[1].told.endswith(f"source sendgrid, digest {digest}")
    assert address_of(house, stream) not in str(found)


def test_a_message_that_waits_though_its_address_is_banned_names_the_order(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(LATER)
    banned(house, stream, ORDER)
    found = told(house, tenant, stream)
    assert [one.cause for one in found.banned] == ["order by key-1 in request r-1"]
    assert "must not be written to (manual)" in found.answer
    house.after(days=2)
    ended = told(house, tenant, stream)
    assert ended.answer.endswith("by order by key-1 in request r-1.")


def test_a_ban_that_was_lifted_since_still_explains_what_it_cancelled(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(LATER)
    banned(house, stream, ORDER)
    house.after(days=2)
    house.after(hours=1)
    tenant.suppressions.remove(Family.EMAIL, address_of(house, stream), house.clock.now())
    (ban,) = told(house, tenant, stream).banned
    assert ban.until == house.clock.now()
    other = house.started(LATER, email=address_of(house, stream))
    assert told(house, tenant, other).banned == []


class OneList:
    """Implements SuppressionLists: one address on the list of bounces."""

    provider = "sendgrid"

    def __init__(self, address: str) -> None:
        self.address = address

    def entries(self, name: str, _: object) -> list[ListedAddress]:
        return [ListedAddress(self.address, None)] if name == "bounces" else []

    def groups(self) -> dict[str, list[ListedAddress]]:
        return {}

    def push(self, addresses: object) -> None:
        """Nobody asks what was told."""


@pytest.mark.parametrize("way_of", ["link", "list", "unknown"])
def test_every_way_to_a_ban_is_named(house: House, tenant: TenantServices, way_of: str) -> None:
    stream = house.started(LATER)
    if way_of == "list":
        lists = OneList(address_of(house, stream))
        book = SqlPullBook(house.system.database, house.tenant)
        SuppressionSync(lists, book, house.ports.suppressions, house.clock).run()
    else:
        link = Cause(CauseKind.LINK, str(UUID(int=7)))
        banned(house, stream, link if way_of == "link" else None)
    (ban,) = told(house, tenant, stream).banned
    expected = {
        "link": f"the opt-out link of message {UUID(int=7)}",
        "list": "the list bounces of the provider",
        "unknown": "api, by nobody knows which report or order",
    }
    assert ban.cause == expected[way_of]


def test_when_it_was_planned_is_apart_from_when_its_gate_is_asked_again(
    house: House, tenant: TenantServices
) -> None:
    planned = house.clock.now()
    house.account(pause, reason=PauseReason.OPERATOR)
    stream = house.started(NOW)
    house.after(minutes=10)
    found = told(house, tenant, stream)
    assert found.message.hold_reason == "sender_paused"
    assert found.planned_at == planned
    assert found.looked_at_again_at == found.message.not_before > house.clock.now()


def test_what_a_person_holds_is_planned_for_when_its_plan_wanted_it(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(LATER)
    planned = house.clock.now() + timedelta(days=1)
    assert told(house, tenant, stream).planned_at == planned
    decide = partial(
        hold_back,
        message_id=house.message(stream),
        until=None,
        planned_at=planned,
        at=house.clock.now(),
    )
    order(house.ports, stream, decide, cause=ORDER, correlation=UUID(int=9))
    found = told(house, tenant, stream)
    assert (found.planned_at, found.message.not_before) == (planned, UNTIL_RELEASED)
    assert found.looked_at_again_at is None


def test_what_people_said_is_told_also_of_the_sender_that_holds_it(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(NOW)
    house.ports.vault.keep_note(house.message(stream), None, "hold_reason", "she called")
    house.ports.vault.keep_note(UUID(int=7), None, "hold_reason", "of another message")
    why = Why(ORDER, "key-1", "on leave")
    accounts = house.ports.accounts
    accounts.order("sam", partial(pause, reason=PauseReason.OPERATOR, at=house.clock.now()), why)
    assert [one.text for one in told(house, tenant, stream).notes] == ["she called"]
    house.after(minutes=10)
    assert [(one.kind, one.text) for one in told(house, tenant, stream).notes] == [
        ("hold_reason", "she called"),
        ("sender_paused", "on leave"),
    ]
