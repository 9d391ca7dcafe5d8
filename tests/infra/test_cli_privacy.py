"""A contact is erased and exported from the command line."""

from uuid import UUID

import pytest

from tests.infra.cli_running import Cli
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PLAN = plan(send("intro", way("no_reply", "end", after="P5D")), stop())
ADA = {"external_id": "crm-7", "email": "ada@home.example", "first_name": "Ada"}


def test_an_export_has_everything_and_an_erasure_leaves_nothing_to_export(
    house: House, cli: Cli
) -> None:
    stream = house.started(PLAN, **ADA)
    house.work()
    whole = cli.json("export-contact", house.tenant, "crm-7")
    assert whole["contact"]["email"] == "ada@home.example"
    assert [one["contact_campaign_id"] for one in whole["contact_campaigns"]] == [str(stream)]
    assert whole["vault"]["mails"][0]["to_email"] == "ada@home.example"
    assert "mails" in cli("export-contact", house.tenant, "crm-7").stdout
    words = ("erase", house.tenant, "crm-7", "--ground", "requested")
    assert cli(*words).exit_code == 2, "it is not confirmed"
    erased = cli.json(*words, "--confirm")
    assert (erased["contact_campaigns"], erased["ground"]) == (1, "requested")
    assert cli("export-contact", house.tenant, "crm-7", "--json").exit_code == 2
    by_id = ("erase", house.tenant, erased["contact_id"], *words[3:], "--confirm")
    assert "which have ended" in cli(*by_id).stdout, "it may be repeated by its id"
    unknown = ("erase", house.tenant, str(UUID(int=5)), *words[3:], "--confirm")
    assert cli(*unknown).exit_code == 2
