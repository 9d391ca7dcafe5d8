"""`antiphon what-if`: two columns, the parting marked and explained, caveats below."""

import json
from datetime import timedelta
from uuid import UUID

import pytest

from domain.ids import StreamId
from tests.infra.cli_running import Cli
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

OWN = plan(send("intro", way("clicked", "end"), way("timeout", "end", after="P9D")), stop())
OTHER = plan(
    send("intro", way("opened", "nudge"), way("timeout", "end", after="P3D")),
    send("nudge", way("timeout", "end", after="P2D"), schedule={"delay": "P1D"}),
    stop(),
)
REFUSED = plan(send("intro", way("opened", "nowhere")), stop())


@pytest.fixture
def stream(house: House) -> StreamId:
    """Opened after an hour, clicked after two, and over."""
    started = house.started(OWN)
    house.after(minutes=1)
    for kind in ("open", "click"):
        house.clock.advance(timedelta(hours=1))
        house.hear(house.event(started, kind, url="https://site.example/a", ip="192.0.2.1"))
        house.work()
    assert house.state(started).ended
    return started


def test_both_courses_stand_side_by_side_and_the_parting_is_marked(
    house: House, stream: StreamId, cli: Cli
) -> None:
    file = cli.file("other.json", OTHER)
    result = cli("what-if", house.tenant, str(stream), "--plan", file)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    (first,) = [line for line in lines if line.startswith(">> ") and "They part" not in line]
    assert first.count("intro, 2026-09-07 09:00:00") == 2
    (way_out,) = [line for line in lines if "clicked -> end, 2026-09-07 11:01:00" in line]
    assert "opened -> nudge, 2026-09-07 10:01:00" in way_out
    told = " ".join(result.stdout.split())
    assert ">> They part: at intro what happened: `clicked`" in told
    assert "`opened` (Mon 2026-09-07 10:01) takes transition 1 to nudge" in told
    assert "Assumed - nothing was heard after" in told
    assert "- nudge (email) was never sent then" in told
    assert "completed, 2026-09-07 11:01:00, 1 sent" in told


def test_its_own_plan_parts_nowhere(house: House, stream: StreamId, cli: Cli) -> None:
    result = cli("what-if", house.tenant, str(stream), "--plan", cli.file("own.json", OWN))
    assert result.exit_code == 0, result.output
    assert "They part nowhere." in result.stdout
    assert "Assumed" not in result.stdout


def test_programs_get_one_document(house: House, stream: StreamId, cli: Cli) -> None:
    file = cli.file("other.json", OTHER)
    told = cli.json("what-if", house.tenant, str(stream), "--plan", file)
    assert told["status"] == "compared"
    parted = told["what_if"]["parted"]
    assert (parted["step"], parted["kind"]) == (0, "way")
    assert told["what_if"]["happened"]["outcome"] == "completed"


def test_a_refused_plan_is_reported_and_the_answer_is_no(
    house: House, stream: StreamId, cli: Cli
) -> None:
    file = cli.file("refused.json", REFUSED)
    result = cli("what-if", house.tenant, str(stream), "--plan", file)
    assert result.exit_code == 1
    assert "E_TARGET_UNKNOWN at /nodes/0/transitions/0/to" in result.stdout
    told = cli.json("what-if", house.tenant, str(stream), "--plan", file, code=1)
    assert (told["status"], told["report"]["ok"]) == ("refused", False)
    broken = cli("what-if", house.tenant, str(stream), "--plan", cli.file("broken.json", "{"))
    assert broken.exit_code == 1
    assert "refused" in broken.stdout


def test_an_unknown_contact_campaign_is_wrong_use_and_help_has_an_example(
    house: House, cli: Cli
) -> None:
    file = cli.file("other.json", json.dumps(OTHER))
    result = cli("what-if", house.tenant, str(UUID(int=1)), "--plan", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no contact-campaign" in result.stderr
    assert "Example: antiphon what-if" in cli("what-if", "--help").stdout
