"""What runs begin with: a few contacts in one or two campaigns, enrolled before anything fails.

A scene is made once by the product's own enrolment; each run works on a copy of it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from domain import accounts
from domain.accounts import AccountSettings, Profile, Weekend
from domain.ids import CampaignId, ContactId, TenantId
from handlers import campaigns as use
from handlers.ports import CampaignRow, Person
from handlers.ports.accounts import Why
from infra.clock import VirtualClock
from tests.simulation.choices import Choices
from tests.simulation.memory_database import CommitFate, Memory, Place, Surroundings, Tx
from tests.simulation.memory_log import rows_in_memory
from tests.simulation.memory_tenant import STORY, memory_tenant
from tests.stories.house import MONDAY, SAM, plan, send, stop, way

TENANT = TenantId("simulated")
SENDER = SAM.sender
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SET_UP = Why(STORY, "scene")

ONE_MAIL = plan(
    send("only", way("send_failed", "end"), way("no_reply", "end", after="P3D")), stop()
)
FOLLOW_UP = plan(
    send(
        "first",
        way("clicked", "second"),
        way("send_failed", "second"),
        way("no_reply", "second", after="P1D"),
    ),
    send("second", way("no_reply", "end", after="P1D"), schedule={"delay": "PT12H"}),
    stop(),
)
CHAIN = plan(
    send("first", way("timeout", "second", after="PT1H")),
    send("second", way("timeout", "third", after="PT1H"), schedule={"delay": "PT12H"}),
    send(
        "third",
        way("no_open", "end", after="PT20H"),
        way("timeout", "end", after="P1D"),
        schedule={"delay": "PT12H"},
    ),
    stop(),
)


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Who is written to by which plan, and what the tenant allows."""

    name: str
    plan: Mapping[str, Any]
    addresses: tuple[str, ...]
    campaigns: int = 1
    profile: Profile = Profile.BULK
    minute_max: int = 2
    hour_max: int = 3
    day_max: int | None = None
    campaign_day_max: int = 50
    weekend: Weekend = Weekend.NONE


def _people(count: int) -> tuple[str, ...]:
    return tuple(f"dana.{number}@harbor.example" for number in range(count))


SCENES = (
    Scene(name="one mail each", plan=ONE_MAIL, addresses=_people(3)),
    Scene(name="a follow-up", plan=FOLLOW_UP, addresses=_people(2)),
    Scene(name="three mails in a row", plan=CHAIN, addresses=_people(2)),
    Scene(name="tight hour", plan=ONE_MAIL, addresses=_people(5), minute_max=2, hour_max=2),
    Scene(name="two campaigns, the same people", plan=ONE_MAIL, addresses=_people(2), campaigns=2),
    Scene(
        name="one person at two addresses",
        plan=ONE_MAIL,
        addresses=("dana.0@harbor.example", "Dana.0+news@harbor.example", "eve@harbor.example"),
        campaigns=2,
    ),
    Scene(
        name="a mailbox",
        plan=ONE_MAIL,
        addresses=_people(3),
        profile=Profile.MAILBOX,
        day_max=2,
        weekend=Weekend.HARD_STOP,
    ),
    Scene(name="many at once", plan=ONE_MAIL, addresses=_people(6), minute_max=20, hour_max=40),
    Scene(name="a small daily limit", plan=FOLLOW_UP, addresses=_people(3), campaign_day_max=2),
)


class Still(Surroundings):
    """Surroundings in which nothing happens, but for the time that is let pass."""

    def __init__(self, real_now: float) -> None:
        self._real_now = real_now

    def step(self, point: str, tx: Tx | None = None) -> None:
        pass

    def commit_fate(self) -> CommitFate:
        return CommitFate.ANSWERED

    def wait_for(self, tx: Tx, place: Place) -> None:  # noqa: ARG002  # as the memory asks
        raise AssertionError(f"{place} is locked, and nobody else runs")

    def committed(self, tx: Tx) -> None:
        pass

    def real_now(self) -> float:
        return self._real_now

    def pass_time(self, span: float) -> None:
        """Let the database's clock go on."""
        self._real_now += span

    def owner(self) -> object:
        return None


def seconds(instant: datetime) -> float:
    """An instant as the memory's own clock has it."""
    return (instant - EPOCH).total_seconds()


@cache
def staged(number: int) -> Memory:
    """The memory of a scene as every run of it finds it; not to be written to."""
    scene = SCENES[number]
    memory = Memory(Still(seconds(MONDAY)))
    tenant = memory_tenant(memory, Choices(-1), TENANT)
    ports = tenant.ports("scene", VirtualClock(MONDAY))
    with rows_in_memory():
        tenant.vault.put_sender(SAM)
        settings = AccountSettings(
            profile=scene.profile,
            minute_max=scene.minute_max,
            hour_max=scene.hour_max,
            day_max=scene.day_max,
        )
        tenant.accounts.order(
            SENDER,
            lambda state: [
                *(facts := accounts.register(state, sender=SENDER, settings=settings, at=MONDAY)),
                *accounts.verify(accounts.fold(facts), by=accounts.VerifiedBy.OPERATOR, at=MONDAY),
            ],
            SET_UP,
        )
        rules = {"weekend": scene.weekend.value, "touch_gap_h": 0}
        tenant.accounts.order_sending(
            lambda state: accounts.change_rules(state, changes=rules, at=MONDAY), SET_UP
        )
        if not memory.committed_rows("sending_rules"):
            first = accounts.INITIAL_SENDING
            memory.tables["sending_rules"] = {"only": {"sending": first, "rules": first.rules}}
        contacts = [_person(no, address) for no, address in enumerate(scene.addresses)]
        for person in contacts:
            tenant.vault.put_person(person)
        for no in range(scene.campaigns):
            row = _campaign(no, scene)
            ports.register.add_campaign(row)  # type: ignore[attr-defined]  # the one in memory
            enrolled = use.enrol(
                ports,
                row,
                [use.Enrolment(person.contact_id, scene.plan) for person in contacts],
                tzdata="test",
                cause=STORY,
                correlation=UUID(int=no),
            )
            assert all(one.status == "started" for one in enrolled), enrolled
    return memory


def _person(number: int, address: str) -> Person:
    contact = ContactId(UUID(int=0xC0 + number))
    return Person(
        contact_id=contact,
        snapshot=1,
        vault_key=contact.bytes,
        email=address,
        first_name="Dana",
        timezone="UTC",
    )


def _campaign(number: int, scene: Scene) -> CampaignRow:
    return CampaignRow(
        campaign_id=CampaignId(UUID(int=0xA0 + number)),
        name=f"campaign {number}",
        description="",
        status="active",
        sender=SENDER,
        daily_limit=scene.campaign_day_max,
        created_at=MONDAY,
    )


def copied(memory: Memory, around: Surroundings) -> Memory:
    """A memory of one's own that begins like this one; rows are never changed in place."""
    copy = Memory(around)
    copy.tables = {name: dict(rows) for name, rows in memory.tables.items()}
    copy.streams = {stream: list(entries) for stream, entries in memory.streams.items()}
    copy.loaded = dict(memory.loaded)
    copy.log = list(memory.log)
    copy.position = memory.position
    return copy
