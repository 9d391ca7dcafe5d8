"""A provider that fails before and after it has accepted: nothing twice, every class seen."""

from pathlib import Path

import pytest

from tests.faults.processes import until
from tests.faults.reckoning import reckon, require
from tests.faults.world import Setup, World, standing

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.long,
]

MODES = (
    "400",
    "429",
    "5xx_before",
    "5xx_after",
    "reset_before",
    "reset_after",
    "silence_before",
    "silence_after",
)
SHARE = 0.03
ROUNDS, PEOPLE = 10, 40
TIRED_S = 300
_OUTCOMES = """
SELECT topic || coalesce('.' || (convert_from(state, 'UTF8')::jsonb -> 'f' ->> 'reason'), ''),
       count(*) FROM {s}.events
 WHERE topic IN ('send_attempt_returned', 'message_unknown', 'message_failed', 'message_accepted')
 GROUP BY 1 ORDER BY 1
"""
_CIRCUITS = "SELECT topic, count(*) FROM {s}.account_events WHERE topic LIKE 'circuit%%' GROUP BY 1"


def _at_rest(world: World) -> bool:
    """Nothing waits any more for whatever reason: sent, refused, or a doubt."""
    states = world.states()
    return not (states["PLANNED"] + states["QUEUED"] + states["SENDING"] or world.unsettled())


def test_a_provider_that_fails_in_every_way_gets_no_mail_twice(tmp_path: Path) -> None:
    with standing(tmp_path / "w", Setup(workers=2)) as world:
        with world.running() as roles:
            world.provider_fails(dict.fromkeys(MODES, SHARE))
            for _ in range(ROUNDS):
                world.enrol(PEOPLE)
                until(lambda: not world.waiting(), TIRED_S, lambda: f"{world.states()}")
            world.provider_fails({"accept": 1.0})
            until(lambda: _at_rest(world), TIRED_S, lambda: f"{world.states()}")
        outcomes = {str(name): int(number) for name, number in world.rows(_OUTCOMES)}
        figures = reckon(world, roles) | {
            "outcomes": outcomes,
            "circuits": {str(name): int(number) for name, number in world.rows(_CIRCUITS)},
        }
        require(figures)
        for topic in ("message_accepted", "message_unknown", "message_failed"):
            assert any(name.startswith(topic) for name in outcomes), topic
        assert figures["unknown that had left"] > 0
        assert figures["circuits"].get("circuit_opened", 0) > 0
