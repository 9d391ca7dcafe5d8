"""A tenant that was lived in, its streams at different ends, to be broken and mended again."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain import campaign as use_campaign
from domain.accounts import SenderEvent, SendingEvent
from domain.campaign.releasing import hold_back
from domain.events import Event, SendAttemptStarted
from domain.ids import StreamId, schema_of
from domain.recorded import Cause, Envelope
from domain.taxonomy import AnswerClass, CauseKind
from handlers import campaigns as use
from handlers.ports import Answer, Called, CampaignRow, Decide, Mail
from handlers.revisions import RevisionOrder, revise
from handlers.timeouts import Timeouts
from infra.invariants import Finding, check
from infra.leadership import Leadership
from infra.log import Entry
from infra.projector import Runner
from projections.registry import READ
from tests.stories.house import STORY, House, plan, send, stop, way

CAUSE = Cause(CauseKind.REQUEST, "stage")
REQUEST = UUID(int=11)

PLAN = plan(
    send(
        "hello",
        way("clicked", "won"),
        way("no_click", "again", after="P2D"),
        message={"subject": "Docks", "text": "Hi {{ contact.first_name }}: https://site.example/a"},
    ),
    send("again", way("no_reply", "silent", after="P3D")),
    stop("won", outcome="handed_off"),
    stop("silent", outcome="no_response"),
    quietHours={"start": "20:00", "end": "06:00"},
)

ASKING = plan(
    {"id": "tell", "type": "notify", "text": "A new one", "next": "enter"},
    {"id": "enter", "type": "webhook", "endpoint": "crm", "next": "phone"},
    {
        "id": "phone",
        "type": "task",
        "kind": "call",
        "title": "Call {{ contact.first_name }}",
        "transitions": [way("task_done", "note"), way("timeout", "note", after="P5D")],
    },
    send("note", way("no_reply", "over", after="P3D")),
    stop("over", outcome="completed"),
)

WAITING = plan(
    send("later", way("no_reply", "over", after="P3D"), schedule={"delay": "P20D"}),
    stop("over", outcome="no_response"),
)
AT_MAILBOX_PROVIDERS = ("silent", "left")

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'migrations'"

ANSWERS: Mapping[str, list[Answer]] = {
    "doubted": [Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")],
    "settled": [Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")],
    "refused": [Answer(kind=AnswerClass.REFUSED, reason="bad_request")],
    "returned": [Answer(kind=AnswerClass.NOT_SENT, reason="no_connection")],
    "resent": [Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")],
    "came": [Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")],
}
"""What the provider answers first, by the first name of the recipient; then it accepts."""


def project(house: House) -> None:
    """Bring the read models of a house to the head of its log."""
    database, tenant = house.system.database, house.tenant
    with closing(Leadership(database)) as leads:
        for projection in READ:
            runner = Runner(database, tenant, projection, leads)
            while runner.step():
                pass


class Stage:
    """A house with one stream for each way to stand or end, by the first name of its contact."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.schema = schema_of(house.tenant)
        self.streams: dict[str, StreamId] = {}
        self.accepts: Counter[str] = Counter()
        self._answers = {name: list(answers) for name, answers in ANSWERS.items()}
        house.provider.answer = self._answer
        self.campaign = house.campaign()
        self._live()
        self.project()
        self._kept = f"kept_{self.schema}"
        self._keep()

    def _live(self) -> None:
        house = self.house
        self._enrol("clicked", "silent", "refused", "doubted", "settled", "returned", "left")
        self._enrol("resent", "came", row=house.campaign())
        self._enrol("paused", "stopped")
        self._order("paused", use.pause(house.clock.now(), "holiday"))
        self._order("stopped", use.stop(house.clock.now(), "operator"))
        self._enrol("draft", row=house.campaign("draft"))
        house.work()
        house.after(hours=5)
        self._hear("clicked", "delivered", "open")
        self._hear("clicked", "click", url="https://site.example/a")
        self._hear("settled", "delivered")
        self._hear("silent", "delivered")
        self._hear("left", "delivered", "unsubscribe")
        house.after(days=2)
        self._enrol("late")
        house.work()
        self._hear("late", "delivered")
        house.clock.advance(timedelta(days=2, minutes=3))
        Timeouts(house.ports).fire_batch()
        self._hear("late", "open", about="hello")
        house.after(days=1, hours=17)
        self._enrol("waiting")
        house.work()
        self._order_about_messages()
        self._ask()

    def _order_about_messages(self) -> None:
        """One is sent again, one turns out to have come, one waits until a person releases it."""
        now = self.house.clock.now()
        for name in ("resent", "came"):
            again = partial(
                use_campaign.resend, message_id=self.message(name).id, author="op", at=now
            )
            self._order(name, again)
        self._hear("came", "delivered")
        self.house.work()
        self._enrol("held", row=self.house.campaign(), given=WAITING)
        message = self.message("held", "later")
        held = partial(
            hold_back, message_id=message.id, until=None, planned_at=message.due_at, at=now
        )
        self._order("held", held)

    def _ask(self) -> None:
        """One with another plan by now, two with a task; the call of the last finds nobody yet."""
        book: Any = self.house.ports.endpoints
        book.add("crm", "https://crm.example/deals")
        row = self.house.campaign()
        self._enrol("revised", row=row)
        self._enrol("tasked", row=row, given=ASKING)
        self.house.work()
        self.house.endpoint.answer = lambda: Called(ok=False, final=False, reason="http_503")
        self._enrol("unanswered", row=row, given=ASKING)
        self.house.work()
        self._revise("revised", PLAN | {"limits": {"maxSends": 2, "maxDuration": "P50D"}})

    def _enrol(
        self, *names: str, row: CampaignRow | None = None, given: Mapping[str, Any] = PLAN
    ) -> None:
        for name in names:
            host = "gmail.com" if name in AT_MAILBOX_PROVIDERS else "harbor.example"
            contact = self.house.contact(
                first_name=name.title(),
                last_name="chan",
                company="late",
                email=f"{name}.{len(self.streams)}@{host}",
            )
            done = self.house.enrol(given, contact, row=row or self.campaign)
            assert done.contact_campaign_id is not None, done.report
            self.streams[name] = done.contact_campaign_id

    def _order(self, name: str, decide: Decide) -> None:
        stream = self.streams[name]
        use.order(self.house.ports, stream, decide, cause=CAUSE, correlation=REQUEST)

    def _revise(self, name: str, to: Mapping[str, Any]) -> None:
        stream = self.streams[name]
        order = RevisionOrder(
            plan=to, if_hash=self.house.state(stream).plan_hash, author="somebody"
        )
        done = revise(self.house.ports, stream, order, cause=CAUSE, correlation=REQUEST)
        assert done.status == "revised", done.report
        assert self.house.topics(stream)[-1] == "plan_revised"

    def _hear(self, name: str, *kinds: str, about: str = "", **fields: Any) -> None:
        house, stream = self.house, self.streams[name]
        for kind in kinds:
            event = house.event(stream, kind, **fields)
            if about:
                first = next(m for m in house.state(stream).messages.values() if m.node == about)
                event["antiphon_message"] = str(first.id)
            house.hear(event)
            house.ingest()
            house.clock.advance(timedelta(minutes=20))

    def _answer(self, mail: Mail) -> Answer:
        answers = self._answers.get(mail.to_name.split()[0].lower())
        if answers:
            return answers.pop()
        self.accepts[str(mail.message_id)] += 1
        provider_id = f"provider-{len(self.house.provider.calls)}"
        return Answer(kind=AnswerClass.ACCEPTED, provider_id=provider_id)

    def project(self) -> None:
        """Bring the read models to the head."""
        project(self.house)

    # --- breaking it ------------------------------------------------------------------------------

    def check(self, **options: Any) -> list[Finding]:
        """What `antiphon check` counts, with the provider's own count."""
        house = self.house
        given = {"clock_now": house.clock.now(), "accepts": self.accepts} | options
        return check(house.system.database, house.tenant, **given)

    def broken(self, **options: Any) -> dict[str, Finding]:
        """The findings that are broken, by id."""
        return {finding.id: finding for finding in self.check(**options) if finding.broken}

    def sql(self, text: Any, **params: Any) -> int:
        """One statement as the owner, `{s}` is the schema; the rows it touched."""
        with self._owner() as owner:
            statement = SQL(text).format(s=Identifier(self.schema))
            return owner.execute(statement, {**self.streams, **params}).rowcount

    def spoil(self, name: str, topic: str, old: str, new: str) -> None:
        """Put other words into the stored facts of one topic of a stream."""
        touched = self.sql(
            """UPDATE {s}.events SET state = convert_to(
                      replace(convert_from(state, 'UTF8'), %(old)s, %(new)s), 'UTF8')
                WHERE originator_id = %(stream)s AND topic = %(topic)s
                  AND convert_from(state, 'UTF8') LIKE '%%' || %(old)s || '%%'""",
            stream=self.streams[name],
            topic=topic,
            old=old,
            new=new,
        )
        assert touched == 1

    def append(self, name: str, fact: Event) -> None:
        """A fact that nobody decided, in the log alone."""
        house, stream = self.house, self.streams[name]
        version = house.log.load(stream).version + 1
        body = Envelope(fact, house.clock.now(), "x", CAUSE, REQUEST)
        with house.system.database.tenant_tx(house.tenant) as curs:
            house.log.append(curs, [Entry(stream, version, body)])

    def order_sender(self, *facts: SenderEvent) -> None:
        """Facts about the sender that nobody decided, with the row they come to."""
        self.house.ports.accounts.order("sam", lambda _: facts, STORY)

    def order_sending(self, *facts: SendingEvent) -> None:
        """The same about the tenant's sending."""
        self.house.ports.accounts.order_sending(lambda _: facts, STORY)

    def attempted(self, name: str) -> datetime:
        """When the first attempt of a stream was claimed."""
        facts = (one.fact for one in self.house.history(self.streams[name]))
        return next(fact.at for fact in facts if isinstance(fact, SendAttemptStarted))

    def message(self, name: str, node: str = "hello") -> Any:
        """The message of a stream at a node."""
        messages = self.house.state(self.streams[name]).messages.values()
        return next(message for message in messages if message.node == node)

    def contents(self) -> dict[str, list[TupleRow]]:
        """All rows of all tables."""
        with self._owner() as owner:
            text = SQL("SELECT t::text FROM {} AS t ORDER BY 1")
            return {
                name: owner.execute(text.format(self._table(name))).fetchall()
                for name in self._tables(owner)
            }

    def _keep(self) -> None:
        with self._owner() as owner:
            owner.execute(SQL("CREATE SCHEMA {}").format(Identifier(self._kept)))
            for table in self._tables(owner):
                kept = Identifier(self._kept, table)
                owner.execute(SQL("CREATE TABLE {} AS TABLE {}").format(kept, self._table(table)))

    def mend(self) -> None:
        """Put all rows back as they were."""
        with self._owner() as owner, owner.transaction():
            for table in self._tables(owner):
                kept, live = Identifier(self._kept, table), self._table(table)
                owner.execute(SQL("DELETE FROM {}").format(live))
                owner.execute(SQL("INSERT INTO {} TABLE {}").format(live, kept))

    def forget(self) -> None:
        """Let go of what was kept for mending."""
        with self._owner() as owner:
            owner.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(self._kept)))

    def _tables(self, owner: Connection[TupleRow]) -> list[str]:
        return [name for (name,) in owner.execute(TABLES, (self.schema,)).fetchall()]

    def _table(self, name: str) -> Identifier:
        return Identifier(self.schema, name)

    def _owner(self) -> Connection[TupleRow]:
        return self.house.system.database.direct()
