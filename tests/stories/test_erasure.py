"""A contact is erased: its courses end, and no canary of it is found anywhere afterwards."""

import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from psycopg.sql import SQL, Identifier

from domain.events import Exited, MessageAccepted, MessageCancelled
from domain.ids import ContactId, StreamId, schema_of
from domain.recorded import Cause
from domain.taxonomy import AnswerClass, CauseKind, Family
from handlers.contact_copy import ContactCopy, copy_of
from handlers.contacts import ContactRow
from handlers.erasure import Erased, Eraser
from handlers.errors import NotHere, TooManyCopies
from handlers.ports import Answer
from handlers.ports.vault import Consent
from infra.erased_again import finish_erasures, replay_erasures
from infra.erasure_list import FILE, ErasureList
from infra.rebuild import rebuild
from infra.redis import connect
from infra.services import make_services
from infra.vault import SqlSuppressions
from projections.registry import READ, WORK
from tests.stories.house import House, plan, send, stop, way
from tests.stories.test_coming_back import projected, sound

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

EMAIL = "Canary.Mail.8202+tag@canary-domain-8203.example"
FORMER = "canary.former.8220@canary-domain-8203.example"
CANARIES: dict[str, Any] = {
    "external_id": "canary-external-8201",
    "email": EMAIL,
    "first_name": "Canaryfürst8204",
    "last_name": "Canarylast8205",
    "title": "Canarytitle8206",
    "company": "Canarycompany8207",
    "city": "Canarycity8208",
    "timezone": "Pacific/Chatham",
    "linkedin_url": "https://www.linkedin.example/in/canary8209",
    "phone": "+4915112348210",
    "consent": Consent(
        ground="contract",
        at=datetime(2026, 9, 1, tzinfo=UTC),
        source="canarysource8218",
        text_version="canaryversion8219",
    ),
    "tags": ("canarytag8211",),
    "attributes": {"nickname": "canarynick8212"},
}
WORDS = [
    "canary-external-8201", "canary.mail.8202", "canary-domain-8203",
    "Canaryf", "Canarylast8205", "Canarytitle8206",
    "Canarycompany8207", "Canarycity8208", "canary8209", "4915112348210", "canarytag8211",
    "canarynick8212", "canaryword8213", "canaryassignee8214", "canaryanswer8215",
    "canaryreply8216", "canaryreason8217", "canarysource8218", "canaryversion8219",
    "canary.former.8220",
    "canaryurl8221", "canaryagent8222", "canarynote8223", "192.0.2.82",
]  # fmt: skip
PLAN = plan(
    {
        "id": "tell",
        "type": "notify",
        "to": "canaryassignee8214",
        "text": "canaryword8213 {{ contact.first_name }}",
        "next": "note",
    },
    {
        "id": "note",
        "type": "update",
        "set": [{"field": "contact.nickname", "value": "canarynick8212"}],
        "next": "intro",
    },
    send(
        "intro",
        way("clicked", "ring", urlContains="canaryurl8221"),
        way("timeout", "ring", after="P3D"),
        message={
            "subject": "canaryword8213 {{ contact.first_name }}",
            "text": "{{ contact.last_name }} {{ company.name }} https://site.example/canaryurl8221",
        },
    ),
    {
        "id": "ring",
        "type": "task",
        "title": "canaryword8213 {{ contact.last_name }}",
        "assignee": "canaryassignee8214",
        "transitions": [way("task_done", "second"), way("timeout", "second", after="P1D")],
    },
    send("second", way("timeout", "end", after="P3D"), schedule={"delay": "P1D"}),
    stop(),
)
COLUMNS = """
SELECT c.relname, string_agg(
       CASE WHEN a.atttypid = 'bytea'::regtype THEN quote_ident(a.attname)
            ELSE quote_ident(a.attname) || '::text' END, ',')
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') GROUP BY 1
"""
CAUSE = Cause(CauseKind.OPERATOR, "key/order")


class Office:
    """A house in which contacts are erased, and everything is searched."""

    def __init__(self, house: House) -> None:
        self.house = house
        services = make_services(house.system).tenant(house.tenant)
        assert services is not None
        self.services = services

    def erase(self, contact: ContactId) -> Erased:
        eraser = Eraser(self.house.ports, self.house.system.erasures(self.house.tenant))
        return eraser.erase(contact, "requested", cause=CAUSE, correlation=UUID(int=8))

    def copy(self, contact: ContactId) -> ContactCopy:
        now = self.house.clock.now()
        return copy_of(self.services, contact, ordered_by="operator:key", now=now)

    def dump(self) -> str:
        """Every row of the tenant's schema and of the control schema, and every key of Valkey."""
        found = []
        with self.house.system.database.direct() as connection:
            for schema in (schema_of(self.house.tenant), "control"):
                columns = connection.execute(COLUMNS, (schema,)).fetchall()
                for table, texts in columns:
                    query = SQL("SELECT " + texts + " FROM {}")  # names of our own tables
                    rows = connection.execute(query.format(Identifier(schema, table)))
                    found += [f"{table}: {_shown(row)}" for row in rows]
        client = connect(self.house.system.redis_url)
        found += [f"valkey: {key!r} {client.dump(key)!r}" for key in client.scan_iter("*")]
        client.close()
        return "\n".join(found)

    def hits(self, *others: str) -> list[str]:
        """The canaries that are somewhere, each with the first place."""
        lines = [*self.dump().lower().splitlines(), *"\n".join(others).lower().splitlines()]
        return [
            f"{word} in {line[:300]}" for word in WORDS for line in lines if word.lower() in line
        ]


def _shown(row: tuple[Any, ...]) -> str:
    return " ".join(_text(value) for value in row)


def _text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode(errors="replace").replace("\n", " ")
    return str(value).replace("\n", " ")


@pytest.fixture
def office(house: House) -> Office:
    return Office(house)


def _lived(house: House, **fields: Any) -> StreamId:
    """A contact with something in every table of the vault; its second mail is still to leave."""
    first = house.contact(**{**CANARIES, "email": FORMER, **fields})
    done = house.enrol(PLAN, first, row=house.campaign())
    stream = done.contact_campaign_id
    assert stream is not None, str(done.report)
    house.provider.answer = lambda _: Answer(
        kind=AnswerClass.ACCEPTED, provider_id="p-1", detail="canaryanswer8215"
    )
    house.work()
    house.system.contacts(house.tenant).put([ContactRow(**{**CANARIES, **fields})])
    house.after(hours=1)
    told = {"email": EMAIL, "useragent": "canaryagent8222", "ip": "192.0.2.82"}
    other = {"event": "open", "email": "other@harbor.example", "timestamp": 1, "sg_event_id": "o"}
    house.hear(
        other,
        house.event(stream, "delivered", response="canaryreason8217", **told),
        house.event(stream, "open", **{**told, "email": FORMER}),
        house.event(stream, "click", url="https://site.example/canaryurl8221", **told),
    )
    house.hear({"event": "odd", "email": EMAIL.upper(), "timestamp": 5, "sg_event_id": "odd"})
    house.work()
    (message,) = house.rows("SELECT message_id FROM {s}.send_queue WHERE state = 'ACCEPTED'")[0]
    vault = house.ports.vault
    vault.keep_reply(
        UUID(int=1),
        {
            "message_id": message,
            "class": "human",
            "subject": "canaryreply8216",
            "text": "canaryreply8216",
            "html": "",
            "sender": EMAIL,
        },
    )
    contact = house.state(stream).contact_id
    vault.keep_note(stream, contact, "pause_reason", "canarynote8223")
    from infra.assignees import look_up  # noqa: PLC0415  # only here

    look_up(house.system.database, house.tenant)
    memory = house.system.memory(house.tenant)
    memory.begin("PATCH /v1/contacts", "k", b"x")
    from handlers.services import Answered  # noqa: PLC0415  # only here

    memory.keep("PATCH /v1/contacts", "k", Answered(200, b'{"first_name":"Canaryf\\u00fcrst8204"}'))
    return stream


def test_no_canary_is_left_anywhere_and_nothing_is_broken(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house = office.house
    stream = _lived(house)
    contact = house.state(stream).contact_id
    projected(office.house)
    before = office.hits()
    assert {word for word in WORDS if any(hit.startswith(f"{word} ") for hit in before)} == {
        *WORDS
    }, "every canary is there before"
    told = office.copy(contact)
    assert told.vault["mails"]
    assert told.vault["replies"]

    erased = office.erase(contact)

    assert (erased.contact_campaigns, erased.finished_at is None) == (1, False)
    projected(office.house)
    assert office.hits(caplog.text, (house.system.settings.home / FILE).read_text()) == []
    for projection in (*READ, *WORK):
        done = rebuild(house.system.database, house.tenant, projection)
        assert done.differences == 0, done
    assert office.hits() == []
    sound(office.house)
    with pytest.raises(NotHere):
        office.copy(contact)
    assert house.rows("SELECT count(*) FROM {s}.contacts") == [(0,)]


def test_what_waited_is_cancelled_and_the_course_has_ended(office: Office) -> None:
    house = office.house
    stream = house.started(plan(send("intro", way("timeout", "end", after="P3D")), stop()))
    house.work_but_sends()
    office.erase(house.state(stream).contact_id)
    facts = [one.fact for one in house.history(stream)]
    (cancelled,) = [one for one in facts if isinstance(one, MessageCancelled)]
    assert (cancelled.reason, isinstance(facts[-1], Exited)) == ("erased", True)
    house.after(days=10)
    assert house.provider.calls == []
    sound(office.house)


def test_another_contact_of_the_same_plan_goes_on_and_keeps_its_data(office: Office) -> None:
    house = office.house
    row = house.campaign()
    document = plan(send("intro", way("timeout", "end", after="P3D")), stop())
    gone, other = house.contact(email="gone@harbor.example"), house.contact(first_name="Ola")
    for contact in (gone, other):
        house.enrol(document, contact, row=row)
    office.erase(gone)
    house.work()
    assert [mail.to_email for mail, _ in house.provider.calls] != []
    assert {mail.subject for mail, _ in house.provider.calls} == {"Docks, Ola"}
    sound(office.house)


def test_reports_that_come_late_are_facts_still_and_their_words_go(office: Office) -> None:
    house = office.house
    stream = house.started(
        plan(send("intro", way("timeout", "end", after="P3D")), stop()), email=EMAIL
    )
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    house.work()
    late = house.event(stream, "delivered", email=EMAIL)
    bounced = house.event(stream, "bounce", email=EMAIL, type="bounce", status="5.1.1")
    office.erase(house.state(stream).contact_id)
    house.hear(late, bounced)
    house.work()
    assert any(isinstance(one.fact, MessageAccepted) for one in house.history(stream))
    assert house.rows("SELECT DISTINCT state FROM {s}.webhook_inbox") == [("recorded",)]
    assert "canary.mail.8202" in office.dump().lower()
    assert finish_erasures(house.system, house.tenant) == 1
    assert "canary.mail.8202" not in office.dump().lower()
    assert finish_erasures(house.system, house.tenant) == 0
    projected(office.house)
    sound(office.house)


def test_the_address_stays_suppressed_whoever_imports_it_again(office: Office) -> None:
    house = office.house
    contact = house.contact(email=EMAIL)
    office.erase(contact)
    mac = house.system.address_mac(house.tenant)
    bans = SqlSuppressions(house.system.database, house.tenant, mac)
    assert bans.holds(Family.EMAIL, EMAIL, house.clock.now())
    done = house.enrol(
        plan(send("intro", way("timeout", "end", after="P3D")), stop()),
        house.contact(email=EMAIL),
        row=house.campaign(),
    )
    assert done.status == "started"
    house.work()
    assert house.provider.calls == []


def test_an_erasure_is_safe_to_repeat_and_an_unknown_contact_is_not_erased(office: Office) -> None:
    contact = office.house.contact()
    first = office.erase(contact)
    assert office.erase(contact) == first
    with pytest.raises(NotHere):
        office.erase(ContactId(UUID(int=99)))
    assert len(ErasureList(office.house.system.settings.home).of(office.house.tenant)) == 1


def test_a_contact_that_a_restored_backup_brings_back_is_erased_again(office: Office) -> None:
    house = office.house
    contact = house.contact(email=EMAIL, first_name="Canaryf")
    office.erase(contact)
    with house.system.database.direct() as connection:
        schema = schema_of(house.tenant)
        connection.execute(SQL("DELETE FROM {}").format(Identifier(schema, "erasures")))
        connection.execute(
            SQL(
                "INSERT INTO {} (contact_id, email, first_name, vault_key) VALUES (%s,%s,%s,%s)"
            ).format(Identifier(schema, "contacts")),
            (contact, EMAIL, "Canaryf", b"k"),
        )
    replay_erasures(house.system)
    assert house.rows("SELECT count(*) FROM {s}.contacts") == [(0,)]
    assert [row[0] for row in house.rows("SELECT contact_id FROM {s}.erasures")] == [contact]


def test_copies_have_a_quota_of_a_day(office: Office) -> None:
    contact = office.house.contact()
    most = office.house.system.settings.contact_exports_per_day
    for _ in range(most):
        office.services.copies.count(contact, "operator:key")
    with pytest.raises(TooManyCopies):
        office.copy(contact)


def test_a_call_of_an_endpoint_that_waits_is_not_made_and_has_an_end(office: Office) -> None:
    house = office.house
    book: Any = house.ports.endpoints
    book.add("crm", "https://crm.example/in")
    hook = {"id": "hook", "type": "webhook", "endpoint": "crm", "body": {}, "next": "end"}
    stream = house.started(plan(hook, stop()))
    office.erase(house.state(stream).contact_id)
    house.work()
    assert house.endpoint.calls == []
    assert house.topics(stream)[-1] == "webhook_resolved"
    assert house.rows("SELECT count(*) FROM {s}.errands") == [(0,)]
    sound(house)
