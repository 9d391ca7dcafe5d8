"""Many messages: a tenant of copies keeps every invariant, and one fault among them is found."""

from collections.abc import Iterator

import pytest

from domain.ids import schema_of
from infra.embedded.servers import ServerUrls
from infra.invariants import Finding, check
from tests.infra.multiplied import Multiplied
from tests.stories.house import House, open_house

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

MESSAGES = 1_200
FOLDED = 40


@pytest.fixture(scope="module")
def house(servers: ServerUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(servers, tmp_path_factory.mktemp("many")) as opened:
        assert Multiplied(opened).copy(MESSAGES) >= MESSAGES
        yield opened


def found(house: House) -> dict[str, Finding]:
    now = house.clock.now()
    told = check(house.system.database, house.tenant, clock_now=now, streams_max=FOLDED)
    return {one.id: one for one in told}


def test_copies_of_what_was_lived_through_keep_every_invariant(house: House) -> None:
    told = found(house)
    assert {id_: one.examples for id_, one in told.items() if one.broken} == {}
    assert all(told[id_].examined >= MESSAGES for id_ in ("I10", "I11", "I12", "I15", "I22"))
    assert told["I3"].examined > 0
    assert told["I4"].title.endswith(f"; {FOLDED} of {told['I7'].examined} streams")


def test_one_fault_among_many_is_found(house: House) -> None:
    with house.system.database.direct() as owner:
        owner.execute(
            f"UPDATE {schema_of(house.tenant)}.send_queue SET attempt = 7 WHERE message_id ="
            f" (SELECT max(message_id::text)::uuid FROM {schema_of(house.tenant)}.send_queue)"
        )
    told = {id_: one.broken for id_, one in found(house).items() if one.broken}
    assert told.pop("I12") == 1
    assert told.keys() <= {"I23"}
