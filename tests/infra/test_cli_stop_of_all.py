"""The stop of all tenants from the command line."""

from collections.abc import Iterator

import pytest

from infra.limits.stop_of_all import let_all_go, stopped
from infra.readiness import stop_probe
from tests.infra.cli_running import Cli
from tests.stories.house import House

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

WHY = ("--reason", "wrong prices")


@pytest.fixture(autouse=True)
def _let_go(house: House) -> Iterator[None]:
    """The stop is of the whole server that tests share."""
    yield
    let_all_go(house.system.database, house.clock.now())


def test_all_tenants_stop_at_once_and_go_on(house: House, cli: Cli) -> None:
    assert stop_probe(house.system.database)() == "runs"
    paused = cli("sending", "pause", "--all", *WHY)
    assert paused.stdout.startswith("nothing is sent for any tenant since ")
    assert paused.stdout.endswith("(wrong prices)\n")
    assert house.ports.global_share.is_paused()
    assert stop_probe(house.system.database)() == "stopped for all tenants: wrong prices"
    assert cli("sending", "show", house.tenant).stdout == paused.stdout
    assert cli("sending", "resume", "--all", *WHY).stdout == "all tenants may send\n"
    assert not house.ports.global_share.is_paused()
    assert cli("sending", "show", house.tenant).stdout == f"{house.tenant} sends\n"


def test_a_second_stop_leaves_the_first_one_as_it_is(house: House, cli: Cli) -> None:
    first = cli.json("sending", "pause", "--all", *WHY)
    assert (first["paused"], first["reason"]) == (True, "wrong prices")
    assert cli.json("sending", "pause", "--all", "--reason", "another") == first
    assert cli.json("sending", "show", "--all") == first
    assert cli.json("sending", "resume", "--all", *WHY) == {"paused": False}
    assert stopped(house.system.database) is None


@pytest.mark.parametrize("order", ["pause", "resume"])
def test_an_order_is_about_a_tenant_or_about_all(house: House, cli: Cli, order: str) -> None:
    for given in ((), (house.tenant, "--all")):
        result = cli("sending", order, *given, *WHY)
        assert result.exit_code == 2
        assert "--all" in result.stderr
    assert not house.ports.global_share.is_paused()
