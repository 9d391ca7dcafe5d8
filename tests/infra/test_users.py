"""Users of the console: passwords as argon2id, sessions as HMAC, both over in time."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from domain.ids import TenantId
from handlers.access import Role
from handlers.web.console.sessions import IDLE, LONGEST
from infra.tenancy import Database
from infra.users import SqlUsers, UserRefused, drawn_password

pytestmark = pytest.mark.postgres

PEPPER = b"a pepper of thirty-two characters"
PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def tenant(tenant: TenantId, database: Database) -> Iterator[TenantId]:
    """A tenant whose users go before it does."""
    yield tenant
    with database.control_tx() as curs:
        curs.execute("DELETE FROM control.users WHERE tenant = %s", (tenant,))


@pytest.fixture
def users(database: Database) -> SqlUsers:
    return SqlUsers(database, pepper=PEPPER, hasher=CHEAP)


def session_of(users: SqlUsers, tenant: TenantId, role: Role = Role.AGENT) -> str:
    users.add(tenant, f"ada@{tenant}", role, PASSWORD)
    secret = users.sign_in(f"ada@{tenant}", PASSWORD)
    assert secret is not None
    return secret


def aged(database: Database, column: str, by: timedelta) -> None:
    statements = {
        "begun_at": "UPDATE control.sessions SET begun_at = begun_at - %s",
        "seen_at": "UPDATE control.sessions SET seen_at = seen_at - %s",
    }
    with database.control_tx() as curs:
        curs.execute(statements[column], (by,))


def test_a_session_tells_who_it_is_of_and_its_secret_is_nowhere_in_the_database(
    database: Database, tenant: TenantId, users: SqlUsers
) -> None:
    secret = session_of(users, tenant)
    session = users.session(secret)
    assert session is not None
    assert (session.tenant, session.role, session.name) == (tenant, Role.AGENT, f"ada@{tenant}")
    assert session.holder.key_id == session.user_id
    assert len(session.csrf) >= 32
    with database.control_tx() as curs:
        rows = curs.execute("SELECT s::text, u::text FROM control.sessions s, control.users u")
        text = str(rows.fetchall())
    assert secret not in text
    assert PASSWORD not in text
    assert "argon2id" in text


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong horse battery"),
        ("eve", PASSWORD),
        ("", ""),
        ("ada", ""),
        ("ada\0", PASSWORD),
        ("ada", "x" * 1_000_000),
    ],
)
def test_a_name_and_a_password_that_do_not_belong_together_open_nothing(
    tenant: TenantId, users: SqlUsers, name: str, password: str
) -> None:
    users.add(tenant, f"ada@{tenant}", Role.ADMIN, PASSWORD)
    given = f"{name}@{tenant}" if name else ""
    assert users.sign_in(given, password) is None


def test_names_are_the_same_in_small_and_capital_letters_and_belong_to_one_person(
    tenant: TenantId, users: SqlUsers
) -> None:
    users.add(tenant, f"Ada@{tenant}", Role.ADMIN, PASSWORD)
    assert users.sign_in(f" ADA@{tenant} ".upper(), PASSWORD) is not None
    with pytest.raises(UserRefused, match="already"):
        users.add(tenant, f"ada@{tenant}", Role.VIEWER, PASSWORD)


@pytest.mark.parametrize(
    ("name", "password"), [("", PASSWORD), ("a b", PASSWORD), ("a\nb", PASSWORD), ("ada", "short")]
)
def test_a_user_needs_a_plain_name_and_a_long_password(
    tenant: TenantId, users: SqlUsers, name: str, password: str
) -> None:
    with pytest.raises(UserRefused):
        users.add(tenant, name, Role.ADMIN, password)
    assert users.all(tenant) == []


@pytest.mark.parametrize(("column", "limit"), [("seen_at", IDLE), ("begun_at", LONGEST)])
def test_a_session_is_over_when_it_was_not_used_or_is_too_old(
    database: Database, tenant: TenantId, users: SqlUsers, column: str, limit: timedelta
) -> None:
    secret = session_of(users, tenant)
    aged(database, column, limit - timedelta(minutes=1))
    assert users.session(secret, used=False) is not None
    aged(database, column, timedelta(minutes=2))
    assert users.session(secret) is None


def test_only_use_keeps_a_session_alive(
    database: Database, tenant: TenantId, users: SqlUsers
) -> None:
    secret = session_of(users, tenant)
    aged(database, "seen_at", timedelta(hours=1))
    users.session(secret, used=False)
    aged(database, "seen_at", timedelta(minutes=50))
    assert users.session(secret) is not None
    aged(database, "seen_at", timedelta(minutes=50))
    assert users.session(secret) is not None


def test_signing_out_ends_one_session_and_removal_ends_all(
    tenant: TenantId, users: SqlUsers
) -> None:
    one = session_of(users, tenant)
    two, three = (users.sign_in(f"ada@{tenant}", PASSWORD) for _ in range(2))
    assert two is not None
    assert three is not None
    users.sign_out(one)
    assert users.session(one) is None
    assert users.session(two) is not None
    assert users.remove(tenant, f"ADA@{tenant}")
    assert not users.remove(tenant, f"ada@{tenant}")
    assert users.session(two) is None
    assert users.session(three) is None
    assert users.sign_in(f"ada@{tenant}", PASSWORD) is None


def test_whoever_was_removed_is_still_known_by_name_and_the_name_is_free(
    tenant: TenantId, users: SqlUsers
) -> None:
    gone = users.add(tenant, f"ada@{tenant}", Role.ADMIN, PASSWORD)
    users.remove(tenant, gone.name)
    again = users.add(tenant, gone.name, Role.VIEWER, PASSWORD)
    assert again.user_id != gone.user_id
    assert users.names(tenant, [gone.user_id]) == {gone.user_id: gone.name}
    assert users.names(TenantId("another"), [gone.user_id]) == {}


def test_a_password_of_older_cost_is_hashed_anew_when_it_is_known(
    database: Database, tenant: TenantId, users: SqlUsers
) -> None:
    users.add(tenant, f"ada@{tenant}", Role.ADMIN, PASSWORD)
    dearer = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    assert SqlUsers(database, pepper=PEPPER, hasher=dearer).sign_in(f"ada@{tenant}", PASSWORD)
    with database.control_tx() as curs:
        query = "SELECT password FROM control.users WHERE tenant = %s"
        row = curs.execute(query, (tenant,)).fetchone()
    assert row is not None
    assert "m=16,t=2,p=1" in row[0]
    assert users.sign_in(f"ada@{tenant}", PASSWORD) is not None


def test_a_drawn_password_is_long_enough(tenant: TenantId, users: SqlUsers) -> None:
    drawn = drawn_password()
    users.add(tenant, f"bo@{tenant}", Role.VIEWER, drawn)
    assert users.sign_in(f"bo@{tenant}", drawn) is not None
