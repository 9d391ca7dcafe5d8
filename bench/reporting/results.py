"""The results that are kept: a document for each benchmark, as it prints it with --json."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec


class BadResult(Exception):
    """A file among the results is not the document of the benchmark that it is named after."""


class Figure(msgspec.Struct, frozen=True):
    """One measure: the median of its rounds, and the limit measured in the same run."""

    measure: str
    unit: str
    ours: float
    floor: float | None
    ratio: float | None
    peers: dict[str, float]
    lowest: float
    highest: float
    by_round: tuple[float, ...] = ()

    @property
    def rises(self) -> bool:
        """Whether more is better: so it is with rates, and with nothing else."""
        return self.unit.endswith("/s")


class Machine(msgspec.Struct, frozen=True):
    """What a run was made on."""

    cpu: str
    cores: int
    memory_gb: float | None
    python: str
    system: str


class Run(msgspec.Struct, frozen=True):
    """One benchmark, run once."""

    bench: str
    machine: Machine
    rounds: int
    rows: tuple[Figure, ...]
    on: str | None = None
    commit: str | None = None
    versions: dict[str, str] = {}
    load_before: float | None = None
    size: int | None = None
    cut_short: bool = False
    """Smaller than the benchmark is of itself."""

    def figure(self, measure: str) -> Figure | None:
        """The row of this name, if it was measured."""
        return next((row for row in self.rows if row.measure == measure), None)


Runs = Mapping[str, Run]
"""By the name of the benchmark; one that is missing was not kept."""


def read_runs(folder: Path, benchmarks: Sequence[str]) -> Runs:
    """All results of a folder; a file that is no result is an error, for nothing is left out."""
    paths = sorted(folder.glob("*.json"))
    return {path.stem: _read(path, benchmarks) for path in paths}


def _read(path: Path, benchmarks: Sequence[str]) -> Run:
    try:
        run = msgspec.json.decode(path.read_bytes(), type=Run)
    except msgspec.DecodeError as error:
        raise BadResult(f"{path} is no result of a benchmark: {error}") from error
    if path.stem != run.bench or run.bench not in benchmarks:
        raise BadResult(f"{path} holds the result of {run.bench!r}")
    return run
