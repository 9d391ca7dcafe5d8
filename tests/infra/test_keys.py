"""API keys: shown once, kept as HMAC, gone when revoked or expired."""

import re
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from domain.ids import TenantId
from handlers.access import Role
from infra.keys import add_key, check_key, revoke_key
from infra.tenancy import Database

PEPPER = b"a pepper of thirty-two characters"

pytestmark = pytest.mark.postgres


@pytest.fixture
def tenant(tenant: TenantId, database: Database) -> Iterator[TenantId]:
    """A tenant whose keys go before it does."""
    yield tenant
    with database.control_tx() as curs:
        curs.execute("DELETE FROM control.api_keys WHERE tenant = %s", (tenant,))


def test_a_key_tells_its_tenant_and_role_and_is_nowhere_in_the_database(
    database: Database, tenant: TenantId
) -> None:
    key = add_key(database, tenant, "planner", pepper=PEPPER)
    assert re.fullmatch(r"ak_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", key.text)
    holder = check_key(database, key.text, pepper=PEPPER)
    assert holder is not None
    assert (holder.key_id, holder.tenant, holder.role) == (key.key_id, tenant, Role.PLANNER)
    with database.control_tx() as curs:
        curs.execute("SELECT k::text FROM control.api_keys k WHERE key_id = %s", (key.key_id,))
        (row,) = curs.fetchall()
    assert key.text[-43:] not in row[0]


def test_a_key_with_anything_wrong_opens_nothing(database: Database, tenant: TenantId) -> None:
    key = add_key(database, tenant, "admin", pepper=PEPPER)
    other = add_key(database, tenant, "admin", pepper=PEPPER)
    wrong = [
        "",
        "ak_",
        key.text[:-1],
        key.text + "x",
        key.text[:-1] + ("A" if key.text[-1] != "A" else "B"),
        f"ak_{other.key_id}_{key.text[-43:]}",
        f"ak_{'0' * 12}_{key.text[-43:]}",
        key.text.upper(),
    ]
    assert [text for text in wrong if check_key(database, text, pepper=PEPPER)] == []
    assert check_key(database, key.text, pepper=b"another pepper") is None


def test_a_revoked_key_opens_nothing_and_another_of_the_tenant_still_does(
    database: Database, tenant: TenantId
) -> None:
    old, new = (add_key(database, tenant, "agent", pepper=PEPPER) for _ in range(2))
    assert revoke_key(database, old.key_id)
    assert not revoke_key(database, old.key_id)
    assert check_key(database, old.text, pepper=PEPPER) is None
    assert check_key(database, new.text, pepper=PEPPER) is not None


def test_an_expired_key_opens_nothing(database: Database, tenant: TenantId) -> None:
    soon, past = (database.now() + timedelta(hours=hours) for hours in (1, -1))
    good = add_key(database, tenant, "viewer", pepper=PEPPER, expires_at=soon)
    late = add_key(database, tenant, "viewer", pepper=PEPPER, expires_at=past)
    assert check_key(database, good.text, pepper=PEPPER) is not None
    assert check_key(database, late.text, pepper=PEPPER) is None


def test_the_last_use_of_a_key_is_noted(database: Database, tenant: TenantId) -> None:
    key = add_key(database, tenant, "viewer", pepper=PEPPER)
    check_key(database, key.text, pepper=PEPPER)
    with database.control_tx() as curs:
        curs.execute(
            "SELECT last_used_at IS NOT NULL FROM control.api_keys WHERE key_id = %s", (key.key_id,)
        )
        assert curs.fetchone() == (True,)


def test_keys_have_known_roles_and_tenants_only(database: Database, tenant: TenantId) -> None:
    with pytest.raises(ValueError, match="king"):
        add_key(database, tenant, "king", pepper=PEPPER)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        add_key(database, TenantId("nobody"), "admin", pepper=PEPPER)
