"""Faults that are put into a copy of the code, each by one replacement, to prove a rig can fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("domain", "plans", "projections", "handlers", "infra", "tests", "pyproject.toml")
LIMIT_S = 900


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of trust.md 4: where it is put, which test must find it, and what that test says."""

    number: int
    name: str
    file: str
    old: str
    new: str
    test: str
    says: tuple[str, ...]
    """At least one of these is in the report of the failure."""


MUTANTS = (
    Mutant(
        number=1,
        name="an ambiguous answer is tried again",
        file="handlers/dispatch/recording.py",
        old="            case AnswerClass.NOT_SENT:\n",
        new="            case AnswerClass.NOT_SENT | AnswerClass.AMBIGUOUS:\n",
        test="tests/faults/test_provider_fails.py",
        says=("'duplicates': ", "I9"),
    ),
    Mutant(
        number=4,
        name="facts are inserted without the lock of the log",
        file="infra/recorder.py",
        old='_HELD = "pg_advisory_xact_lock(hashtextextended({log}, 0)), pg_notify',
        new='_HELD = "hashtextextended({log}, 0), pg_notify',
        test="tests/faults/test_frozen.py::test_two_fleets_do_the_work_once",
        says=("I21", "I22", "I23"),
    ),
    Mutant(
        number=6,
        name="reports are the same when the provider's event id is",
        file="infra/providers/sendgrid/webhook.py",
        old="            key=self._key(tenant, item, kind, at_ms),\n",
        new="            key=sha256(raw).digest(),  # as good as its sg_event_id: that is in it\n",
        test="tests/faults/test_frozen.py::test_two_fleets_do_the_work_once",
        says=("reports kept twice",),
    ),
    Mutant(
        number=7,
        name="a position is written outside of its page's transaction",
        file="infra/projector.py",
        old=("        self._write(curs, page.facts)\n        self._track(curs, page.reached)\n"),
        new=(
            "        self._track(curs, page.reached)\n"
            "        with self._database.tenant_tx(self._tenant) as apart:\n"
            "            self._write(apart, page.facts)\n"
        ),
        test="tests/faults/test_kills.py::test_a_few_kills_in_the_middle_of_sending_cost_nothing",
        says=("I22", "I23", "I3"),
    ),
    Mutant(
        number=9,
        name="only Redis counts what is sent",
        file="infra/limits/counters.py",
        old="        return [Used(*row) for row in self._sql.rows(tx, _USED, params)]\n",
        new="        return [Used() for _ in counters]\n",
        test="tests/faults/test_limits_hold.py",
        says=("assert used == LIMIT", "I15"),
    ),
    Mutant(
        number=10,
        name="a lost answer to COMMIT is taken for a conflict",
        file="infra/campaigns.py",
        old="        if not stored:\n",
        new="        if draft:\n",
        test="tests/infra/test_commit_unknown.py",
        says=("len(each.facts)", "SignalRecorded"),
    ),
)
"""Those that real processes can find; the others are for the simulation (trust.md 4)."""


def copied(folder: Path) -> Path:
    """The code and its tests once more."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            left_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=left_out)
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


def seeded(mutant: Mutant, folder: Path) -> None:
    """Put the fault in; where its place is not just there once, the table is out of date."""
    place = folder / mutant.file
    text = place.read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1, f"{mutant.file} has changed: {mutant.name}"
    place.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def run(test: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one test of the copy, with nothing of ours but the copy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--long", "-p", "no:cacheprovider", test],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
