from uuid import UUID

import pytest

from infra.tenancy import Database

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("binary", [True, False])
def test_a_uuid_is_read_as_it_is_and_made_once(database: Database, binary: bool) -> None:  # noqa: FBT001  # a case
    given = UUID("8c0f52b0-9a3c-5c8f-8d7e-2f8f8a7f3c10")
    query = "SELECT %s::uuid, ARRAY[%s::uuid, NULL]"
    with database.control_tx() as curs:
        first, listed = curs.execute(query, (given, given), binary=binary).fetchall()[0]
        ((again, _),) = curs.execute(query, (given, given), binary=binary).fetchall()
    assert type(first) is UUID
    assert (first, listed) == (given, [given, None])
    assert again is first
