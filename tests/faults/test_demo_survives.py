"""Processes die in the middle of a demo; it still ends with every invariant holding."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.faults, pytest.mark.slow]

START_S = 60
END_S = 240


def _pids(home: Path, role: str) -> list[int]:
    """Processes of this demo that are of a role; Valkey shows its address and nothing else."""
    ports = home / "ports.json"
    port = json.loads(ports.read_text()).get("valkey") if ports.exists() else None
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = place.joinpath("cmdline").read_bytes().decode(errors="replace").split("\0")
            told = place.joinpath("environ").read_bytes().decode(errors="replace")
        except OSError:
            continue  # gone meanwhile
        ours = str(home) in told and command[3:4] == [role]
        broker = role == "valkey-server" and role in command[0] and f":{port}" in command[0]
        if ours or broker:
            found.append(int(place.name))
    return found


def _until(holds: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes in /proc")
def test_a_demo_whose_worker_web_and_broker_are_killed_ends_with_every_invariant(
    tmp_path: Path,
) -> None:
    home = tmp_path / "a demo"
    environment = {key: value for key, value in os.environ.items() if "ANTIPHON" not in key}
    asked = ["demo", "--contacts", "60", "--days", "12", "--json", "--home", str(home)]
    with subprocess.Popen(
        [sys.executable, "-m", "infra.cli", *asked],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    ) as running:
        kills = 0
        try:
            _until(lambda: _pids(home, "web"), START_S, "the web process starts")
            for role in ("worker", "valkey-server", "web") * 2:
                time.sleep(4)
                for pid in _pids(home, role):
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
            out, told = running.communicate(timeout=END_S)
        except BaseException:
            running.kill()
            raise
    assert kills >= 6, told
    figures = json.loads(out)
    assert figures["duplicates"] == 0, told
    assert {name: count for name, count in figures["invariants"].items() if count} == {}, told
    assert figures["enrolled"] == 60
    assert sum(figures["outcomes"].values()) > 0
    assert sum(figures["revisions"].values()) > 0, told  # the demo's own people came through
    assert running.returncode == 0, told
