"""The console on real stores: another tenant's things, reading that changes nothing, a million."""

import re
from collections.abc import Iterator
from time import perf_counter
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from psycopg.sql import SQL, Identifier
from starlette.testclient import TestClient

from domain.ids import CampaignId, TenantId, schema_of
from handlers.access import Role
from handlers.app import create_app
from handlers.timeline import timeline
from handlers.web.console.pages import PAGES
from infra.entropy import SystemRng
from infra.migrations.run import create_tenant
from infra.services import make_services, make_stock
from tests.console.staged import PASSWORD, REPLY, Staged
from tests.infra.conftest import drop_tenant
from tests.infra.lists_filled import BUSY, MONDAY, fill

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

MANY = 1_000_000
AT_MOST_S = 2.0
"""For a page of a tenant of a million on a machine of two cores that does other things too."""
FROM_US = {"Sec-Fetch-Site": "same-origin"}
_CONTACTS = SQL("""
INSERT INTO {s}.contacts (contact_id, external_id, first_name, vault_key)
SELECT md5('c' || n)::uuid, 'lead-' || n, 'Dana', '' FROM generate_series(1, {many}) AS n
""")
_CAMPAIGN = SQL("""
INSERT INTO {s}.campaigns (campaign_id, name, status, sender, daily_limit)
VALUES ({id}, 'Busy', 'active', '', 1000)
""")


class Visitor:
    """Somebody of a tenant with a browser without scripts."""

    def __init__(self, staged: Staged, tenant: TenantId, role: Role = Role.ADMIN) -> None:
        system = staged.house.system
        app = create_app(make_services(system), make_stock(system))
        self.client = TestClient(app, follow_redirects=False)
        name = f"visitor-{role}@{tenant}"
        staged.users.add(tenant, name, role, PASSWORD)
        secret = staged.users.sign_in(name, PASSWORD)
        assert secret is not None
        session = staged.users.session(secret)
        assert session is not None
        self.csrf, self.headers = session.csrf, {"Cookie": f"antiphon={secret}"}

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self.headers)

    def post(self, path: str, **form: str) -> Any:
        given = {"csrf": self.csrf, "reason": "as agreed", "plan": "{}", "confirm": "true"} | form
        return self.client.post(path, data=given, headers=self.headers | FROM_US)


@pytest.fixture
def stranger(staged: Staged) -> Iterator[TenantId]:
    """Another tenant, with nothing in it."""
    database = staged.house.system.database
    name = TenantId(f"x{SystemRng().new_id().hex[:12]}")
    create_tenant(database, name, tag=f"t{name[:12]}")
    yield name
    with database.control_tx() as curs:
        curs.execute("DELETE FROM control.users WHERE tenant = %s", (name,))
    drop_tenant(database, name)


def ids_of(staged: Staged) -> dict[str, str]:
    contact = staged.house.history(staged.streams[0])[0].contact_id
    return {
        "leads": str(contact),
        "queue": str(staged.message),
        "campaigns": str(staged.campaign.campaign_id),
        "contact-campaigns": str(staged.streams[0]),
        "messages": str(staged.message),
        "replies": str(REPLY),
        "accounts": "sam",
    }


def addresses(staged: Staged, method: str) -> Iterator[str]:
    """Every page with a thing of the tenant in its address."""
    ids = ids_of(staged)
    for page in PAGES:
        place = "{name}" if "{name}" in page.path else "{id}"
        if page.method == method and place in page.path:
            yield page.path.replace(place, ids[page.path.split("/")[1]])


def dump(staged: Staged) -> str:
    """Everything in the tenant's schema."""
    tenant = staged.house.tenant
    schema = schema_of(tenant)
    with staged.house.system.database.tenant_tx(tenant) as curs:
        curs.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,))
        tables = sorted(name for (name,) in curs.fetchall())
        query = SQL("SELECT row::text FROM {}.{} AS row")
        return "\n".join(
            f"{table}: {row}"
            for table in tables
            for row in sorted(
                map(str, curs.execute(query.format(Identifier(schema), Identifier(table))))
            )
        )


def test_things_of_another_tenant_are_there_for_nobody_of_this_one(
    staged: Staged, stranger: TenantId
) -> None:
    visitor, before = Visitor(staged, stranger), dump(staged)
    asked = [(path, visitor.get(path).status_code) for path in addresses(staged, "GET")]
    asked += [(path, visitor.post(path).status_code) for path in addresses(staged, "POST")]
    assert {path: status for path, status in asked if status != 404} == {}
    assert len(asked) > 18
    for path in ("/", "/leads", "/queue", "/activity", "/campaigns", "/leads?q=lead"):
        text = visitor.get(path).text
        assert "Number" not in text
        assert "Autumn" not in text
    many = visitor.post("/campaigns/orders", order="stop", id=str(staged.campaign.campaign_id))
    assert many.status_code == 404
    assert dump(staged) == before


def test_no_page_that_is_read_changes_anything(staged: Staged) -> None:
    visitor = Visitor(staged, staged.house.tenant)
    before = dump(staged)
    plain = [page.path for page in PAGES if page.method == "GET" and "{" not in page.path]
    for path in [*plain, *addresses(staged, "GET")]:
        if path != "/stream":
            answer = visitor.get(path)
            assert answer.status_code in (200, 404), (path, answer.status_code)
    assert visitor.post("/workbench", plan="{}").status_code == 200
    assert dump(staged) == before


def test_a_search_is_of_the_beginning_of_an_external_id_and_takes_any_letter(
    staged: Staged,
) -> None:
    visitor = Visitor(staged, staged.house.tenant, Role.VIEWER)
    found = visitor.get("/leads?q=lead-").text
    assert found.count("/leads/") >= 3
    assert "lead-1" in visitor.get("/leads?q=lead-1").text
    for sought in ("lead%25", "%25", "_", "'", "\\", "%F0%9F%98%80"):
        assert "No external id begins with" in visitor.get(f"/leads?q={sought}").text


def test_a_step_tells_what_it_changed_and_a_day_what_it_did(staged: Staged) -> None:
    visitor = Visitor(staged, staged.house.tenant, Role.AGENT)
    page = f"/contact-campaigns/{staged.streams[1]}"
    history = staged.house.history(staged.streams[1])
    instants = sorted({one.at for one in history})
    first = sum(one.at == instants[0] for one in history)
    assert "Changed since" not in visitor.get(f"{page}?step={first}").text
    since = quote(instants[0].isoformat())
    for query, instant in (("", instants[-2]), (f"&diff_from={since}", instants[0])):
        told = _changed(visitor.get(f"{page}?step={len(history)}{query}").text)
        found = timeline(lambda *_: history, staged.streams[1], None, instant)
        assert found is not None
        assert found.difference is not None
        by = {
            one.field: ", ".join(str(number) for number in one.by)
            for one in found.difference.changed
        }
        assert {name: words.partition("by event ")[2] for name, words in told.items()} == {
            field.replace("_", " "): numbers for field, numbers in by.items()
        }
        assert told["node"].startswith("hello → again by event")
    refused = visitor.get(f"{page}?as_of={since}&diff_from={quote(instants[-1].isoformat())}")
    assert refused.status_code == 422


def _changed(text: str) -> dict[str, str]:
    """What a page says that changed, by the name of the field."""
    part = text.partition('id="changed">')[2].partition("</dl>")[0]
    found = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", part, re.DOTALL)
    return {name: " ".join(re.sub("<[^>]+>", " ", told).split()) for name, told in found}


@pytest.mark.long
def test_pages_of_a_tenant_with_a_million_contacts_come_at_once(
    staged: Staged, stranger: TenantId
) -> None:
    database, schema = staged.house.system.database, Identifier(schema_of(stranger))
    fill(database, stranger, MANY)
    with database.direct() as owner:
        owner.execute("SET statement_timeout = 0")
        owner.execute(_CONTACTS.format(s=schema, many=MANY))
        owner.execute(_CAMPAIGN.format(s=schema, id=BUSY))
        owner.execute(SQL("VACUUM (ANALYZE) {}.contacts").format(schema))
    visitor, took = Visitor(staged, stranger), dict[str, float]()
    staged.house.clock.at = MONDAY
    campaign = CampaignId(UUID(int=1))
    for path in (
        "/",
        "/leads",
        "/leads?q=lead-77",
        "/queue",
        "/queue?state=ACCEPTED",
        "/activity",
        "/activity?kind=signal.opened",
        "/campaigns",
        f"/campaigns/{campaign}",
        f"/campaigns/{campaign}?status=completed",
    ):
        visitor.get(path)  # the first one finds nothing in memory
        began = perf_counter()
        assert visitor.get(path).status_code == 200
        took[path] = perf_counter() - began
    assert {path: seconds for path, seconds in took.items() if seconds > AT_MOST_S} == {}
