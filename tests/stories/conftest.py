"""A house for each story."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.servers import ServerUrls
from tests.stories.house import House, open_house


@pytest.fixture
def house(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(ServerUrls(database_url, redis_url), tmp_path) as opened:
        yield opened
