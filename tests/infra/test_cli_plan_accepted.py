"""`antiphon plan accepted`: the report of each plan a contact took, as the vault has it."""

from uuid import UUID

import pytest

from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.revisions import RevisionOrder, revise
from tests.infra.cli_running import Cli
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

FIRST = plan(send("intro", way("no_reply", "end", after="P3D")), stop())
SECOND = plan(
    send("intro", way("no_reply", "more", after="P5D")),
    send("more", way("no_open", "end", after="P2D"), way("timeout", "end", after="P4D")),
    stop(),
)


def test_each_plan_of_a_contact_is_told_with_the_report_that_the_log_means(
    house: House, cli: Cli
) -> None:
    stream = house.started(FIRST)
    order = RevisionOrder(plan=SECOND, if_hash=house.state(stream).plan_hash, author="key-1")
    cause = Cause(CauseKind.OPERATOR, "story")
    done = revise(house.ports, stream, order, cause=cause, correlation=UUID(int=8))
    assert done.status == "revised"
    told = cli.json("plan", "accepted", house.tenant, str(stream))
    first, second = told["plans"]
    assert (first["kind"], second["kind"]) == ("plan_accepted", "plan_revised")
    assert (first["intact"], second["intact"]) == (True, True)
    assert [each["report"]["facts"]["maxSends"] for each in told["plans"]] == [1, 2]
    assert second["plan_hash"] == house.state(stream).plan_hash == second["report"]["planHash"]
    assert [node["id"] for node in second["plan"]["nodes"]] == ["intro", "more", "end"]
    shown = cli("plan", "accepted", house.tenant, str(stream)).stdout
    assert shown.count("intact") == 2
    assert "revised by operator:story" in shown
    assert "W_OPEN_UNRELIABLE" in shown


def test_a_report_that_was_exchanged_is_told(house: House, cli: Cli) -> None:
    stream = house.started(FIRST)
    house.rows("UPDATE {s}.plan_reports SET report = convert_to('{{}}', 'UTF8') RETURNING 1")
    (one,) = cli.json("plan", "accepted", house.tenant, str(stream))["plans"]
    assert one["intact"] is False
    assert "NOT the one accepted" in cli("plan", "accepted", house.tenant, str(stream)).stdout


def test_an_unknown_contact_campaign_has_no_plans(house: House, cli: Cli) -> None:
    result = cli("plan", "accepted", house.tenant, str(UUID(int=1)))
    assert (result.exit_code, result.stdout) == (2, "")
