"""What a supervised program is, what is told about it and how its failures are named."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.embedded.rootless import User

LAST_LINES = 20
LAST_BYTES = 64 * 1024

Happening = Literal["started", "adopted", "ready", "died", "stopped"]


@dataclass(frozen=True, kw_only=True)
class Child:
    """One program under supervision: how to start it, know it is ready and stop it."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool | Awaitable[bool]]
    env: Mapping[str, str] | None = None
    cwd: str | None = None
    user: User | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    hard_signal: signal.Signals = signal.SIGKILL
    stop_timeout_s: float = 20.0
    ready_timeout_s: float = 60.0
    restart: bool = True
    before: Callable[[], None] = lambda: None  # runs before each start
    find_running: Callable[[], int | None] = lambda: None  # the pid of one left by a dead owner


@dataclass(frozen=True)
class ChildEvent:
    """One thing that happened to a child."""

    name: str
    what: Happening
    pid: int
    status: int | None = None


@dataclass(frozen=True)
class Patience:
    """How soon a dead child is started again, and when to give up."""

    backoff_s: float = 0.2
    backoff_s_max: float = 10.0
    deaths_max: int = 5
    within_s: float = 60.0

    def delay_s(self, deaths: int) -> float:
        """The pause after the given number of deaths: it doubles up to its limit."""
        return min(self.backoff_s * 2.0 ** (deaths - 1), self.backoff_s_max)


class ChildFailed(Exception):
    """A child cannot do its work; the message ends with its last log lines."""

    def __init__(self, name: str, why: str, log: Path) -> None:
        lines = last_lines(log)
        super().__init__(f"{name} {why}; the end of {log}:\n" + "\n".join(lines))
        self.name = name
        self.lines = lines


class ChildNotReady(ChildFailed):
    """A child did not become ready in its time."""


class ChildKeepsDying(ChildFailed):
    """A child died too often in a short time."""


class StopRequested(Exception):
    """The start was ended by a request to stop."""


def last_lines(log: Path) -> list[str]:
    """The last 20 lines of a log, fewer when it is short or absent."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LAST_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-LAST_LINES:]
