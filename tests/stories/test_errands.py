"""What plans ask of people and of other systems, on real stores: asked once, done once."""

import json
from base64 import b64decode
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.events import WebhookResolved
from domain.ids import StreamId, TenantId
from domain.lifecycle import Stage
from domain.recorded import Cause
from domain.taxonomy import CauseKind, Outcome, TaskEnd
from handlers.composing import Composer
from handlers.errands import tasks
from handlers.errands.lists import TaskRow, WantedNotices, WantedTasks
from handlers.errands.reporting import Told, report
from handlers.errors import NotAcceptable
from handlers.ports import Called, Doorbell
from infra.assignees import look_up
from infra.embedded.servers import ServerUrls
from infra.endpoints.signing import signed
from infra.entropy import SeededRng
from infra.roles.ticker import Ticker
from infra.statements import transaction
from infra.task_list import SqlTaskList
from infra.vault import SqlNotices
from infra.work import Work
from tests.infra.sendgrid_server import Server, answering
from tests.stories.house import House, open_house, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

BUSY = Called(ok=False, final=False, reason="http_503")
GONE = Called(ok=False, reason="http_404")
OPERATOR = Cause(CauseKind.OPERATOR, "story")


def update(node: str, to: str, **fields: Any) -> dict[str, Any]:
    return {"id": node, "type": "update", "next": to} | fields


def notify(node: str, to: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"id": node, "type": "notify", "text": text, "next": to} | fields


def webhook(node: str, to: str, **fields: Any) -> dict[str, Any]:
    return {"id": node, "type": "webhook", "endpoint": "crm", "next": to} | fields


def task(node: str, *ways: dict[str, Any], **fields: Any) -> dict[str, Any]:
    asked = {"kind": "call", "title": "Call {{ contact.first_name }}", "assignee": "sam"}
    return {"id": node, "type": "task", "transitions": list(ways)} | asked | fields


@pytest.fixture
def crm(house: House) -> House:
    """A house with the endpoint that the plans here call."""
    book: Any = house.ports.endpoints
    book.add("crm", "https://crm.example/in")
    return house


def person(house: House, stream: StreamId) -> Any:
    contact = house.state(stream).contact_id
    return house.ports.vault.people([contact])[contact]


def set_to(field: str, value: Any) -> list[dict[str, Any]]:
    return [{"field": field, "value": value}]


# --- contact data ---------------------------------------------------------------------------------

PROMOTED = plan(
    update(
        "note",
        "intro",
        set=[*set_to("contact.title", "CTO"), *set_to("company.size", 250)],
        addTags=["warm"],
    ),
    send(
        "intro",
        way("timeout", "end", after="P2D"),
        message={"subject": "For a {{ contact.title }}", "text": "{{ company.size }} people"},
    ),
    stop(),
)


def test_a_plan_changes_the_contact_before_the_next_mail_is_written(house: House) -> None:
    stream = house.started(PROMOTED, title="Buyer", attributes={"company.size": 3})
    before = person(house, stream)
    links = house.system.links(house.ports.tag)
    assert Composer(house.ports, links).compose_batch() == 0, "it waits for the change"
    house.work()
    ((mail, _),) = house.provider.calls
    assert (mail.subject, mail.text.split(" people")[0]) == ("For a CTO", "250")
    after = person(house, stream)
    assert (after.title, after.attributes, after.tags) == ("CTO", {"company.size": 250}, ("warm",))
    assert after.snapshot == before.snapshot + 1
    assert (after.external_id, after.email) == (before.external_id, before.email)
    assert house.rows("SELECT 1 FROM {s}.errands") == []


def test_changes_of_one_journey_are_made_in_their_order(house: House) -> None:
    twice = plan(
        update("one", "two", set=set_to("contact.city", "Porto")),
        update("two", "three", set=set_to("contact.city", "Faro")),
        update("three", "end", set=set_to("contact.title", "CEO")),
        stop(),
    )
    stream = house.started(twice)
    taken = [house.run_errands() for _ in range(4)]
    assert taken == [1, 1, 1, 0]
    assert (person(house, stream).city, person(house, stream).title) == ("Faro", "CEO")


def test_a_changed_address_is_banned_by_its_new_spelling(house: House) -> None:
    moved = plan(update("one", "end", set=set_to("contact.email", "new@harbor.example")), stop())
    stream = house.started(moved)
    house.work()
    assert person(house, stream).email == "new@harbor.example"
    mac = house.system.address_mac(house.tenant)("new@harbor.example")
    assert house.rows("SELECT email_hmac FROM {s}.contacts") == [(mac,)]


def test_a_value_that_cannot_be_is_noted_and_the_plan_goes_on(house: House) -> None:
    wrong = plan(
        update(
            "one", "end", set=[*set_to("contact.email", "nobody"), *set_to("contact.city", "Faro")]
        ),
        stop(),
    )
    stream = house.started(wrong)
    email = person(house, stream).email
    house.work()
    assert (person(house, stream).email, person(house, stream).city) == (email, "Faro")
    ((kind, text),) = house.rows("SELECT kind, text FROM {s}.notes")
    assert kind == "update_refused"
    assert text.startswith("contact.email: ")


# --- notices --------------------------------------------------------------------------------------

TOLD = plan(notify("tell", "end", "{{ contact.first_name }} of {{ company.name }} is in"), stop())


def notices(house: House) -> list[Any]:
    return SqlNotices(house.system.database, house.tenant).page(WantedNotices(limit=9))


def test_a_person_is_told_once_in_words_with_what_is_known(house: House) -> None:
    stream = house.started(TOLD)
    house.work()
    house.work()
    (notice,) = notices(house)
    assert (notice.recipient, notice.text) == ("owner", "Dana of  is in")
    assert (notice.contact_campaign_id, notice.created_at) == (stream, house.clock.now())
    assert house.state(stream).stage == Stage.COMPLETED


def test_nothing_is_told_about_a_contact_that_was_erased_meanwhile(house: House) -> None:
    stream = house.started(TOLD)
    contact = house.state(stream).contact_id
    house.rows("DELETE FROM {s}.contacts WHERE contact_id = %(id)s RETURNING 1", id=contact)
    house.work()
    assert notices(house) == []
    assert house.rows("SELECT 1 FROM {s}.errands") == []


def test_what_breaks_holds_back_nothing_else_and_comes_again(house: House) -> None:
    kept: Any = house.started(TOLD)
    broken = house.started(plan(notify("tell", "end", "broken"), stop()))
    house.rows(
        "UPDATE {s}.plans SET document = replace(convert_from(document, 'UTF8'), '\"broken\"', '7')"
        "::bytea WHERE plan_hash = %(hash)s RETURNING 1",
        hash=house.state(broken).plan_hash,
    )
    house.work()
    assert [one.contact_campaign_id for one in notices(house)] == [kept]
    assert house.rows("SELECT stream_id, state, attempts FROM {s}.errands") == [(broken, "due", 1)]
    house.after(minutes=5)
    assert house.rows("SELECT attempts FROM {s}.errands") == [(2,)]


# --- calls ----------------------------------------------------------------------------------------

CALLS = plan(
    webhook(
        "call", "end", body={"who": "{{ contact.first_name }}", "n": [1, "{{ contact.none }}"]}
    ),
    stop(),
)
WAITS = plan(
    webhook("call", "won", onError="lost"),
    stop("won", outcome="converted"),
    stop("lost", outcome="disqualified"),
)


def resolved(house: House, stream: StreamId) -> list[WebhookResolved]:
    facts = [one.fact for one in house.history(stream)]
    return [fact for fact in facts if isinstance(fact, WebhookResolved)]


def test_a_call_that_nothing_waits_for_is_made_though_the_plan_has_ended(crm: House) -> None:
    stream = crm.started(CALLS)
    assert crm.state(stream).stage == Stage.COMPLETED
    crm.work()
    ((endpoint, call_id, body),) = crm.endpoint.calls
    told = json.loads(body)
    assert (endpoint.name, endpoint.url) == ("crm", "https://crm.example/in")
    assert told["id"] == str(call_id)
    assert told["body"] == {"who": "Dana", "n": [1, ""]}
    assert (told["tenant"], told["contact_campaign_id"]) == (crm.tenant, str(stream))
    (fact,) = resolved(crm, stream)
    assert (fact.ok, fact.attempts, fact.reason) == (True, 1, "")
    crm.after(hours=3)
    assert len(crm.endpoint.calls) == 1


def test_a_plan_waits_for_the_answer_where_it_has_a_way_for_errors(crm: House) -> None:
    stream = crm.started(WAITS)
    assert crm.state(stream).phase == "calling"
    crm.work()
    assert crm.state(stream).outcome == Outcome.CONVERTED


def test_a_call_that_is_refused_for_good_takes_the_way_for_errors_at_once(crm: House) -> None:
    crm.endpoint.answer = lambda: GONE
    stream = crm.started(WAITS)
    crm.work()
    assert crm.state(stream).outcome == Outcome.DISQUALIFIED
    (fact,) = resolved(crm, stream)
    assert (fact.ok, fact.reason, fact.attempts) == (False, "http_404", 1)


def test_a_busy_endpoint_is_called_again_for_an_hour_and_no_longer(
    crm: House, caplog: pytest.LogCaptureFixture
) -> None:
    crm.endpoint.answer = lambda: BUSY
    began = crm.clock.now()
    stream = crm.started(WAITS)
    for _ in range(70):
        crm.after(minutes=1)
    assert crm.state(stream).outcome == Outcome.DISQUALIFIED
    (fact,) = resolved(crm, stream)
    late = fact.reason == "expired"  # the last try fell due less than a minute before the end
    assert late or fact.reason == "http_503"
    assert fact.attempts - late == len(crm.endpoint.calls) > 4
    assert fact.at <= began + timedelta(hours=1, minutes=late)
    assert len({call_id for _, call_id, _ in crm.endpoint.calls}) == 1
    tries = [line for line in caplog.messages if f"endpoint crm of {crm.tenant}: http_503" in line]
    assert len(tries) == len(crm.endpoint.calls) - (not late)  # the last one is told by a fact


def test_an_endpoint_that_recovers_is_called_no_more_than_needed(crm: House) -> None:
    answers = [BUSY, BUSY, Called(ok=True)]
    crm.endpoint.answer = lambda: answers.pop(0)
    stream = crm.started(WAITS)
    for _ in range(10):
        crm.after(minutes=1)
    assert crm.state(stream).outcome == Outcome.CONVERTED
    assert [fact.attempts for fact in resolved(crm, stream)] == [3]
    assert answers == []


def test_a_call_whose_hour_passed_while_nobody_worked_is_given_up_uncalled(crm: House) -> None:
    stream = crm.started(WAITS)
    crm.after(hours=1)
    assert crm.endpoint.calls == []
    (fact,) = resolved(crm, stream)
    assert (fact.ok, fact.reason) == (False, "expired")


def test_an_endpoint_that_was_taken_away_is_an_error_of_the_call(crm: House) -> None:
    stream = crm.started(WAITS)
    book: Any = crm.ports.endpoints
    assert book.remove("crm")
    crm.work()
    assert crm.endpoint.calls == []
    assert [fact.reason for fact in resolved(crm, stream)] == ["endpoint_unknown"]


def test_a_worker_that_dies_between_call_and_record_makes_the_call_twice_and_the_fact_once(
    crm: House,
) -> None:
    stream = crm.started(WAITS)
    (errand,) = crm.ports.errands.claim(crm.clock.now(), limit=9)
    book = crm.ports.endpoints.named(["crm"])
    crm.endpoint.call(book["crm"], errand.errand_id, b"{}")  # and dies
    assert crm.run_errands() == 0
    crm.rows("UPDATE {s}.errands SET lease_until = now() - interval '1 second' RETURNING 1")
    assert crm.sweep().leases() == 1
    crm.work()
    first, second = (call_id for _, call_id, _ in crm.endpoint.calls)
    assert first == second == errand.errand_id
    assert [fact.attempts for fact in resolved(crm, stream)] == [2]
    assert crm.state(stream).outcome == Outcome.CONVERTED


def test_a_late_finisher_takes_nothing_away_and_puts_nothing_off(crm: House) -> None:
    crm.started(WAITS)
    late = crm.ports.errands.claim(crm.clock.now(), limit=9)
    crm.rows("UPDATE {s}.errands SET lease_until = now() - interval '1 second' RETURNING 1")
    crm.sweep().leases()
    (held,) = crm.ports.errands.claim(crm.clock.now(), limit=9)
    with crm.system.database.tenant_tx(crm.tenant) as curs:
        assert crm.ports.errands.settle(transaction(curs), late) == []
    crm.ports.errands.put_off({late[0]: crm.clock.now()})
    assert crm.rows("SELECT state FROM {s}.errands") == [("claimed",)]
    with crm.system.database.tenant_tx(crm.tenant) as curs:
        assert crm.ports.errands.settle(transaction(curs), [held]) == [held]


class HeardBell(Doorbell):
    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, kind: str, _: TenantId) -> None:
        self.rung.append(kind)


def test_the_ticker_rings_for_errands_as_long_as_there_are_due_ones(
    crm: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell = HeardBell()
    mine = [tenant for tenant in crm.system.database.tenants() if tenant.name == crm.tenant]
    monkeypatch.setattr(crm.system.database, "tenants", lambda: mine)
    monkeypatch.setitem(crm.system.__dict__, "doorbell", bell)
    crm.endpoint.answer = lambda: Called(ok=False, final=False, retry_after_s=600.0)
    crm.started(WAITS)
    ticker = Ticker(crm.system)
    ticker.tick()
    crm.work()
    ticker.tick()
    assert bell.rung == ["errands"], "what was put off is not due"
    crm.clock.advance(timedelta(minutes=10))
    ticker.tick()
    assert bell.rung == ["errands", "errands"]


def test_a_worker_posts_a_call_that_the_receiver_can_verify(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    urls = ServerUrls(database_url, redis_url)
    server = Server(answering(answer))
    with closing(server), open_house(urls, tmp_path, endpoints_allow_private=True) as house:
        book: Any = house.ports.endpoints
        secret = b64decode(book.add("crm", server.url).secret.removeprefix("whsec_"))
        stream = house.started(CALLS)
        assert Work(house.system).bells()["errands"](house.tenant) == 1
        assert [fact.ok for fact in resolved(house, stream)] == [True]
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    at = int(headers["webhook-timestamp"])
    expected = signed(secret, headers["webhook-id"], at, body)
    assert {name: headers[name] for name in expected} == expected
    assert json.loads(body)["id"] == headers["webhook-id"]


def test_an_endpoint_of_this_network_is_refused_at_the_call_too(house: House) -> None:
    book: Any = house.ports.endpoints
    with pytest.raises(NotAcceptable):
        book.add("crm", "http://127.0.0.1:9/")
    house.rows(
        "INSERT INTO {s}.endpoints (name, url, salt) VALUES ('crm', 'https://127.0.0.1:9/', 'x')"
        " RETURNING 1"
    )
    stream = house.started(WAITS)
    assert Work(house.system).bells()["errands"](house.tenant) == 1
    assert [fact.reason for fact in resolved(house, stream)] == ["address_refused"]
    assert house.state(stream).outcome == Outcome.DISQUALIFIED


# --- tasks ----------------------------------------------------------------------------------------

RINGS = plan(
    task(
        "ring",
        way("task_done", "won"),
        way("task_skipped", "lost"),
        way("timeout", "late", after="P3D"),
        instructions="Their title: {{ contact.title }}",
    ),
    stop("won", outcome="handed_off"),
    stop("lost", outcome="disqualified"),
    stop("late", outcome="no_response"),
)


KIMS = plan(task("ring", way("timeout", "end", after="P3D"), assignee="kim"), stop())
NOBODYS = plan(task("ring", way("timeout", "end", after="P3D"), assignee=None), stop())


def listed(house: House, state: str = "open", **wanted: Any) -> list[TaskRow]:
    found = SqlTaskList(house.system.database, house.tenant)
    return found.page(WantedTasks(state=state, limit=9, **wanted))


def end(house: House, row: TaskRow, how: TaskEnd, reason: str = "") -> None:
    tasks.end(house.ports, row, how, reason, cause=OPERATOR, correlation=UUID(int=7))


def test_a_task_is_shown_with_its_words_until_it_is_done(house: House) -> None:
    stream = house.started(RINGS)
    (row,) = listed(house)
    (shown,) = tasks.shown(house.ports, [row])
    assert (shown.title, shown.instructions) == ("Call Dana", "Their title: ")
    assert (shown.assignee, shown.kind, shown.state) == ("sam", "call", "open")
    assert shown.due_at == house.clock.now() + timedelta(days=1)
    for _ in range(2):
        end(house, row, TaskEnd.DONE, "she will sign")
    assert house.state(stream).outcome == Outcome.HANDED_OFF
    assert listed(house) == []
    (done,) = listed(house, "done")
    assert done.ended_at == house.clock.now()
    assert house.topics(stream).count("task_resolved") == 1


def test_a_task_that_is_over_stays_as_it_ended(house: House) -> None:
    stream = house.started(RINGS)
    (row,) = listed(house)
    end(house, row, TaskEnd.SKIPPED)
    end(house, row, TaskEnd.DONE)
    assert house.state(stream).outcome == Outcome.DISQUALIFIED
    assert [one.id for one in listed(house, "skipped")] == [row.id]


def test_a_task_is_withdrawn_when_the_plan_goes_on_without_it(house: House) -> None:
    stream = house.started(RINGS)
    house.after(days=3, minutes=3)
    assert house.state(stream).outcome == Outcome.NO_RESPONSE
    assert listed(house) == []
    assert len(listed(house, "withdrawn")) == 1


def test_tasks_are_found_by_campaign_and_by_assignee(house: House) -> None:
    one, two = house.started(RINGS), house.started(KIMS)
    campaign = house.state(two).campaign_id
    assert [row.contact_campaign_id for row in listed(house, campaign=campaign)] == [two]
    assert [row.contact_campaign_id for row in listed(house, assignee="sam")] == [one]
    assert listed(house, assignee="nobody") == []
    first, second = listed(house)
    assert listed(house, after=(first.due_at, first.id)) == [second]


def test_a_task_is_found_by_its_assignee_before_and_after_its_number_is_looked_up(
    house: House,
) -> None:
    early, nobodys, kims = (house.started(plan) for plan in (RINGS, NOBODYS, KIMS))
    assert look_up(house.system.database, house.tenant) == 3
    assert look_up(house.system.database, house.tenant) == 0
    house.clock.advance(timedelta(minutes=1))
    late = house.started(RINGS)

    def of(assignee: str) -> list[StreamId]:
        return [row.contact_campaign_id for row in listed(house, assignee=assignee)]

    assert of("sam") == [early, late]
    assert look_up(house.system.database, house.tenant) == 1
    assert of("sam") == [early, late]
    assert (of("kim"), of("nobody")) == ([kims], [])
    assert nobodys in {row.contact_campaign_id for row in listed(house)}
    names = house.rows("SELECT name FROM {s}.assignees ORDER BY name")
    assert names == [("kim",), ("sam",)]
    (first, _) = listed(house, assignee="sam")
    assert len(listed(house, assignee="sam", after=(first.due_at, first.id))) == 1


def test_a_name_of_any_length_holds_up_neither_a_task_nor_a_notice(house: House) -> None:
    """Too long for an entry of an index, and nothing that could be compressed."""
    name = "".join(SeededRng(number).new_id().hex for number in range(250))
    ring = task("ring", way("task_done", "end"), way("timeout", "end", after="P3D"), assignee=name)
    long, kims = house.started(plan(ring, stop())), house.started(KIMS)
    assert look_up(house.system.database, house.tenant) == 2
    assert [row.contact_campaign_id for row in listed(house, assignee="kim")] == [kims]
    assert long in {row.contact_campaign_id for row in listed(house)}
    told = house.started(plan(notify("tell", "end", "He is in") | {"to": name}, stop()))
    house.work()
    assert told in {row.contact_campaign_id for row in notices(house)}


# --- signals --------------------------------------------------------------------------------------


def test_an_event_of_the_tenants_own_moves_the_plan_once(house: House) -> None:
    waits = plan(
        send("intro", way("x_demo_seen", "won"), way("timeout", "end", after="P9D")),
        stop("won", outcome="handed_off"),
        stop(),
    )
    stream = house.started(waits)
    house.work()
    told = Told("x_demo_seen", house.clock.now(), {"minutes": 12})
    for _ in range(2):
        report(house.ports, stream, told, cause=OPERATOR, correlation=UUID(int=7))
    assert house.state(stream).outcome == Outcome.HANDED_OFF
    assert house.topics(stream).count("signal_recorded") == 1
    assert house.rows("SELECT kind, text FROM {s}.notes") == [("signal_data", '{"minutes":12}')]


def test_a_booked_meeting_ends_the_plan_from_anywhere(house: House) -> None:
    stream = house.started(RINGS)
    told = Told("meeting_booked", house.clock.now())
    report(house.ports, stream, told, cause=OPERATOR, correlation=UUID(int=7))
    assert house.state(stream).outcome == Outcome.CONVERTED
    assert len(listed(house, "withdrawn")) == 1
