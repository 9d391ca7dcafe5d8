"""Options and servers for all tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.servers import ServerUrls, running_servers
from tests.stories.house import House, open_house


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="long: runs only with --long"))


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUrls]:
    home: Path = tmp_path_factory.mktemp("servers")
    with running_servers(home) as urls:
        yield urls
    shutil.rmtree(home)  # a cluster has 60 MB, and pytest keeps the directories of three runs


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest) -> str:
    given = os.environ.get("ANTIPHON_DATABASE_URL")
    return given or str(request.getfixturevalue("servers").database_url)


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    given = os.environ.get("ANTIPHON_REDIS_URL")
    return given or str(request.getfixturevalue("servers").redis_url)


@pytest.fixture
def house(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[House]:
    """One tenant on real stores with a clock that is moved and a provider that is played."""
    with open_house(ServerUrls(database_url, redis_url), tmp_path) as opened:
        yield opened
