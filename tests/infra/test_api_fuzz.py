"""The document of the API holds: drawn requests are answered as it says, and never by a 5xx."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import SecretStr
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from domain.ids import TenantId
from handlers.app import create_app
from infra.bootstrap import System
from infra.embedded.servers import ServerUrls
from infra.services import make_services
from infra.settings import Settings
from tests.infra.test_web_on_postgres import Tenant

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
FEW, MANY = 8, 150


@pytest.fixture
def tenant_served(
    database_url: str, redis_url: str, tmp_path: Path, new_tenant: Callable[[], TenantId]
) -> Iterator[tuple[Any, Tenant]]:
    given_settings = Settings(
        home=tmp_path,
        pepper=SecretStr("a pepper of thirty-two characters or so"),
        api_calls_per_minute=1_000_000,
        contact_exports_per_day=1_000_000,
    )
    system = System(given_settings, ServerUrls(database_url, redis_url), worker="web", pool=6)
    app = create_app(make_services(system))
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    name = new_tenant()
    yield app, Tenant(system, client, name)
    with system.database.control_tx() as curs:
        curs.execute("DELETE FROM control.api_keys WHERE tenant = %s", (name,))
    system.close()


def _drawn(served: tuple[Any, Tenant], examples: int) -> list[str]:
    """What is not as the document says, of so many requests for each route."""
    app, tenant = served
    ids = tenant.enrolled()
    found = []
    for result in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        operation = result.ok()
        if operation.path == "/readyz":
            continue  # a 503 is what it is for
        try:
            _asking(operation, ids, tenant.key, examples)()
        except BaseExceptionGroup as failures:
            told = "; ".join(str(each) for each in failures.exceptions)
            found.append(f"{operation.method} {operation.path}: {failures} {told}")
    return found


def _asking(operation: Any, ids: Mapping[str, str], key: str, examples: int) -> Callable[[], None]:
    """Ask with drawn requests; where the path has an id, with one that is there."""
    owner = next((part for part in reversed(operation.path.split("/")) if part in ids), "")

    @given(case=operation.as_strategy())
    @settings(
        derandomize=True,
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        if "id" in case.path_parameters and owner:
            case.path_parameters["id"] = ids[owner]
        if case.path.startswith("/v1/"):
            case.headers["Authorization"] = f"Bearer {key}"
        case.validate_response(case.call(), checks=CHECKS)

    run: Callable[[], None] = ask
    return run


def test_a_few_drawn_requests_a_route_are_answered_as_the_document_says(
    tenant_served: tuple[Any, Tenant],
) -> None:
    assert _drawn(tenant_served, FEW) == []


@pytest.mark.long
def test_many_drawn_requests_a_route_are_answered_as_the_document_says(
    tenant_served: tuple[Any, Tenant],
) -> None:
    assert _drawn(tenant_served, MANY) == []
