"""An export convinces who has Python, `cryptography` and one script; a forged one does not."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from random import Random  # noqa: TID251  # seeded: a log is the same for the same seed
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.ids import StreamId, TenantId
from infra.audit import notes
from infra.audit.export import LogChanged, NoCheckpoint, consistency, export
from infra.tenancy import Database
from tests.infra.audited import Audited

pytestmark = pytest.mark.postgres

SCRIPT = Path(__file__).parents[2] / "docs" / "how-to" / "verify_export.py"
STREAM = StreamId(UUID(int=3))
Forge = Callable[[dict[str, Any]], object]


@pytest.fixture
def audited(database: Database, tenant: TenantId, tmp_path: Path) -> Iterator[Audited]:
    with Audited(database, tenant, tmp_path) as audited:
        chance = Random(11)  # noqa: S311  # repeatable on purpose
        for facts in (23, 40, 10):
            audited.fill(chance, 9, facts)
            audited.checkpoints.take()
        audited.fill(chance, 9, 40)  # behind the newest checkpoint
        yield audited


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory with the script and with what it needs; nothing of antiphon is on its path."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    shutil.copy(SCRIPT, place)
    for name in ("cryptography", "cffi", "_cffi_backend"):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            origin = origin.parent if origin.name == "__init__.py" else origin
            (place / origin.name).symlink_to(origin)
    return place


def _notes(audited: Audited) -> list[str]:
    path = audited.files.files(audited.tenant)[0]
    found = notes.split(path.read_text("utf-8"))[0]
    return [note for note in found if notes.read(note).origin.endswith("/events")]


def _export(audited: Audited) -> dict[str, Any]:
    signed = (_notes(audited)[-1], audited.files.public_keys())
    made = export(audited.database, audited.tenant, STREAM, signed, lambda *_: None)
    found: dict[str, Any] = msgspec.to_builtins(made)
    return found


def _consistency(audited: Audited, older: int, newer: int) -> dict[str, Any]:
    known = _notes(audited)
    both, keys = (known[older], known[newer]), audited.files.public_keys()
    made = consistency(audited.database, audited.tenant, both, keys, lambda *_: None)
    found: dict[str, Any] = msgspec.to_builtins(made)
    return found


def _run(place: Path, given: dict[str, Any], *keys: str) -> subprocess.CompletedProcess[str]:
    (place / "given.json").write_bytes(msgspec.json.encode(given))
    start = (
        "import runpy, sys; place = sys.argv.pop(1); sys.path.insert(0, place); "
        "sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    script = str(place / SCRIPT.name)
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", start, str(place), script, "given.json", *keys],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )


def _proven(place: Path, given: dict[str, Any], *keys: str) -> bool:
    done = _run(place, given, *keys)
    assert (done.returncode == 0) == ("NOT PROVEN" not in done.stderr), done.stderr
    return done.returncode == 0


def test_the_script_is_short_and_knows_nothing_of_antiphon(elsewhere: Path) -> None:
    assert len(SCRIPT.read_text("utf-8").splitlines()) < 100
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import infra"],
        cwd=elsewhere,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0


def test_an_export_is_proven_by_the_script_alone(audited: Audited, elsewhere: Path) -> None:
    given = _export(audited)
    (key,) = audited.files.public_keys().values()
    done = _run(elsewhere, given, key.hex())
    assert done.returncode == 0, done.stderr
    facts = given["events"]
    covered = [fact for fact in facts if "index" in fact]
    assert 0 < len(covered) < len(facts)
    assert f"{len(facts)} facts in one chain, {len(covered)} of them" in done.stdout
    assert done.stdout.endswith("proven\n")


def test_without_a_key_it_says_that_the_file_only_agrees_with_itself(
    audited: Audited, elsewhere: Path
) -> None:
    assert "compare it with your own" in _run(elsewhere, _export(audited)).stdout


def test_a_key_that_did_not_sign_proves_nothing(audited: Audited, elsewhere: Path) -> None:
    assert not _proven(elsewhere, _export(audited), "ab" * 32)


FORGERIES: tuple[Forge, ...] = (
    lambda given: given["events"][2].update(body='{"f":{"n":1}}'),
    lambda given: given["events"][1].update(topic="other"),
    lambda given: given["events"].pop(1),
    lambda given: given["events"].pop(0),
    lambda given: given["events"][0].update(hash="00" * 32),
    lambda given: given["events"][1].update(index=given["events"][0]["index"]),
    lambda given: given["events"][1].update(index=10**6),
    lambda given: given["events"][1]["proof"].reverse(),
    lambda given: given["events"][1]["proof"].append("00" * 32),
    lambda given: given["events"][1]["proof"].pop(),
    lambda given: given.update(stream=str(UUID(int=4))),
    lambda given: given.update(tenant="other"),
    lambda given: given.update(checkpoint=given["checkpoint"].replace("\n73\n", "\n74\n")),
)


@pytest.mark.parametrize("forge", range(len(FORGERIES)))
def test_a_forged_export_is_refused(audited: Audited, elsewhere: Path, forge: int) -> None:
    given = _export(audited)
    FORGERIES[forge](given)
    assert not _proven(elsewhere, given)


@pytest.mark.parametrize(("older", "newer"), [(0, 1), (0, 2), (1, 2), (2, 2), (0, 0)])
def test_a_log_that_only_grew_is_proven_to_have(
    audited: Audited, elsewhere: Path, older: int, newer: int
) -> None:
    given = _consistency(audited, older, newer)
    assert _proven(elsewhere, given)
    if given["proof"]:
        given["proof"][0] = "00" * 32
        assert not _proven(elsewhere, given)


def test_a_proof_of_other_sizes_is_refused(audited: Audited, elsewhere: Path) -> None:
    given = _consistency(audited, 0, 2) | {"older": _notes(audited)[1]}
    assert not _proven(elsewhere, given)
    swapped = _consistency(audited, 0, 2)
    swapped["older"], swapped["newer"] = swapped["newer"], swapped["older"]
    assert not _proven(elsewhere, swapped)


def test_nothing_is_exported_of_a_log_that_was_changed(audited: Audited) -> None:
    audited.sql("DELETE FROM {s}.events WHERE notification_id = 5")
    with pytest.raises(LogChanged, match="audit verify"):
        _export(audited)
    with pytest.raises(LogChanged):
        _consistency(audited, 0, 2)


def test_the_newer_checkpoint_cannot_be_the_first(audited: Audited) -> None:
    with pytest.raises(NoCheckpoint, match="in their order"):
        _consistency(audited, 2, 0)


def test_facts_of_an_older_release_are_proven_as_well(audited: Audited, elsewhere: Path) -> None:
    audited.sql("UPDATE {s}.events SET chain = NULL WHERE originator_version < 4")
    assert _proven(elsewhere, _export(audited))
