"""Tenants, keys, schemas, settings: what an operator sets up before anything runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.ids import TenantId
from infra.keys import check_key
from infra.sandbox.keys import SigningKey
from infra.tenancy import Database
from tests.infra.cli_running import Cli
from tests.infra.conftest import drop_tenant

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PEPPER = "p" * 32


@pytest.fixture
def cli(tmp_path: Path, database: Database, database_url: str, redis_url: str) -> Cli:
    del database  # migrated
    urls = {"ANTIPHON_DATABASE_URL": database_url, "ANTIPHON_REDIS_URL": redis_url}
    return Cli(tmp_path, {**urls, "ANTIPHON_PEPPER": PEPPER})


@pytest.fixture
def customer(database: Database, tenant: TenantId) -> Iterator[TenantId]:
    """A tenant whose keys go before it does."""
    yield tenant
    with database.control_tx() as curs:
        curs.execute("DELETE FROM control.api_keys WHERE tenant = %s", (tenant,))
        curs.execute("DELETE FROM control.webhook_keys WHERE tenant = %s", (tenant,))


def test_a_tenant_is_added_once_and_listed(cli: Cli, database: Database) -> None:
    try:
        made = cli.json("tenant", "add", "cli_acme")
        assert (made["created"], made["schema"]) == (True, "t_cli_acme")
        assert 1 <= len(made["tag"]) <= 15
        again = cli("tenant", "add", "cli_acme")
        assert (again.exit_code, again.stdout) == (0, "")
        assert "there already" in again.stderr
        listed = cli.json("tenant", "list")["items"]
        assert {"name": "cli_acme", "tag": made["tag"], "policy": {}} in listed
        assert made["tag"] in cli("tenant", "list").stdout
    finally:
        drop_tenant(database, TenantId("cli_acme"))


def test_a_tenant_name_that_cannot_be_a_schema_is_refused(cli: Cli) -> None:
    result = cli("tenant", "add", "Acme-Ltd")
    assert result.exit_code == 2
    assert "small letters" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("key", "add", "nobody", "--role", "admin"),
        ("check", "nobody"),
        ("rebuild", "nobody", "all"),
        ("replay-webhooks", "nobody"),
        ("timeline", "nobody", "6a1f0c9e-2b7d-5e43-9a57-0d4c1b8e2f10"),
        ("campaign", "launch", "nobody", "autumn"),
    ],
    ids=" ".join,
)
def test_an_unknown_tenant_is_named(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'nobody'" in result.stderr
    assert "antiphon tenant list" in result.stderr


def test_a_key_is_printed_once_and_opens_until_it_is_revoked(
    cli: Cli, database: Database, customer: TenantId
) -> None:
    result = cli("key", "add", customer, "--role", "planner")
    text = result.stdout.strip()
    holder = check_key(database, text, pepper=PEPPER.encode())
    assert holder is not None
    assert (holder.tenant, holder.role) == (customer, "planner")
    assert text not in result.stderr
    assert cli("key", "revoke", holder.key_id).exit_code == 0
    assert check_key(database, text, pepper=PEPPER.encode()) is None
    assert cli.json("key", "revoke", holder.key_id, code=1)["revoked"] is False


def test_a_role_that_does_not_exist_is_wrong_use(cli: Cli, customer: TenantId) -> None:
    result = cli("key", "add", customer, "--role", "owner")
    assert result.exit_code == 2
    assert "planner" in result.stderr


def test_a_webhook_key_is_trusted_once_it_is_added(
    cli: Cli, database: Database, customer: TenantId
) -> None:
    public = SigningKey.generate().public_key_base64()
    first, second = (cli.json("webhook-key", "add", customer, public) for _ in range(2))
    assert (first["created"], second["created"]) == (True, False)
    assert first["url"].endswith(f"/webhooks/sendgrid/{customer}")
    with database.control_tx() as curs:
        curs.execute(
            "SELECT provider, public_key FROM control.webhook_keys WHERE tenant = %s", (customer,)
        )
        assert curs.fetchall() == [("sendgrid", public)]


def test_what_is_no_public_key_is_refused(cli: Cli, tenant: TenantId) -> None:
    result = cli("webhook-key", "add", tenant, "MFkw")
    assert result.exit_code == 2
    assert "P-256" in result.stderr


def test_what_is_missing_is_told_and_then_applied(
    cli: Cli, database: Database, tenant: TenantId
) -> None:
    assert cli.json("migrate", "--check") == {"missing": []}
    with database.direct() as connection:
        connection.execute(f"DROP SCHEMA t_{tenant} CASCADE")
    missing = cli.json("migrate", "--check", code=1)["missing"]
    assert {name.partition("/")[0] for name in missing} == {f"t_{tenant}"}
    assert cli.json("migrate") == {"applied": missing}
    assert "everything is at this version" in cli("migrate").stdout


def test_settings_are_told_and_secrets_are_not(cli: Cli) -> None:
    result = cli("settings", ANTIPHON_SENDGRID_API_KEY="SG.very-secret")
    assert result.exit_code == 0
    assert "ANTIPHON_SENDGRID_API_KEY = ********" in result.stdout
    assert "ANTIPHON_WORKERS = 1\n" in result.stdout
    found = {each["name"]: each for each in cli.json("settings")["items"]}
    assert found["ANTIPHON_PEPPER"]["value"] == "********"
    assert found["ANTIPHON_TICK_MS"]["default"] == 250
    for told in (result.stdout, json.dumps(list(found.values()))):
        assert "very-secret" not in told
        assert PEPPER not in told


def test_the_api_is_described_without_a_server(tmp_path: Path) -> None:
    document = Cli(tmp_path, {}).json("openapi")
    assert document["openapi"].startswith("3.1")
    assert "/v1/plans/check" in document["paths"]
    assert not (tmp_path / "home").exists()
