"""What every benchmark shares: rounds, medians with their spread, the machine, the printed row."""

import os
import platform
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

WARM_UP = 3


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
    middle = median(ours) * scale
    ratio = least / middle if least is not None else None
    return Row(measure, unit, middle, least, ratio, {}, min(ours) * scale, max(ours) * scale)


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
    return Row(measure, unit, middle, limit, ratio, dict(peers or {}), min(ours), max(ours))


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
