"""Commands that run until they are stopped, and servers that commands bring themselves."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.embedded.home import Home, is_free
from infra.probes import answers

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90
pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]


@contextmanager
def running(folder: Path, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A command as a process of its own, with these settings and no others."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANTIPHON_")}
    env = kept | {"PYTHONPATH": str(ROOT), "ANTIPHON_HOME": str(folder / "home"), **settings}
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.cli", *arguments],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def first_document(process: subprocess.Popen[str]) -> Mapping[str, Any]:
    """What a command prints before it goes on."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.rstrip() == "}":
            break
    told: Mapping[str, Any] = json.loads("".join(lines))
    return told


def test_up_runs_everything_and_shares_its_servers_until_ctrl_c(tmp_path: Path) -> None:
    with running(tmp_path, "up", "--json", ANTIPHON_SENDGRID_API_KEY="SG.none") as up:
        place = first_document(up)
        assert place["processes"] == ["projector", "worker-1", "ticker", "web"]
        assert answers(f"{place['web']}/healthz")
        with running(tmp_path, "tenant", "add", "acme", "--json") as command:
            told, _ = command.communicate(timeout=PATIENCE_S)
            assert json.loads(told)["created"] is True
        up.send_signal(signal.SIGINT)
        _, said = up.communicate(timeout=PATIENCE_S)
    assert up.returncode == 0
    assert "died" not in said
    assert "Traceback" not in said
    with Home(tmp_path / "home").locked():  # everything is gone that held it
        assert not answers(f"{place['web']}/healthz")


def test_a_command_brings_servers_and_schemas_where_no_setting_names_any(tmp_path: Path) -> None:
    with running(tmp_path, "tenant", "add", "acme") as command:
        told, said = command.communicate(timeout=PATIENCE_S)
    assert (command.returncode, said) == (0, "")
    assert told.startswith("added acme")
    with running(tmp_path, "check", "acme", "--json") as command:
        told, _ = command.communicate(timeout=PATIENCE_S)
    assert json.loads(told)["holds"] is True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_well_when_it_is_told_to(tmp_path: Path, number: signal.Signals) -> None:
    port = next(port for port in range(18_025, 19_000) if is_free(port))
    with running(tmp_path, "sandbox", "--api-key", "k", "--port", str(port)) as sandbox:
        while not answers(f"http://127.0.0.1:{port}/healthz"):
            assert sandbox.poll() is None
        sandbox.send_signal(number)
        _, said = sandbox.communicate(timeout=PATIENCE_S)
    assert sandbox.returncode == 0
    assert "Traceback" not in said
