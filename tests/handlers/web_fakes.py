"""A web process on stores of a few lines, for the tests of its endpoints."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from starlette.testclient import TestClient

from domain.acts import AdminEvent, AdminRecorded
from domain.campaign import Campaign, evolve
from domain.campaign.state import INITIAL
from domain.errors import CampaignError
from domain.events import Event
from domain.ids import CampaignId, ContactId, ErrandId, MessageId, StreamId, TenantId
from domain.plan import Grounds, Policy
from domain.recorded import Recorded
from domain.taxonomy import AddressVerdict, Channel
from handlers.access import KeyHolder, Role
from handlers.accounts.orders import AccountOrders
from handlers.app import create_app
from handlers.contacts import ContactRow
from handlers.errands.endpoints import NewEndpoint
from handlers.errands.lists import NoticeRow, TaskRow
from handlers.errors import KeyReused, OutOfStep, Problem, StillRunning
from handlers.metrics.reads import Bucket, People, PlaceTotals, WantedSeries
from handlers.passages import Passage
from handlers.ports import (
    Ban,
    CampaignRow,
    Endpoint,
    Input,
    InvalidSignature,
    LastRun,
    Lift,
    Mail,
    Note,
    Person,
    Report,
    ReportRef,
    Result,
    Sender,
    Suppression,
    TenantPorts,
)
from handlers.services import (
    Activity,
    ActivityRow,
    Answered,
    CampaignNumbers,
    ContactCampaignRow,
    Journeys,
    Queue,
    QueueRow,
    RawDelivery,
    Services,
    TenantServices,
)
from handlers.webhooks.words import Inbound, ReplyClass
from plans.context import TenantPolicy
from plans.simulate import Counts as Reactions
from projections.metrics import COUNTERS
from tests.handlers.account_fakes import Accounts, Counts, Letters, NoMail

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REAL_NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TENANT = TenantId("acme")
TAG = "tag-acme"
LINK_KEY = b"link key of sixteen and more bytes"
KEYS = {f"key-{role}": KeyHolder(f"id-{role}", TENANT, role) for role in Role}
SAM = Sender(
    sender="sam",
    from_email="sam@mail.example",
    from_name="Sam Okello",
    first_name="Sam",
    calendar_url="",
    reply_domain="reply.example",
    postal_address="1 Harbour Street",
    verified=True,
)


class OutOfReach(Exception):
    """What a store of these tests raises when it is away."""


class NameTaken(Exception):
    """What the campaigns of these tests raise for a name that is there."""


class Chance:
    def __init__(self) -> None:
        self.drawn = 0

    def uniform(self, low: float, _: float) -> float:
        return low

    def new_id(self) -> UUID:
        self.drawn += 1
        return UUID(int=self.drawn, version=4)


class StandingClock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


class Bell:
    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, kind: str, _: TenantId) -> None:
        self.rung.append(kind)


class Streams:
    """Implements handlers.ports.Campaigns: streams in a dict, one decision at a time."""

    def __init__(self) -> None:
        self.states: dict[StreamId, Campaign] = {}
        self.grounds: dict[StreamId, Grounds] = {}
        self.causes: list[tuple[str, UUID]] = []

    def load(self, stream: StreamId) -> Campaign:
        return self.states.get(stream, INITIAL)

    def transact(self, given: Input) -> Result:
        grounds = self.grounds.setdefault(given.stream, given.grounds or Any)
        state = self.load(given.stream)
        try:
            facts: Sequence[Event] = given.decide(state, grounds)
        except CampaignError as refused:
            return Result(given.stream, refused=refused, ref=given.ref)
        for fact in facts:
            state = evolve(state, fact)
        self.states[given.stream] = state
        if facts:
            self.causes.append((f"{given.cause.kind}:{given.cause.id}", given.correlation))
        return Result(given.stream, tuple(facts), ref=given.ref)

    def transact_many(self, given: Sequence[Input], along: Any = None) -> list[Result]:
        results = [self.transact(one) for one in given]
        if along is not None:
            along(object(), results)
        return results


class Book:
    """Implements handlers.contacts.ContactBook and the people of the vault."""

    def __init__(self) -> None:
        self.people_by_id: dict[ContactId, Person] = {}

    def put(self, rows: Sequence[ContactRow]) -> list[Any]:
        shared = self.sharing(rows)
        return [self._put(row, others) for row, others in zip(rows, shared, strict=True)]

    def _put(self, row: ContactRow, others: tuple[str, ...]) -> Any:
        known = {one.external_id: one for one in self.people_by_id.values()}
        before = known.get(row.external_id) if row.external_id else None
        contact_id = before.contact_id if before else ContactId(UUID(int=len(known) + 1000))
        values = msgspec.structs.asdict(row)
        values["external_id"] = row.external_id or str(contact_id)
        self.people_by_id[contact_id] = Person(
            contact_id=contact_id, snapshot=1, vault_key=b"k" * 32, **values
        )
        return Written(contact_id, before is None, others)

    def sharing(self, rows: Sequence[ContactRow]) -> list[tuple[str, ...]]:
        known = [*self.people_by_id.values(), *rows]
        return [
            tuple(
                sorted(
                    {str(one.external_id) for one in known if one.email == row.email is not None}
                    - {str(row.external_id)}
                )
            )
            for row in rows
        ]

    def change(self, contact_id: ContactId, to: Callable[[Person], Person]) -> Person | None:
        if contact_id in self.people_by_id:
            self.people_by_id[contact_id] = to(self.people_by_id[contact_id])
        return self.people_by_id.get(contact_id)

    def by_id(self, ids: Iterable[ContactId]) -> dict[ContactId, Person]:
        return {one: self.people_by_id[one] for one in ids if one in self.people_by_id}

    def page(self, after: UUID | None, limit: int) -> list[Person]:
        found = sorted(self.people_by_id.values(), key=lambda one: one.contact_id)
        return [one for one in found if after is None or one.contact_id > after][:limit]


@dataclasses.dataclass(frozen=True)
class Written:
    contact_id: ContactId
    created: bool
    same_address_as: tuple[str, ...]


class Papers:
    """Implements what the endpoints need of handlers.ports.Vault."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.mail: dict[MessageId, tuple[Mail, bytes]] = {}
        self.targets: dict[tuple[MessageId, int], str] = {}
        self.notes: list[tuple[str, str]] = []
        self.words: list[Note] = []
        self.replies: dict[UUID, Mapping[str, Any]] = {}
        self.accounts = {"sam": SAM}
        self.plans: dict[str, Mapping[str, Any]] = {}
        self.proofs: dict[ReportRef, bytes] = {}

    def people(self, ids: Iterable[ContactId]) -> dict[ContactId, Person]:
        return self.book.by_id(ids)

    def senders(self) -> Mapping[str, Sender]:
        return self.accounts

    def documents(self, hashes: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        return {one: self.plans[one] for one in hashes if one in self.plans}

    def reports(self, wanted: Iterable[ReportRef]) -> dict[ReportRef, bytes]:
        return {one: self.proofs[one] for one in wanted if one in self.proofs}

    def mails(self, ids: Iterable[MessageId]) -> dict[MessageId, tuple[Mail, bytes]]:
        return {one: self.mail[one] for one in ids if one in self.mail}

    def link(self, message_id: MessageId, number: int) -> str | None:
        return self.targets.get((message_id, number))

    def keep_note(self, subject: UUID, _: ContactId | None, kind: str, text: str) -> None:
        self.notes.append((kind, text))
        self.words.append(Note(subject, kind, text, NOON))

    def noted(self, subjects: Iterable[UUID], limit: int) -> list[Note]:
        wanted = set(subjects)
        return [one for one in self.words if one.subject_id in wanted][-limit:]

    def keep_reply(self, reply_id: UUID, received: Mapping[str, Any]) -> None:
        self.replies.setdefault(reply_id, received)


class Shelf:
    """Implements handlers.services.CampaignBook."""

    def __init__(self, papers: Papers, accounts: Accounts) -> None:
        self.accounts = accounts
        self.rows: dict[CampaignId, CampaignRow] = {}
        self.papers = papers
        self.kept: list[Any] = []
        self.streams_of: dict[CampaignId, list[StreamId]] = {}
        self.looked = 0

    def campaign(self, campaign_id: CampaignId) -> CampaignRow | None:
        return self.rows.get(campaign_id)

    def campaigns_of(self, ids: Iterable[CampaignId]) -> dict[CampaignId, CampaignRow]:
        self.looked += 1
        return {one: self.rows[one] for one in ids if one in self.rows}

    def campaigns(self, after: UUID | None, limit: int) -> list[CampaignRow]:
        found = sorted(self.rows.values(), key=lambda one: one.campaign_id)
        return [one for one in found if after is None or one.campaign_id > after][:limit]

    def add_campaign(self, row: CampaignRow) -> None:
        if any(one.name == row.name for one in self.rows.values()):
            raise NameTaken
        self.rows[row.campaign_id] = row

    def change_campaign(self, row: CampaignRow) -> None:
        if any(one.name == row.name for key, one in self.rows.items() if key != row.campaign_id):
            raise NameTaken
        self.rows[row.campaign_id] = row

    def set_status(self, campaign_id: CampaignId, status: str) -> None:
        self.rows[campaign_id] = msgspec.structs.replace(self.rows[campaign_id], status=status)

    def last_runs(self, _: CampaignId, __: Iterable[ContactId]) -> dict[ContactId, LastRun]:
        return {}

    def keep_plans(self, _: object, plans: Sequence[Any]) -> None:
        self.kept += plans

    def streams(
        self, campaign_id: CampaignId, after: StreamId | None, limit: int
    ) -> list[StreamId]:
        found = sorted(self.streams_of.get(campaign_id, []))
        return [one for one in found if after is None or one > after][:limit]

    def put_sender(self, sender: Sender) -> None:
        self.papers.accounts[sender.sender] = sender
        self.accounts.written(sender)


class Box:
    """Implements handlers.ports.Inbox.keep; may be away."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, bytes, list[Report], bool]] = []
        self.headers: Mapping[str, str] = {}
        self.away = False

    def keep(
        self,
        provider: str,
        headers: Mapping[str, str],
        body: bytes,
        reports: Sequence[Report],
        *,
        late: bool,
    ) -> int:
        if self.away:
            raise OutOfReach("the address ada@secret.example must not be told")
        self.headers = headers
        self.kept.append((provider, body, list(reports), late))
        return len(reports)


class Bans:
    """Implements handlers.services.SuppressionList; the digest of an address is its bytes."""

    def __init__(self) -> None:
        self.held: dict[tuple[bytes, str], Suppression] = {}

    def add(self, _: object, bans: Sequence[Suppression]) -> None:
        for ban in bans:
            self.held.setdefault((ban.address.encode(), ban.family), ban)

    def page(self, after: bytes | None, limit: int) -> list[tuple[str, bytes, str, str, datetime]]:
        found = [
            (family, mac, self.held[mac, family].reason, self.held[mac, family].source, NOON)
            for mac, family in sorted(self.held)
        ]
        return [row for row in found if after is None or row[1] > after][:limit]

    def of_contact(self, _: ContactId) -> list[Ban]:
        return []

    def lift(self, lifts: Sequence[Lift]) -> None:
        for one in lifts:
            self.held.pop((one.address.encode(), one.family), None)

    def remove(self, family: str, address: str, _: datetime) -> bool:
        return self.held.pop((address.encode(), family), None) is not None


class Notebook:
    """Implements handlers.services.Memory."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], tuple[bytes, Answered | None]] = {}

    def begin(self, route: str, key: str, request: bytes) -> Answered | None:
        before = self.known.get((route, key))
        if before is None:
            self.known[route, key] = (request, None)
            return None
        if before[0] != request:
            raise KeyReused
        if before[1] is None:
            raise StillRunning
        return before[1]

    def keep(self, route: str, key: str, answered: Answered) -> None:
        self.known[route, key] = (self.known[route, key][0], answered)

    def forget(self, route: str, key: str) -> None:
        del self.known[route, key]


class Tables:
    """Implements handlers.services.ReadModels and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.messages: dict[MessageId, QueueRow] = {}
        self.happened: list[ActivityRow] = []
        self.counters: dict[str, int] = {}
        self.engaged: dict[Channel, Reactions] = {}
        self.passed: dict[CampaignId, list[Passage]] = {}

    def journeys(self, wanted: Journeys) -> list[ContactCampaignRow]:
        self.asked.append(wanted)
        return []

    def queue(self, wanted: Queue) -> list[QueueRow]:
        self.asked.append(wanted)
        rows = sorted(self.messages.values(), key=lambda row: (row.not_before, row.id))
        rows = [row for row in rows if row.state in wanted.states]
        after = wanted.after
        return [row for row in rows if after is None or (row.not_before, row.id) > after][
            : wanted.limit
        ]

    def message(self, message_id: MessageId) -> QueueRow | None:
        return self.messages.get(message_id)

    def activity(self, wanted: Activity) -> list[ActivityRow]:
        self.asked.append(wanted)
        return self.happened[: wanted.limit]

    def engagement(self) -> Mapping[Channel, Reactions]:
        return self.engaged

    def passages(self, campaign_id: CampaignId) -> Sequence[Passage]:
        return self.passed.get(campaign_id, ())

    def numbers(self, _: CampaignId) -> CampaignNumbers:
        return CampaignNumbers(self.counters, {"active": 2}, {"replied": 1})


class Sums:
    """Implements handlers.metrics.reads.MetricReads: what was put there, whatever is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.buckets: list[Bucket] = []
        self.at: list[PlaceTotals] = []
        self.reached = People(0, 0)
        self.hashes: list[str] = []

    def last_activity(self, _: CampaignId) -> datetime | None:
        return NOON

    def series(self, wanted: WantedSeries) -> list[Bucket]:
        self.asked.append(wanted)
        rows = [
            row for row in self.buckets if not wanted.after or (row.bucket, row.key) > wanted.after
        ]
        return rows[: wanted.limit]

    def places(self, *_: Any) -> list[PlaceTotals]:
        return self.at

    def people(self, _: CampaignId) -> People:
        return self.reached

    def plans(self, campaigns: Sequence[CampaignId], _: int) -> dict[CampaignId, list[str]]:
        return dict.fromkeys(campaigns, self.hashes)

    def some_plans(self, _: int) -> list[str]:
        return self.hashes

    def totals(self, *_: Any) -> dict[str, int]:
        return dict.fromkeys(COUNTERS, 0)

    def campaigns(self, *_: Any) -> list[Any]:
        return []

    def sender_days(self, *_: Any) -> list[Any]:
        return []

    def local_hours(self, *_: Any, **__: Any) -> list[Any]:
        return []


class Desk:
    """Implements TaskList and NoticeList: rows as they were put there."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.tasks: dict[ErrandId, TaskRow] = {}
        self.notices: dict[ErrandId, NoticeRow] = {}

    def page(self, wanted: Any) -> list[Any]:
        self.asked.append(wanted)
        rows: list[Any] = [*(self.tasks if hasattr(wanted, "state") else self.notices).values()]
        return rows[: wanted.limit]

    def one(self, task_id: ErrandId) -> TaskRow | None:
        return self.tasks.get(task_id)

    def mark_read(self, notice_id: ErrandId, at: datetime) -> NoticeRow | None:
        found = self.notices.get(notice_id)
        if found is not None and found.read_at is None:
            found = self.notices[notice_id] = msgspec.structs.replace(found, read_at=at)
        return found


class Registered:
    """Implements handlers.errands.endpoints.EndpointBook."""

    def __init__(self) -> None:
        self.held: dict[str, Endpoint] = {}

    def named(self, names: Iterable[str]) -> dict[str, Endpoint]:
        return {name: self.held[name] for name in names if name in self.held}

    def all(self) -> list[Endpoint]:
        return [self.held[name] for name in sorted(self.held)]

    def add(self, name: str, url: str) -> NewEndpoint:
        if name in self.held:
            raise OutOfStep("taken")
        made = Endpoint(name=name, url=url, secret=b"s", enabled=True, created_at=NOON)
        self.held[name] = made
        return NewEndpoint(made, "whsec_cw==")

    def remove(self, name: str) -> bool:
        return self.held.pop(name, None) is not None


class SignedWithWord:
    """Implements WebhookReader and InboundReader: a post is signed with the word `good`."""

    def verify(self, headers: Mapping[str, str], _: bytes, *, now: datetime) -> bool:
        assert now == REAL_NOON
        if headers.get("x-twilio-signed") != "good":
            raise InvalidSignature
        return False

    def read(self, body: bytes, *, tenant: TenantId) -> list[Report]:
        return [self.translate(body, tenant=tenant)]

    def translate(self, raw: bytes, *, tenant: TenantId) -> Report:
        return Report(provider="sendgrid", kind=tenant, raw=raw, key=raw)

    def read_inbound(self, content_type: str, body: bytes, *, now: datetime) -> Inbound:
        assert now == NOON
        return Inbound(
            provider="sendgrid",
            key=b"\x01" * 32,
            reply_class=ReplyClass.HUMAN,
            subject=content_type,
            text=body.decode(),
            address="ada@example.com",
        )


class NobodyAsked:
    """Addresses of which nothing is known."""

    def verdicts(self, _: object) -> Mapping[ContactId, AddressVerdict]:
        return {}


class NobodyErased:
    """The part of handlers.erasure.Erasures that an unknown contact needs."""

    def known(self, _: ContactId) -> None:
        return None


class Counted:
    """Implements handlers.metering.Meter: keeps what it is told."""

    def __init__(self, counted: list[str], answered: list[tuple[str, str, int]]) -> None:
        self.count = counted.append
        self._answered = answered

    def served(self, method: str, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self._answered.append((method, route, status))

    def page(self) -> bytes:
        return b"# nothing\n"


class Acts:
    """The administrators' log, in memory."""

    def __init__(self) -> None:
        self.facts: list[AdminRecorded] = []

    def record(self, fact: AdminEvent, *, actor: str, request: UUID) -> int:
        version = len(self.facts) + 1
        self.facts.append(AdminRecorded(version, version, fact, request, actor))
        return version

    def page(self, before: int | None, limit: int) -> list[AdminRecorded]:
        known = [one for one in self.facts if before is None or one.version < before]
        return known[::-1][:limit]


class World:
    """One tenant behind a web process; `client` calls it."""

    def __init__(self, **changed: Any) -> None:
        self.clock, self.bell, self.streams, self.book = StandingClock(), Bell(), Streams(), Book()
        self.papers = Papers(self.book)
        self.accounts, self.counts, self.letters = Accounts(self.clock.now), Counts(), Letters()
        self.shelf, self.box, self.bans = Shelf(self.papers, self.accounts), Box(), Bans()
        self.memory, self.tables, self.rng = Notebook(), Tables(), Chance()
        self.desk, self.endpoints, self.sums = Desk(), Registered(), Sums()
        self.acts = Acts()
        self.history: list[Recorded] = []
        self.counted: list[str] = []
        self.answered: list[tuple[str, str, int]] = []
        self.raw: dict[int, RawDelivery] = {}
        self.readers: Any = SignedWithWord()
        self.ports = TenantPorts(
            tenant=TENANT,
            tag=TAG,
            policy=Policy(),
            plan_policy=TenantPolicy(),
            campaigns=self.streams,  # type: ignore[arg-type]  # what the endpoints call of it
            transactions=self.counts,  # type: ignore[arg-type]  # as above
            register=self.shelf,  # type: ignore[arg-type]  # as above
            vault=self.papers,  # type: ignore[arg-type]  # as above
            outbox=Any,
            timers=Any,
            errands=Any,
            people=Any,
            endpoints=self.endpoints,
            notices=Any,
            inbox=self.box,  # type: ignore[arg-type]  # as above
            suppressions=self.bans,
            calendars=Any,
            addresses=NobodyAsked(),
            accounts=self.accounts,  # type: ignore[arg-type]  # as above
            limits=self.counts,  # type: ignore[arg-type]  # as above
            smoothing=Any,
            global_share=Any,
            clock=self.clock,
            rng=self.rng,
            doorbell=self.bell,
        )
        self.tenant = TenantServices(
            ports=self.ports,
            contacts=self.book,
            campaigns=self.shelf,  # type: ignore[arg-type]  # as above
            suppressions=self.bans,
            acts=self.acts,
            tasks=self.desk,
            notices=self.desk,
            dead_letters=self.letters,
            erasures=NobodyErased(),  # type: ignore[arg-type]  # what an unknown contact needs
            copies=Any,  # as above
            orders=AccountOrders(TENANT, self.accounts, NoMail(), self.desk),  # type: ignore[arg-type]  # as above
            endpoints=self.endpoints,
            reads=self.tables,
            metrics=self.sums,  # type: ignore[arg-type]  # as above
            history=lambda _, upto=None: self.history,  # noqa: ARG005  # the port's own word
            deliveries=lambda numbers: {n: self.raw[n] for n in numbers if n in self.raw},
            memory=self.memory,
            webhooks=changed.pop("reader", self.readers),
            inbound=self.readers,
            inbound_secret=changed.pop("inbound_secret", ""),
            unmeasured=changed.pop("unmeasured", frozenset()),
        )
        given = {
            "check_key": KEYS.get,
            "tenant": lambda name: self.tenant if name == TENANT else None,
            "tenant_by_tag": lambda tag: self.tenant if tag == TAG else None,
            "link_keys": lambda tag: [LINK_KEY] if tag == TAG else [],
            "clock": self.clock,
            "real_now": lambda: REAL_NOON,
            "rng": self.rng,
            "tzdata": "2026a",
            "probes": {},
            "problems": {
                NameTaken: Problem(HTTPStatus.CONFLICT, "name_taken"),
                OutOfReach: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "out_of_reach", 5),
            },
            "hosts": frozenset({"testserver"}),
            "meter": Counted(self.counted, self.answered),
        }
        self.services = Services(**{**given, **changed})
        self.client = TestClient(create_app(self.services), follow_redirects=False)

    def call(self, method: str, path: str, *, role: str = "admin", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer key-{role}", **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.call("POST", path, json={} if body is None else body, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.call("GET", path, **more)

    def a_campaign(self, name: str = "Autumn", status: str = "draft") -> CampaignRow:
        row = CampaignRow(
            campaign_id=CampaignId(self.rng.new_id()),
            name=name,
            description="",
            status=status,
            sender="sam",
            daily_limit=50,
            created_at=NOON,
        )
        self.shelf.rows[row.campaign_id] = row
        return row

    def a_contact(self, external_id: str = "c1") -> ContactId:
        row = ContactRow(external_id=external_id, email=f"{external_id}@example.com")
        found: ContactId = self.book.put([row])[0].contact_id
        return found


def a_mail(message_id: MessageId, to: str = "ada@example.com") -> Mail:
    return Mail(
        message_id=message_id,
        from_email="sam@mail.example",
        from_name="Sam",
        to_email=to,
        to_name="Ada",
        reply_to="r@reply.example",
        subject="Hello",
        text="Hello Ada",
        html=None,
        headers={},
        sender_domain="mail.example",
    )


def a_message(number: int, **changed: Any) -> QueueRow:
    row = QueueRow(
        id=MessageId(UUID(int=number)),
        contact_campaign_id=StreamId(UUID(int=50)),
        campaign_id=CampaignId(UUID(int=51)),
        contact_id=ContactId(UUID(int=52)),
        node="hello",
        visit=1,
        channel="email",
        variant="",
        sender="sam",
        state="QUEUED",
        attempt=0,
        due_at=NOON,
        not_before=NOON + timedelta(minutes=number),
        expires_at=NOON + timedelta(days=3),
        hold_reason=None,
        reason=None,
        provider_id=None,
        accepted_at=None,
    )
    return msgspec.structs.replace(row, **changed)
