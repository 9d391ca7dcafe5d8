"""The disk of PostgreSQL is full for a while: posts are refused clearly, nothing kept is lost."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from infra.embedded.home import Home
from infra.embedded.postgres import EmbeddedPostgres
from tests.faults.poster import AWAY
from tests.faults.processes import until
from tests.faults.reckoning import reckon, require
from tests.faults.world import Setup, standing

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.long,
]

DISK_MB = 400
FULL_S = 10
BLOCK = bytes(1024 * 1024)
UNAVAILABLE = 503
SETTLE_S = 150
UP_AGAIN_S = 90


@contextmanager
def _small_disk(home: Home) -> Iterator[Path]:
    """The data directory of PostgreSQL on a disk of its own; skips where none can be mounted."""
    with home.locked():
        EmbeddedPostgres(home).child()  # makes the cluster
    data, copy = home.postgres, home.root / "copy"
    _run("cp", "-a", str(data), str(copy))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(data)]
    refused = subprocess.run(mount, capture_output=True, text=True, check=False)
    if refused.returncode:
        pytest.skip(f"no small disk can be mounted here: {refused.stderr.strip()}")
    try:
        _run("cp", "-a", f"{copy}/.", str(data))
        shutil.rmtree(copy)
        yield data
    finally:
        _run("umount", str(data))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _fill(disk: Path) -> Path:
    """Take all room there is, and keep to it for a while as files come and go."""
    filler = disk / "filler"
    over = time.monotonic() + FULL_S
    with filler.open("wb", buffering=0) as file:
        while time.monotonic() < over:
            with suppress(OSError):
                while file.write(BLOCK):
                    pass
            with suppress(OSError):
                while file.write(BLOCK[:4096]):
                    pass
            time.sleep(0.05)
    return filler


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_refuses_clearly_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    with _small_disk(Home(folder)) as disk, standing(folder, Setup(workers=2)) as world:
        with world.running() as roles:
            world.enrol(50)
            with world.poster() as poster:
                until(lambda: len(poster.acknowledged) > 20, 30, lambda: f"{poster.answers}")
                filler = _fill(disk)
                refused = poster.answers[UNAVAILABLE]
                filler.unlink()
                kept = len(poster.acknowledged)
                recovered_s = until(
                    lambda: len(poster.acknowledged) > kept,
                    UP_AGAIN_S,
                    lambda: f"{poster.answers}",
                )
            world.settle(SETTLE_S)
        figures = reckon(world, roles, poster) | {
            "refused with 503": refused,
            "recovered after s": round(recovered_s, 1),
            "deaths of PostgreSQL": world.servers.deaths("postgres"),
        }
        require(figures)
        assert refused > 0
        assert poster.answers.keys() <= {204, UNAVAILABLE, AWAY}
        assert not poster.answers[AWAY]
