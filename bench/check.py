"""What `antiphon check` costs on a tenant with a great many messages, on one core and PostgreSQL.

The floor is one reading of the log: the events counted by topic, their bodies unpacked.
"""

import tempfile
from collections.abc import Callable
from time import perf_counter

from bench.measuring import Row, time_row
from domain.ids import schema_of
from infra.embedded.servers import running_servers
from infra.invariants import check
from infra.statements import Statements, transaction
from tests.infra.multiplied import Multiplied
from tests.stories.house import House, open_house

MESSAGES = 1_000_000
_READ = """
SELECT count(*) FROM {s}.events e
 CROSS JOIN LATERAL (SELECT convert_from(e.state, 'UTF8')::jsonb -> 'f' AS f OFFSET 0) u
 WHERE f ? 'at'
"""


def run(rounds: int, messages: int = MESSAGES) -> list[Row]:
    """One row, of three rounds at most: to make the tenant takes longer than to check it."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        running_servers(home) as servers,
        open_house(servers, home) as house,
    ):
        made = Multiplied(house).copy(messages)
        floor = [_timed(house, _read)]
        ours = [_timed(house, _checked) for _ in range(min(rounds, 3))]
    return [time_row(f"check_{made}_messages_s", "s", ours, floor)]


def _timed(house: House, work: Callable[[House], None]) -> float:
    began = perf_counter()
    work(house)
    return perf_counter() - began


def _checked(house: House) -> None:
    found = check(house.system.database, house.tenant, clock_now=house.clock.now())
    broken = {one.id: one.examples for one in found if one.broken}
    assert not broken, broken


def _read(house: House) -> None:
    with house.system.database.tenant_tx(house.tenant) as curs:
        curs.execute("SET LOCAL statement_timeout = 0")
        Statements(schema_of(house.tenant)).rows(transaction(curs), _READ)
