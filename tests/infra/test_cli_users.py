"""`antiphon user`: who may sign in to the console."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.ids import TenantId
from infra.tenancy import Database
from infra.users import SqlUsers
from tests.infra.cli_running import Cli

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PEPPER = "p" * 32


@pytest.fixture
def cli(tmp_path: Path, database: Database, database_url: str, redis_url: str) -> Cli:
    del database  # migrated
    urls = {"ANTIPHON_DATABASE_URL": database_url, "ANTIPHON_REDIS_URL": redis_url}
    return Cli(tmp_path, {**urls, "ANTIPHON_PEPPER": PEPPER})


@pytest.fixture
def customer(database: Database, tenant: TenantId) -> Iterator[TenantId]:
    """A tenant whose users go before it does."""
    yield tenant
    with database.control_tx() as curs:
        curs.execute("DELETE FROM control.users WHERE tenant = %s", (tenant,))


def test_a_user_is_added_with_a_password_that_is_printed_once_listed_and_removed(
    cli: Cli, database: Database, customer: TenantId
) -> None:
    name = f"ada@{customer}"
    result = cli("user", "add", customer, name, "--role", "agent")
    password = result.stdout.strip()
    users = SqlUsers(database, pepper=PEPPER.encode())
    secret = users.sign_in(name, password)
    assert secret is not None
    assert password not in result.stderr
    (listed,) = cli.json("user", "list", customer)["items"]
    assert (listed["name"], listed["role"], listed["tenant"]) == (name, "agent", customer)
    assert name in cli("user", "list", customer).stdout
    assert cli.json("user", "remove", customer, name)["removed"] is True
    assert users.session(secret) is None
    assert cli.json("user", "remove", customer, name, code=1)["removed"] is False
    assert "nobody may sign in" in cli("user", "list", customer).stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--ask", "--stdin"), "not both"),
        (("--stdin",), "no password on stdin"),
    ],
)
def test_a_password_that_is_not_given_is_wrong_use(
    cli: Cli, customer: TenantId, words: tuple[str, ...], told: str
) -> None:
    result = cli("user", "add", customer, f"bo@{customer}", "--role", "viewer", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_a_name_that_is_taken_is_wrong_use(cli: Cli, customer: TenantId) -> None:
    words = ("user", "add", customer, f"ada@{customer}", "--role", "viewer")
    assert cli(*words).exit_code == 0
    again = cli(*words)
    assert again.exit_code == 2
    assert "already" in again.stderr
