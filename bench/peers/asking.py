"""Asks the peers: each a program of its own, run by the interpreter of its own environment.

A peer is installed in a virtual environment of its name below the directory that
BENCH_PEERS names; the first lines of its file say what it needs. Each gets a fresh
PostgreSQL as ours does, does the first half of the journey, and prints one JSON object of measures.
A peer that is missing is named and left out. There is none for absurd: its schema comes from its
repository alone, and from no package.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bench.measuring import tell
from bench.running.servers import fresh_servers

PLACE = "BENCH_PEERS"
FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
OURS = "eventsourcing_library"
"""Runs in our own environment, which has the library."""
PEERS = (OURS, "procrastinate", "dbos", "restate")
TIMEOUT_S = 1_800

Answers = Mapping[str, Mapping[str, float]]
"""For each measure the values of the peers by name."""


def ask_peers(contacts: int, names: tuple[str, ...] = PEERS) -> Answers:
    """What each peer that is there can do."""
    found: dict[str, dict[str, float]] = {}
    for name in names:
        interpreter = _interpreter(name)
        if interpreter is None:
            tell(f"peer {name} is missing: bench/peers/{name}.py says how it is installed")
            continue
        tell(f"peer {name}: {contacts} contacts")
        for measure, values in _asked(name, interpreter, contacts).items():
            found.setdefault(measure, {}).update(values)
    return found


def _interpreter(name: str) -> str | None:
    if name == OURS:
        return sys.executable
    place = os.environ.get(PLACE)
    path = Path(place or os.devnull) / name / "bin" / "python"
    return str(path) if path.exists() else None


def _asked(name: str, interpreter: str, contacts: int) -> dict[str, dict[str, float]]:
    """Measures of one peer, by the names of its ways to be used."""
    with fresh_servers() as bed:
        kept = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run(  # noqa: S603  # a program of ours
            [interpreter, "-P", str(FOLDER / f"{name}.py"), bed.urls.database_url, str(contacts)],
            env=kept,
            cwd=bed.home,
            stdout=subprocess.PIPE,
            check=False,
            timeout=TIMEOUT_S,
        )
    if done.returncode:
        tell(f"peer {name} failed and is left out")
        return {}
    answer = done.stdout.splitlines()[-1]
    return msgspec.json.decode(answer, type=dict[str, dict[str, float]])
