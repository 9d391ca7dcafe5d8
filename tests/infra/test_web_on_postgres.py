"""The web process on real stores: two tenants side by side, writes, links, posts of providers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.sql import SQL, Composed, Identifier
from pydantic import SecretStr
from starlette.testclient import TestClient

from domain.ids import MessageId, TenantId, schema_of
from domain.taxonomy import Family
from handlers.api.operations import OPERATIONS
from handlers.app import create_app
from handlers.links import token
from infra.bootstrap import System
from infra.embedded.servers import ServerUrls
from infra.keys import add_key
from infra.sandbox.keys import SigningKey
from infra.services import make_services
from infra.settings import Settings
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database
from infra.work import Work

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

SENDER = {
    "sender": "sam",
    "from_email": "sam@mail.example",
    "from_name": "Sam",
    "reply_domain": "reply.example",
    "postal_address": "1 Harbour Street",
    "verified": True,
}
PLAN = {
    "startNodeId": "hello",
    "timezone": "UTC",
    "nodes": [
        {
            "id": "hello",
            "type": "send",
            "channel": "email",
            "message": {"subject": "Hello", "text": "Hello there"},
            "transitions": [{"on": "no_reply", "to": "end", "after": "P3D"}],
        },
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ],
}
ASKING = {
    "startNodeId": "tell",
    "timezone": "UTC",
    "nodes": [
        {"id": "tell", "type": "notify", "text": "Ada is in", "next": "ring"},
        {
            "id": "ring",
            "type": "task",
            "title": "Call Ada",
            "transitions": [{"on": "timeout", "to": "end", "after": "P3D"}],
        },
        {"id": "end", "type": "stop"},
    ],
}
EVENT = {
    "email": "ada@example.com",
    "event": "delivered",
    "timestamp": 1_772_452_800,
    "sg_message_id": "abc.filter1",
}


def _all(schema: str, table: str) -> Composed:
    return SQL("SELECT * FROM {}.{}").format(Identifier(schema), Identifier(table))


class Tenant:
    """One tenant with an admin's key."""

    def __init__(self, system: System, client: TestClient, name: TenantId) -> None:
        self.system, self.client, self.name = system, client, name
        with system.database.control_tx() as curs:  # a tag that fits into a link
            curs.execute("UPDATE control.tenants SET tag = name WHERE name = %s", (name,))
        self.key = add_key(system.database, name, "admin", pepper=system.pepper).text

    def call(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        answer = self.call("POST", path, json=body or {}, **more)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def enrolled(self) -> dict[str, str]:
        """A contact in a running campaign; the ids of everything."""
        self.post("/v1/senders", SENDER)
        contact = {"external_id": "c1", "email": "Ada@example.com", "timezone": "UTC"}
        (written,) = self.post("/v1/contacts", {"items": [contact]})["items"]
        campaign = self.post("/v1/campaigns", {"name": "Autumn", "sender": "sam"})["id"]
        self.post(f"/v1/campaigns/{campaign}/launch")
        items = [{"contact_id": written["contact_id"], "plan": PLAN}]
        answer = self.post(f"/v1/campaigns/{campaign}/enrolments", {"items": items})
        (result,) = answer["items"]
        assert result["status"] == "started", result
        journey = result["contact_campaign_id"]
        self.post(
            f"/v1/campaigns/{campaign}/enrolments",
            {"items": [{"contact": {"external_id": "c2"}, "plan": ASKING}]},
        )
        Work(self.system).bells()["errands"](self.name)
        (task,) = self.call("GET", "/v1/tasks").json()["items"]
        (notice,) = self.call("GET", "/v1/notices").json()["items"]
        (queued,) = self.call("GET", "/v1/send-queue").json()["items"]
        return {
            "contacts": written["contact_id"],
            "campaigns": campaign,
            "contact-campaigns": journey,
            "messages": queued["id"],
            "send-queue": queued["id"],
            "tasks": task["id"],
            "notices": notice["id"],
        }

    def rows(self, text: Any) -> list[Row]:
        with self.system.database.tenant_tx(self.name) as curs:
            return Statements(schema_of(self.name)).rows(transaction(curs), text)

    def dump(self) -> str:
        """Everything in the tenant's schema."""
        schema = schema_of(self.name)
        with self.system.database.tenant_tx(self.name) as curs:
            curs.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,))
            tables = sorted(name for (name,) in curs.fetchall())
            return "\n".join(
                f"{table}: {row}"
                for table in tables
                for row in sorted(map(str, curs.execute(_all(schema, table)).fetchall()))
            )

    def link(self, kind: Any, message: str) -> str:
        tag = str(self.name)
        return token(kind, tag, MessageId(UUID(message)), 0, self.system.link_key(tag))


@pytest.fixture
def system(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[System]:
    settings = Settings(home=tmp_path, pepper=SecretStr("a pepper of thirty-two characters or so"))
    system = System(settings, ServerUrls(database_url, redis_url), worker="web", pool=6)
    yield system
    system.close()


@pytest.fixture
def client(system: System) -> TestClient:
    return TestClient(create_app(make_services(system)), follow_redirects=False)


@pytest.fixture
def tenants(
    system: System, client: TestClient, new_tenant: Callable[[], TenantId], database: Database
) -> Iterator[list[Tenant]]:
    made = [Tenant(system, client, new_tenant()) for _ in range(2)]
    yield made
    with database.control_tx() as curs:
        for tenant in made:
            for table in ("api_keys", "webhook_keys"):
                curs.execute(f"DELETE FROM control.{table} WHERE tenant = %s", (tenant.name,))


def test_ids_of_another_tenant_are_nothing_here(tenants: list[Tenant]) -> None:
    """Every route with an id, called by the one tenant with the ids of the other: 404."""
    ours, theirs = tenants
    ids = theirs.enrolled()
    before = theirs.dump()
    asked = 0
    body = {"items": [{"contact_id": ids["contacts"], "plan": PLAN}]}
    signal = {"kind": "meeting_booked", "occurred_at": "2026-01-01T00:00:00Z"}
    why = {"reason": "she called"}
    revision = {"plan": PLAN, "if_plan_hash": "sha256:" + "0" * 64}
    bodies = {
        "enrolments": body,
        "signals": signal,
        "revise": revision,
        "what-if": {"plan": PLAN},
        "skip": why,
        "hold": why,
        "release": why,
        "resend": {**why, "confirm": True},
        "export": {**why, "confirm": True},
    }
    erasure = {"ground": "requested", "confirm": True}
    for operation in OPERATIONS:
        if "{id}" not in operation.path:
            continue
        owner = operation.path.split("/")[3 if "metrics" in operation.path else 2]
        path = operation.path.replace("{id}", ids[owner])
        given = bodies.get(path.rpartition("/")[2], {})
        given = erasure if operation.method == "DELETE" else given
        sent = {"json": given} if operation.body else {}
        assert ours.call(operation.method, path, **sent).status_code == 404, path
        asked += 1
    assert asked > 12
    lists = ("contacts", "campaigns", "send-queue", "activity", "senders", "suppressions")
    for path in (*lists, "tasks", "notices", "endpoints", "webhook-inbox"):
        assert ours.call("GET", f"/v1/{path}").json()["items"] == []
    own = ours.post("/v1/campaigns", {"name": "Own"})["id"]
    (result,) = ours.post(f"/v1/campaigns/{own}/enrolments", body)["items"]
    assert result["status"] == "refused"
    assert theirs.dump() == before


def test_a_revision_over_http_is_taken_once_and_its_reason_is_kept_with_it(
    tenants: list[Tenant],
) -> None:
    ours, _ = tenants
    path = f"/v1/contact-campaigns/{ours.enrolled()['contact-campaigns']}"
    before = ours.call("GET", path).json()["plan_hash"]
    other = json.loads(json.dumps(PLAN).replace("Hello there", "Good morning"))
    idle = json.loads(json.dumps(PLAN).replace("no_reply", "clicked"))
    order = {"ifPlanHash": before, "reason": "kinder words"}
    refused = ours.post(f"{path}/revise", {**order, "plan": idle})
    assert (refused["status"], refused["plan_hash"]) == ("refused", before)
    done = ours.post(f"{path}/revise", {**order, "plan": other})
    assert done["status"] == "revised"
    stale = ours.call("POST", f"{path}/revise", json={**order, "plan": PLAN})
    assert stale.status_code == 409
    assert stale.json()["errors"][0]["pointer"] == "/ifPlanHash"
    again = {**order, "plan": other, "if_plan_hash": done["plan_hash"]}
    del again["ifPlanHash"]
    assert ours.post(f"{path}/revise", again)["status"] == "unchanged"
    assert ours.rows("SELECT kind, text FROM {s}.notes") == [("revision_reason", "kinder words")]


def test_no_get_changes_anything(tenants: list[Tenant]) -> None:
    tenant, _ = tenants
    ids = tenant.enrolled()
    before = tenant.dump()
    for operation in OPERATIONS:
        if operation.method == "GET":
            owner = operation.path.split("/")[3 if "metrics" in operation.path else 2]
            path = operation.path.replace("{id}", ids.get(owner, "")).replace("{name}", "sam")
            assert tenant.call("GET", path).status_code == 200, path
    assert tenant.client.get(f"/u/{tenant.link('u', ids['messages'])}").status_code == 200
    assert tenant.dump() == before
    tenant.client.get(f"/t/o/{tenant.link('o', ids['messages'])}.gif")
    assert tenant.dump() != before, "the pixel is evidence; so the comparison sees writes"


def test_second_enrolment_starts_nothing_and_an_idempotency_key_gives_the_first_answer(
    tenants: list[Tenant],
) -> None:
    tenant, _ = tenants
    ids = tenant.enrolled()
    path = f"/v1/campaigns/{ids['campaigns']}/enrolments"
    body = {"items": [{"contact_id": ids["contacts"], "plan": PLAN}]}
    headers = {"Idempotency-Key": "k1"}
    first, second = (tenant.post(path, body, headers=headers) for _ in range(2))
    assert first == second
    assert first["items"][0]["status"] == "duplicate"
    assert tenant.call("POST", path, json={**body, "x": 1}, headers=headers).status_code == 422
    other = {"items": [*body["items"], *body["items"]]}
    assert tenant.call("POST", path, json=other, headers=headers).status_code == 409


def test_a_name_that_is_taken_is_a_conflict(tenants: list[Tenant]) -> None:
    tenant, _ = tenants
    tenant.post("/v1/campaigns", {"name": "Autumn"})
    again = tenant.call("POST", "/v1/campaigns", json={"name": "Autumn"})
    assert (again.status_code, again.json()["code"]) == (409, "name_taken")


def test_lists_go_on_from_page_to_page(tenants: list[Tenant]) -> None:
    tenant, _ = tenants
    given = [{"external_id": f"c{number}", "attributes": {"n": number}} for number in range(7)]
    tenant.post("/v1/contacts", {"items": given})
    tenant.post(
        "/v1/suppressions", {"items": [{"address": f"a{number}@b.example"} for number in range(7)]}
    )
    for path, name in (("/v1/contacts", "id"), ("/v1/suppressions", "address_hmac")):
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 3}
        while "cursor" not in query or query["cursor"] is not None:
            page = tenant.call("GET", path, params=query).json()
            seen += [one[name] for one in page["items"]]
            query["cursor"] = page["next_cursor"]
        assert len(seen) == len(set(seen)) == 7


def test_one_click_suppresses_the_address_and_is_told_once(tenants: list[Tenant]) -> None:
    tenant, _ = tenants
    path = f"/u/{tenant.link('u', tenant.enrolled()['messages'])}"
    for _ in range(2):
        answer = tenant.client.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    suppressions: Any = tenant.system.ports(tenant.name).suppressions
    now = tenant.system.clock.now()
    assert suppressions.holds(Family.EMAIL, "ada+news@EXAMPLE.com", now)
    assert tenant.rows("SELECT kind, state FROM {s}.webhook_inbox ORDER BY inbox_id") == [
        ("unsubscribe", "new"),
        ("unsubscribe", "duplicate"),
    ]


def signing_key(tenant: Tenant) -> SigningKey:
    """The key that the tenant's provider signs with, from now on."""
    key = SigningKey.generate()
    with tenant.system.database.control_tx() as curs:
        row = (tenant.name, key.public_key_base64())
        curs.execute(
            "INSERT INTO control.webhook_keys (tenant, provider, public_key)"
            " VALUES (%s, 'sendgrid', %s)",
            row,
        )
    return key


def test_a_signed_post_is_stored_under_its_tenant_only(tenants: list[Tenant]) -> None:
    """The key is that of the tenant in the path: the signature of one opens no other's door."""
    ours, theirs = tenants
    key = signing_key(ours)
    signing_key(theirs)
    body = json.dumps([EVENT, EVENT, {"event": 7}]).encode() + b"\r\n"
    stamp = int(ours.system.database.now().timestamp())
    headers = {**key.headers(stamp, body), "Content-Type": "application/json"}
    wrong = ours.client.post(f"/webhooks/sendgrid/{theirs.name}", content=body, headers=headers)
    right = ours.client.post(f"/webhooks/sendgrid/{ours.name}", content=body, headers=headers)
    assert (wrong.status_code, right.status_code) == (401, 204)
    assert theirs.rows("SELECT count(*) FROM {s}.webhook_deliveries") == [(0,)]
    ((kept,),) = ours.rows("SELECT body FROM {s}.webhook_deliveries")
    assert bytes(kept) == body
    states = ours.rows("SELECT state, count(*) FROM {s}.webhook_inbox GROUP BY 1 ORDER BY 1")
    assert states == [("duplicate", 1), ("new", 1), ("parked", 1)]


def test_an_unreachable_database_is_503_and_says_nothing_of_itself(
    redis_url: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, pepper=SecretStr("a pepper of thirty-two characters or so"))
    urls = ServerUrls("postgresql://nobody:secret@127.0.0.1:1/x", redis_url)
    system = System(settings, urls, worker="web")
    client = TestClient(create_app(make_services(system)))
    answers = [
        client.get("/v1/contacts", headers={"Authorization": f"Bearer ak_{'0' * 12}_{'x' * 43}"}),
        client.post("/webhooks/sendgrid/acme", content=b"[]"),
        client.get("/readyz"),
    ]
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert "127.0.0.1" not in "".join(answer.text for answer in answers)
    assert client.get("/healthz").status_code == 200
    assert client.get("/t/o/x.gif").status_code == 200
    system.close()
