"""The rig can fail: each fault that is put into the code makes the test fail that must find it."""

from pathlib import Path

import pytest

from tests.faults.mutants import MUTANTS, Mutant, copied, run, seeded

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.faults, pytest.mark.slow]

FAILED = 1
"""What pytest ends with when tests ran and some failed; all else is no finding."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: str(one.number))
def test_every_fault_still_has_its_place(mutant: Mutant, tmp_path: Path) -> None:
    place = tmp_path / mutant.file
    place.parent.mkdir(parents=True)
    place.write_bytes((Path(__file__).parents[2] / mutant.file).read_bytes())
    seeded(mutant, tmp_path)
    compile(place.read_text(encoding="utf-8"), str(place), "exec")


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: str(one.number))
def test_a_seeded_fault_is_found(mutant: Mutant, tmp_path: Path) -> None:
    folder = copied(tmp_path / "copy")
    seeded(mutant, folder)
    done = run(mutant.test, folder)
    report = done.stdout + done.stderr
    assert done.returncode == FAILED, f"not found: {mutant.name}\n{report[-4000:]}"
    assert any(word in report for word in mutant.says), report[-4000:]
    print(f"mutant {mutant.number}, {mutant.name}: found by {mutant.test}")  # noqa: T201  # the table
