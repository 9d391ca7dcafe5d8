"""The tutorial is run as it stands, but for its ports."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ROOT = Path(__file__).resolve().parent.parent
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORTS = ("8000", "8025")
PATIENCE_S = 300


def test_the_tutorial_leads_to_a_reply(tmp_path: Path) -> None:
    (tmp_path / "antiphon").symlink_to(ROOT / "antiphon")
    script = "\n".join(SHELL.findall((ROOT / "docs" / "tutorial.md").read_text("utf-8")))
    for port in PORTS:
        script = script.replace(port, str(_free_port()))
    told = _run(tmp_path, script + "\nkill %1 %2\nwait\n")
    timeline, invariants = told.split("completed at answered: replied")
    assert "replied at hello: transition 1 leads to answered" in timeline
    assert "invariants checked: all hold" in invariants


def _run(place: Path, script: str) -> str:
    """What a shell printed that ends at the first line that fails."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ANTIPHON_")}
    with subprocess.Popen(
        ["bash", "-e", "-c", script],  # noqa: S607  # the shell of whoever reads it
        cwd=place,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            told, _ = shell.communicate(timeout=PATIENCE_S)
        finally:
            if shell.returncode != 0:
                os.killpg(shell.pid, signal.SIGTERM)
    assert shell.returncode == 0, told
    return told


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port
