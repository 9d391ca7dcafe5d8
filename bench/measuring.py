"""What every benchmark shares: rounds, medians with their spread, the machine, the printed row."""

import os
import platform
from collections.abc import Callable
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
