"""Every route against every kind of key; what is in no table is served to nobody."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from starlette.routing import Route

from handlers.access import (
    BY_TOOL,
    OPEN,
    OPEN_PAGES,
    PERMISSION_OF,
    PERMISSION_OF_PAGE,
    ROLES_OF,
    KeyHolder,
    Permission,
    Role,
    RouteWithoutPermission,
    permission_for,
    require_open,
)
from handlers.api.calls import Operation
from handlers.api.endpoint import Endpoint
from handlers.api.operations import OPERATIONS
from handlers.errors import NotAuthenticated, TooManyWrongKeys
from handlers.gatekeeper import WINDOW_S, WRONG_KEYS_MAX, Gatekeeper
from handlers.rate_limits import RateLimits
from tests.handlers.console_fakes import Console
from tests.handlers.web_fakes import KEYS, World

SOME_ID = str(UUID(int=77))
CHANGES = {
    Permission.WRITE_CONTACTS,
    Permission.WRITE_CAMPAIGNS,
    Permission.RUN_CAMPAIGNS,
    Permission.RUN_JOURNEYS,
    Permission.WRITE_SENDERS,
    Permission.PAUSE_SENDING,
    Permission.ORDER_QUEUE,
    Permission.RESEND_MESSAGES,
    Permission.RELEASE_INBOX,
    Permission.ADD_SUPPRESSIONS,
    Permission.LIFT_SUPPRESSIONS,
    Permission.REPORT_SIGNALS,
    Permission.END_TASKS,
    Permission.MARK_NOTICES,
    Permission.WRITE_ENDPOINTS,
}


def asked(world: World, operation: Operation, headers: dict[str, str]) -> int:
    path = operation.path.replace("{id}", SOME_ID).replace("{name}", "sam").replace("{number}", "7")
    status: int = world.client.request(operation.method, path, headers=headers).status_code
    return status


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_a_route_answers_to_the_roles_of_its_permission_and_to_nobody_else(
    operation: Operation,
) -> None:
    world = World()
    allowed = ROLES_OF[PERMISSION_OF[operation.method, operation.path]]
    assert asked(world, operation, {}) == 401
    assert asked(world, operation, {"Authorization": "Bearer wrong"}) == 401
    for role in Role:
        status = asked(world, operation, {"Authorization": f"Bearer key-{role}"})
        assert (status == 403) == (role not in allowed), (role, status)
        assert status not in (401, 500)


def test_a_viewer_and_a_planner_change_nothing_and_a_planner_reads_no_messages() -> None:
    for permission in CHANGES:
        assert not {Role.VIEWER, Role.PLANNER} & ROLES_OF[permission]
    assert Role.PLANNER not in ROLES_OF[Permission.READ_MESSAGES]
    assert set(ROLES_OF) == set(Permission)


def routes() -> Iterator[tuple[str, str]]:
    for route in Console().app.routes:
        assert isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}:
            yield method, route.path.replace(":uuid}", "}").replace(":int}", "}")


def test_what_is_served_is_what_the_tables_name() -> None:
    served = list(routes())
    assert len(served) == len(set(served))
    named = set(PERMISSION_OF) | set(PERMISSION_OF_PAGE)
    assert set(served) == named | OPEN | OPEN_PAGES | BY_TOOL
    operations = {(one.method, one.path) for one in OPERATIONS}
    assert operations | {("GET", "/v1/stream")} == set(PERMISSION_OF)


def test_a_route_that_is_in_no_table_is_an_error_before_anything_is_served() -> None:
    forgotten = Operation(
        method="GET", path="/v1/forgotten", does="", perform=lambda _: None, answers=dict
    )
    world = World()
    with pytest.raises(RouteWithoutPermission):
        Endpoint(world.services, Gatekeeper(KEYS.get), [forgotten], RateLimits(60))
    with pytest.raises(RouteWithoutPermission):
        permission_for("DELETE", "/v1/contacts")
    with pytest.raises(RouteWithoutPermission):
        require_open("GET", "/v1/contacts")


@pytest.mark.parametrize(
    "header", ["", "key-admin", "Basic key-admin", "Bearer", "Bearer  ", "Bearer a b", "bearer\tx"]
)
def test_a_header_that_is_no_bearer_key_is_refused(header: str) -> None:
    with pytest.raises(NotAuthenticated):
        Gatekeeper(KEYS.get).holder(header, "10.0.0.1")


def test_a_key_of_a_tenant_that_is_gone_opens_nothing() -> None:
    world = World(tenant=lambda _: None)
    assert world.get("/v1/contacts").status_code == 401


def test_after_twenty_wrong_keys_an_address_waits_a_minute_and_others_do_not() -> None:
    ticks = [1000.0]
    gatekeeper = Gatekeeper(KEYS.get, ticks=lambda: ticks[0])

    def wrong(address: str) -> None:
        with pytest.raises(NotAuthenticated):
            gatekeeper.holder("Bearer wrong", address)

    for _ in range(WRONG_KEYS_MAX):
        wrong("10.0.0.1")
    with pytest.raises(TooManyWrongKeys):
        gatekeeper.holder("Bearer key-admin", "10.0.0.1")
    wrong("10.0.0.2")
    assert gatekeeper.holder("Bearer key-admin", "10.0.0.2") == KEYS["key-admin"]
    ticks[0] += WINDOW_S
    assert gatekeeper.holder("Bearer key-admin", "10.0.0.1") == KEYS["key-admin"]
    wrong("10.0.0.1")


def test_a_request_without_a_key_is_not_a_wrong_key() -> None:
    gatekeeper = Gatekeeper(KEYS.get)
    for _ in range(WRONG_KEYS_MAX + 1):
        with pytest.raises(NotAuthenticated):
            gatekeeper.holder("", "10.0.0.1")


def test_too_many_wrong_keys_are_answered_with_the_time_to_wait() -> None:
    def nobody(_: str) -> KeyHolder | None:
        return None

    world = World(check_key=nobody)
    statuses = [world.get("/v1/contacts").status_code for _ in range(WRONG_KEYS_MAX + 1)]
    assert statuses == [401] * WRONG_KEYS_MAX + [429]
    assert world.get("/v1/contacts").headers["retry-after"] == "60"
