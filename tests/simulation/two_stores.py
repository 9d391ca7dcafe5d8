"""What is done to two stores at once: orders, answers, reports, deaths, and time that passes."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import msgspec
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from domain import accounts, campaign
from domain.accounts import PauseReason
from domain.errors import CampaignError
from domain.ids import CampaignId, MessageId, StreamId
from domain.taxonomy import Family
from handlers import campaigns as use
from handlers.contacts import ContactRow
from handlers.ports import Answer, CampaignRow, Decide, Mail, Suppression, TenantPorts
from infra.entropy import SeededRng
from infra.providers.sendgrid.answers import classify
from infra.vault import Contacts
from tests.simulation.memory_log import rows_in_memory
from tests.simulation.memory_tenant import STORY
from tests.simulation.outside import OUTCOMES, Replies
from tests.simulation.scenes import CHAIN, FOLLOW_UP, ONE_MAIL, SENDER, SET_UP
from tests.simulation.stores import MemoryStore, SqlStore
from tests.stories.house import MONDAY, House

PLANS = (ONE_MAIL, FOLLOW_UP, CHAIN)
ANSWERS = tuple(classify(each.heard) for each in OUTCOMES)
KINDS = (
    "processed",
    "delivered",
    "open",
    "click",
    "bounce",
    "dropped",
    "deferred",
    "spamreport",
    "unsubscribe",
    "group_unsubscribe",
    "group_resubscribe",
    "reply",
)
SPANS = tuple(
    timedelta(seconds=span)
    for span in (11, 67, 1_300, 3 * 3_600, 14 * 3_600, 30 * 3_600, 80 * 3_600)
)
JOBS = ("compose", "send", "ingest", "timers", "doubts", "expired", "lost", "leases")
DEATHS = (("claim", "send"), ("call", "send"), ("answer", "send"), ("record", "send"))
_CAMPAIGNS = count(1)
few = st.integers(0, 5)


class TwoStores(RuleBasedStateMachine):
    """The same on both; a difference is a fault of one of them."""

    house: House

    @initialize()
    def begin(self) -> None:
        house = self.house
        house.clock._now = MONDAY
        self.replies = Replies()
        readers = {"sendgrid": house.system.readers()["sendgrid"], "played": self.replies}
        self.patches = ExitStack()
        self.patches.enter_context(rows_in_memory())
        self.sql = SqlStore(house, self.answer, readers)
        self.memory = MemoryStore(house, self.answer, readers)
        self.stores = (self.memory, self.sql)
        self.readers = readers
        self.answered = 0
        self.told = 0
        self.mails: dict[MessageId, Mail] = {}
        book = Contacts(house.system.database, house.tenant, self.memory.tenant.mac, SeededRng(7))
        rows = [ContactRow(email=f"dana.{n}@harbor.example", first_name="Dana") for n in range(3)]
        self.contacts = [put.contact_id for put in book.put(rows)]
        people = house.ports.vault.people(self.contacts)
        for person in people.values():
            self.memory.tenant.vault.put_person(person)
        self.campaigns = [self.campaign() for _ in range(2)]
        self.enrol(0, 0, 0)

    def teardown(self) -> None:
        if hasattr(self, "patches"):
            self.patches.close()

    def campaign(self) -> CampaignRow:
        number = next(_CAMPAIGNS)
        row = CampaignRow(
            campaign_id=CampaignId(UUID(int=number)),
            name=f"campaign {number}",
            description="",
            status="active",
            sender=SENDER,
            daily_limit=10_000,
            created_at=MONDAY,
        )
        for store in self.stores:
            store.ports.register.add_campaign(row)  # type: ignore[attr-defined]  # of both stores
        return row

    def answer(self, mail: Mail, attempt: int) -> Answer:
        """The same for the same message and attempt, whichever store asks first."""
        self.mails[mail.message_id] = mail
        made = ANSWERS[(self.answered + mail.message_id.int % 3) % len(ANSWERS)]
        provider_id = f"p{mail.message_id.hex[:12]}{attempt}"
        return msgspec.structs.replace(
            made, provider_id=provider_id if made.kind == "ACCEPTED" else ""
        )

    @property
    def now(self) -> datetime:
        return self.house.clock.now()

    @property
    def streams(self) -> list[StreamId]:
        return sorted(self.memory.memory.streams)

    # --- what is done -----------------------------------------------------------------------------

    @rule(contact=few, row=few, plan=few)
    def enrol(self, contact: int, row: int, plan: int) -> None:
        item = use.Enrolment(self.contacts[contact % 3], PLANS[plan % 3])
        into = self.campaigns[row % 2]
        enrolled = partial(
            use.enrol, row=into, items=[item], tzdata="test", cause=STORY, correlation=UUID(int=1)
        )
        ours, theirs = (enrolled(store.ports) for store in self.stores)
        assert ours == theirs

    @rule(job=st.sampled_from(JOBS), answer=st.integers(0, len(ANSWERS) - 1))
    def do(self, job: str, answer: int) -> None:
        self.answered = answer
        for store in self.stores:
            store.do(job)

    @rule(answer=st.integers(0, len(ANSWERS) - 1))
    def send_what_is_due(self, answer: int) -> None:
        self.do("compose", answer)
        self.do("send", answer)

    @rule(death=st.sampled_from(DEATHS), answer=st.integers(0, len(ANSWERS) - 1))
    def die(self, death: tuple[str, str], answer: int) -> None:
        point, job = death
        self.answered = answer
        self.do("compose", answer)
        lived = []
        for store in self.stores:
            store.life.dies_at = point
            lived.append(store.do(job))
            store.life.dies_at = ""
        assert lived[0] == lived[1]

    @rule(span=st.sampled_from(SPANS))
    def let_time_pass(self, span: timedelta) -> None:
        self.house.clock.advance(span)
        for store in self.stores:
            store.wait(span)

    # --- what is reported -------------------------------------------------------------------------

    @precondition(lambda self: self.mails)
    @rule(
        kind=st.sampled_from(KINDS),
        which=few,
        ago=st.sampled_from((0, 5, 4_000, 90_000)),
        times=st.integers(1, 3),
        attempt=st.sampled_from((0, 0, 0, -1)),
    )
    def hear(self, kind: str, which: int, ago: int, times: int, attempt: int) -> None:
        mail = self.mails[sorted(self.mails)[which % len(self.mails)]]
        row = self.memory.memory.committed_rows("send_queue")[mail.message_id]
        about = max(row["attempt"] + attempt, 1)
        at = int(self.now.timestamp()) - ago
        if kind == "reply":
            body, provider = self.replies.told(mail, about, at), "played"
        else:
            events = [self.event(kind, mail, about, at) for _ in range(times)]
            body, provider = msgspec.json.encode(events), "sendgrid"
        reports = self.readers[provider].read(body, tenant=self.house.tenant)
        new = [
            store.ports.inbox.keep(provider, {}, body, reports, late=False) for store in self.stores
        ]
        assert new[0] == new[1]

    def event(self, kind: str, mail: Mail, attempt: int, at: int) -> Mapping[str, Any]:
        self.told += 1
        return {
            "event": kind,
            "timestamp": at,
            "email": mail.to_email,
            "antiphon_message": str(mail.message_id),
            "antiphon_attempt": str(attempt),
            "antiphon_tenant": self.house.ports.tag,
            "sg_event_id": f"event-{self.told}",
            "url": "https://site.example/a",
            "ip": "192.0.2.7",
            "useragent": "Mail/1",
            "asm_group_id": 17,
        }

    # --- what is ordered --------------------------------------------------------------------------

    @rule(what=st.sampled_from(("pause", "resume", "stop")), which=few)
    def order(self, what: str, which: int) -> None:
        decide = {
            "pause": use.pause(self.now, "operator"),
            "resume": use.resume(self.now),
            "stop": use.stop(self.now, "operator"),
        }[what]
        self.ordered(self.streams[which % len(self.streams)], decide)

    @rule(which=few)
    def resend(self, which: int) -> None:
        messages = sorted(self.memory.memory.committed_rows("send_queue").items(), key=str)
        mid, row = messages[which % len(messages)]
        decide = partial(
            campaign.resend, message_id=MessageId(UUID(str(mid))), author="op", at=self.now
        )
        self.ordered(row["stream_id"], decide)

    def ordered(self, stream: StreamId, decide: Decide) -> None:
        ours, theirs = (_order(store.ports, stream, decide) for store in self.stores)
        assert ours == theirs

    @rule(which=few, status=st.sampled_from(("active", "paused")))
    def set_campaign(self, which: int, status: str) -> None:
        for store in self.stores:
            store.ports.register.set_status(self.campaigns[which % 2].campaign_id, status)

    @rule(paused=st.booleans())
    def pause_tenant(self, *, paused: bool) -> None:
        order = (
            partial(accounts.pause_sending, reason=PauseReason.OPERATOR, at=self.now)
            if paused
            else partial(accounts.resume_sending, at=self.now)
        )
        for store in self.stores:
            store.ports.accounts.order_sending(order, SET_UP)

    @rule(which=few, said=st.booleans())
    def suppress(self, which: int, *, said: bool) -> None:
        contact = self.contacts[which % 3]
        email = self.house.ports.vault.people([contact])[contact].email
        assert email is not None
        who = contact if said else None
        ban = Suppression(Family.EMAIL, email, "operator", "operator", self.now, contact_id=who)
        for store in self.stores:
            store.ports.suppressions.add(None, [ban])

    # --- what must be -----------------------------------------------------------------------------

    @invariant()
    def both_show_the_same(self) -> None:
        if not hasattr(self, "stores"):
            return
        ours, theirs = self.memory.shown(), self.sql.shown()
        for name in ours.__struct_fields__:
            assert not differences(getattr(ours, name), getattr(theirs, name)), name

    @invariant()
    def nothing_is_called_twice(self) -> None:
        if hasattr(self, "stores"):
            calls = self.memory.provider.calls
            assert len(set(calls)) == len(calls)


def differences(ours: Any, theirs: Any) -> list[Any]:
    """What one has and the other has not."""
    if isinstance(ours, Mapping):
        ours = [(key, no, fact) for key, facts in ours.items() for no, fact in enumerate(facts)]
        theirs = [(key, no, fact) for key, facts in theirs.items() for no, fact in enumerate(facts)]
    return [("model", one) for one in ours if one not in theirs] + [
        ("postgres", one) for one in theirs if one not in ours
    ]


def _order(ports: TenantPorts, stream: StreamId, decide: Decide) -> str:
    try:
        use.order(ports, stream, decide, cause=STORY, correlation=UUID(int=2))
    except CampaignError as refused:
        return refused.code
    return "done"
