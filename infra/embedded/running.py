"""A running program: one we started, or one that a dead supervisor left behind."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from infra.embedded.child import Child

PR_SET_PDEATHSIG = 1
LOOK_AGAIN_S = 0.1


class Running(Protocol):
    """A program that can be waited for and signalled."""

    pid: int

    async def wait(self) -> int | None:
        """Return when it has ended, with its status if that is known."""

    def send(self, number: signal.Signals) -> None:
        """Signal it; one that has ended is left alone."""


class Spawned:
    """A program we started, leader of a process group of its own."""

    def __init__(self, program: asyncio.subprocess.Process) -> None:
        self.pid = program.pid
        self._program = program

    async def wait(self) -> int | None:
        status = await self._program.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # what a killed leader left of its group
        return status

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._program.send_signal(number)


class Adopted:
    """A program that is not our child, known by its pid as long as it is recognised."""

    def __init__(self, pid: int, find_running: Callable[[], int | None]) -> None:
        self.pid = pid
        self._find_running = find_running

    async def wait(self) -> int | None:
        while await self._is_there():  # noqa: ASYNC110 - nobody tells the end of a non-child
            await asyncio.sleep(LOOK_AGAIN_S)
        return None

    def send(self, number: signal.Signals) -> None:
        if self._find_running() == self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def _is_there(self) -> bool:
        return await asyncio.to_thread(self._find_running) == self.pid


async def spawn(child: Child, log: BinaryIO) -> Spawned:
    """Start a child that writes to its log and does not outlive us (Linux)."""
    program = await asyncio.create_subprocess_exec(
        *child.command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=child.env,
        cwd=child.cwd,
        user=child.user.uid if child.user else None,
        group=child.user.gid if child.user else None,
        extra_groups=[] if child.user else None,
        start_new_session=True,  # Ctrl-C reaches the supervisor only, so the order of stop holds
        preexec_fn=_die_with_parent(child.stop_signal),
    )
    return Spawned(program)


def command_of(pid: int) -> str | None:
    """The command line of a living process, or None."""
    if sys.platform == "linux":
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return None
        return os.fsdecode(line).replace("\0", " ").strip() or None
    shown = subprocess.run(  # noqa: S603 - the only argument from outside is a number
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return shown.stdout.strip() or None


def _die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # found before the fork: after it only the bare call is safe
    parent = os.getpid()

    def pact() -> None:
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died before the pact
            os._exit(1)

    return pact
