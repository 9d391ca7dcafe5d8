"""Every route, as the table says: who may call it, whose things it touches, what a GET changes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from domain.ids import TenantId
from handlers.access import OPEN, ROLES_OF, Role, permission_for
from handlers.api.calls import Operation
from handlers.api.examples import example_of
from handlers.api.operations import OPERATIONS
from handlers.app import create_app
from infra.bootstrap import System
from infra.embedded.servers import ServerUrls
from infra.keys import add_key
from infra.services import make_services
from infra.settings import Settings
from tests.infra.test_web_on_postgres import Tenant

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

FORBIDDEN, UNKNOWN, NOT_FOUND = 403, 401, 404


class Two:
    """Two tenants on one installation: one with a key of each role, one with something to take."""

    def __init__(self, system: System, names: list[TenantId]) -> None:
        self.system = system
        self.client = TestClient(
            create_app(make_services(system)), follow_redirects=False, raise_server_exceptions=False
        )
        self.ours, self.theirs = (Tenant(system, self.client, name) for name in names)
        self.keys = {
            role: add_key(system.database, self.ours.name, role, pepper=system.pepper).text
            for role in Role
        }
        self.own_ids = self.ours.enrolled()
        self.foreign_ids = self.theirs.enrolled()

    def call(self, operation: Operation, ids: dict[str, str], key: str | None) -> Any:
        path, given = operation.path, {}
        owner = path.split("/")[3 if "metrics" in path else 2]
        path = path.replace("{id}", ids.get(owner, ids["campaigns"]))
        path = path.replace("{name}", "sam").replace("{number}", "1")
        if operation.body is not None:
            body = example_of(operation.body.model)
            media = operation.body.media
            given = {"content": body.encode()} if media == "text/csv" else {"json": body}
            given["headers"] = {"Content-Type": media}
        headers = {**given.pop("headers", {})}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return self.client.request(operation.method, path, headers=headers, **given)


@pytest.fixture
def two(
    database_url: str, redis_url: str, tmp_path: Path, new_tenant: Callable[[], TenantId]
) -> Iterator[Two]:
    settings = Settings(home=tmp_path, pepper=SecretStr("a pepper of thirty-two characters or so"))
    system = System(settings, ServerUrls(database_url, redis_url), worker="web", pool=6)
    names = [new_tenant(), new_tenant()]
    yield Two(system, names)
    with system.database.control_tx() as curs:
        for name in names:
            for table in ("api_keys", "webhook_keys"):
                curs.execute(
                    f"DELETE FROM control.{table} WHERE tenant = %s", (name,)
                )  # our tables
    system.close()


def test_every_route_answers_each_role_as_the_table_says(two: Two) -> None:
    asked = 0
    for operation in OPERATIONS:
        allowed = ROLES_OF[permission_for(operation.method, operation.path)]
        route = (operation.method, operation.path)
        assert two.call(operation, two.own_ids, None).status_code == UNKNOWN, route
        for role in Role:
            if role in allowed and operation.method == "DELETE":
                continue  # the other tests carry these out
            status = two.call(operation, two.own_ids, two.keys[role]).status_code
            assert status < 500, route
            assert (status == FORBIDDEN) == (role not in allowed) or _own_no(operation, role), (
                route,
                role,
                status,
            )
            assert status != UNKNOWN
            asked += 1
    assert asked > 4 * len(OPERATIONS) * 0.9


def _own_no(operation: Operation, role: Role) -> bool:
    """A planner enrols and revises in drafts only: the use case says no, not the table."""
    return operation.path.endswith(("/enrolments", "/revise")) and role is Role.PLANNER


def test_nothing_of_another_tenant_is_seen_or_changed_by_any_route(two: Two) -> None:
    before = two.theirs.dump()
    for operation in OPERATIONS:
        answer = two.call(operation, two.foreign_ids, two.keys[Role.ADMIN])
        route = (operation.method, operation.path)
        if "{id}" in operation.path:
            assert answer.status_code == NOT_FOUND, (route, answer.text)
        if operation.path == "/v1/admin-events":
            continue  # it tells what our own key asked for, in our own words
        for id_ in two.foreign_ids.values():
            assert id_ not in answer.text or "{id}" in operation.path, route
    assert two.theirs.dump() == before


def test_no_get_changes_anything(two: Two) -> None:
    two.ours.dump()
    for operation in OPERATIONS:
        if operation.method != "GET":
            continue
        for ids in (two.own_ids, two.foreign_ids):
            before = two.ours.dump()
            answer = two.call(operation, ids, two.keys[Role.ADMIN])
            assert answer.status_code < 500, operation.path
            assert two.ours.dump() == before, operation.path


def test_no_open_get_changes_anything_but_the_evidence_of_links(two: Two) -> None:
    before = two.ours.dump()
    for method, path in sorted(OPEN):
        if method == "GET" and not path.startswith("/t/"):
            place = path.replace("{token}", two.ours.link("u", two.own_ids["messages"]))
            two.client.get(place)
            assert two.ours.dump() == before, path
