"""Every so manieth COMMIT of the workers is cut under load: nothing twice, nothing lost."""

from collections import Counter
from pathlib import Path

import pytest

from infra.embedded.servers import server_urls
from tests.faults.processes import until
from tests.faults.reckoning import reckon, require
from tests.faults.world import Setup, standing
from tests.infra.cutting_proxy import CUTS, Asked, CuttingProxy

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.long,
]

EVERY = 7
"""Of so many COMMITs one is cut; a prime, so that it meets each kind of transaction."""
WANTED = 100
PEOPLE = 25
SETTLE_S = 150


def test_workers_whose_commits_are_cut_send_nothing_twice(tmp_path: Path) -> None:
    cuts: Counter[str] = Counter()

    def choose(asked: Asked) -> str | None:
        if asked.commit is None or asked.commit % EVERY:
            return None
        how = CUTS[cuts.total() % len(CUTS)]
        cuts[how] += 1
        return how

    with standing(tmp_path / "w", Setup()) as world:
        with CuttingProxy(server_urls(world.home).database_url) as proxy:
            setup = Setup(workers=2, of_workers={"DATABASE_URL": proxy.uri})
            with world.running(setup) as roles:
                proxy.choose = choose

                def enough() -> bool:
                    world.enrol(PEOPLE)
                    return cuts.total() >= WANTED

                until(enough, 300, lambda: f"cut so far: {dict(cuts)}")
                proxy.choose = lambda _: None
                world.settle(SETTLE_S)
        figures = reckon(world, roles) | {"cuts": dict(cuts)}
        require(figures)
        assert min(cuts[how] for how in CUTS) >= WANTED // 4
