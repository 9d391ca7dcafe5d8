"""Checkpoints: taken when they are due, written outside, and believed by their signature."""

from collections.abc import Iterator
from pathlib import Path
from random import Random  # noqa: TID251  # seeded: a log is the same for the same seed

import pytest

from domain.ids import TenantId
from infra.acts import SqlActLog
from infra.audit import notes
from infra.audit.checkpoints import Checkpoints
from infra.audit.files import AuditFiles, KeyUnusable
from infra.audit.notes import NoteForged, NoteUnreadable
from infra.audit.rows import LOGS
from infra.tenancy import Database
from tests.infra.audited import Audited

pytestmark = pytest.mark.postgres


@pytest.fixture
def audited(database: Database, tenant: TenantId, tmp_path: Path) -> Iterator[Audited]:
    with Audited(database, tenant, tmp_path) as audited:
        yield audited


def _fill(audited: Audited, facts: int = 20, log: str = "events") -> None:
    audited.fill(Random(facts), 5, facts, log)  # noqa: S311  # repeatable on purpose


def _notes(audited: Audited, place: int = 0) -> list[str]:
    """Of the log of facts; that of administrators, in which keys are listed, has its own."""
    return [
        note
        for note in _all_notes(audited.files.files(audited.tenant)[place])
        if notes.read(note).origin.endswith("/events")
    ]


def _all_notes(path: Path) -> list[str]:
    return notes.split(path.read_text("utf-8"))[0] if path.exists() else []


def test_the_first_one_is_taken_at_once_and_the_next_one_a_minute_later(audited: Audited) -> None:
    assert audited.checkpoints.sweep() == 0
    _fill(audited)
    assert audited.checkpoints.sweep() == 20 + 1  # and the key that it is signed with
    _fill(audited)
    assert audited.checkpoints.sweep() == 0
    audited.sql("UPDATE {s}.audit_checkpoints SET taken_at = now() - interval '61 seconds'")
    assert audited.checkpoints.sweep() == 20
    assert [notes.read(note).size for note in _notes(audited)] == [20, 40]


def test_ten_thousand_facts_do_not_wait_for_the_minute(audited: Audited) -> None:
    _fill(audited)
    audited.checkpoints.sweep()
    audited.sql(
        "INSERT INTO {s}.events (originator_id, originator_version, topic, state) "
        "SELECT gen_random_uuid(), 1, 'topic_1', '{{}}' FROM generate_series(1, 10000)"
    )
    assert audited.checkpoints.sweep() == 10_000
    assert audited.verify().covered == 10_020


def test_every_log_of_a_tenant_has_a_tree_of_its_own(audited: Audited) -> None:
    for facts, log in enumerate(LOGS, 5):
        _fill(audited, facts, log)
    audited.checkpoints.take()
    path = audited.files.files(audited.tenant)[0]
    read = {one.origin: one.size for one in map(notes.read, _all_notes(path))}
    sizes = {notes.origin_of(audited.tenant, log): n for n, log in enumerate(LOGS, 5)}
    assert read == sizes | {notes.origin_of(audited.tenant, "admin_events"): 7 + 1}
    assert audited.broken() == 0


def test_facts_of_an_older_release_are_in_the_tree_as_well(audited: Audited) -> None:
    _fill(audited, 30)
    audited.sql("UPDATE {s}.events SET chain = NULL WHERE originator_version % 2 = 0")
    audited.checkpoints.take()
    found = audited.verify()
    assert (found.broken, found.covered) == (0, 30)
    assert found.unchained > 5
    _fill(audited, 30)
    audited.checkpoints.take()
    assert (audited.verify().broken, audited.verify().covered) == (0, 60)


def test_a_directory_that_could_not_be_written_gets_what_it_missed(audited: Audited) -> None:
    copy = audited.files.files(audited.tenant)[1]
    copy.parent.write_text("in the way of the directory")
    for _ in range(2):
        _fill(audited)
        with pytest.raises(OSError, match="copy"):
            audited.checkpoints.take()
    assert len(_notes(audited)) == 2
    copy.parent.unlink()
    _fill(audited)
    audited.checkpoints.take()
    assert _notes(audited, 1) == _notes(audited, 0)
    assert len(_notes(audited)) == 3


def test_two_tickers_agree(audited: Audited) -> None:
    _fill(audited)
    other = Checkpoints(audited.database, audited.tenant, audited.files)
    audited.checkpoints.take()
    other.take()
    _fill(audited)
    other.take()
    audited.checkpoints.take()
    assert [notes.read(note).size for note in _notes(audited)] == [20, 40]
    assert audited.broken() == 0


def test_half_a_note_of_a_process_that_died_hides_no_other(audited: Audited) -> None:
    _fill(audited)
    audited.checkpoints.take()
    path = audited.files.files(audited.tenant)[0]
    with path.open("a") as file:
        file.write(_notes(audited)[0][:-20])
    _fill(audited)
    audited.checkpoints.take()
    found, torn = notes.split(path.read_text("utf-8"))
    assert torn
    assert [notes.read(note).size for note in found if note in _notes(audited)] == [20, 40]
    assert audited.broken() == 0


def test_after_a_rotation_old_notes_verify_with_the_old_key(audited: Audited) -> None:
    _fill(audited)
    audited.checkpoints.take()
    fresh = audited.files.rotate()
    _fill(audited)
    audited.checkpoints.take()
    keys = audited.files.public_keys()
    signers = [notes.opened(note, keys)[1] for note in _notes(audited)]
    assert signers[0] != signers[1] == fresh
    assert set(signers) == set(keys)
    assert audited.broken() == 0


def test_every_key_that_signs_is_listed_in_the_log_before(audited: Audited) -> None:
    acts = SqlActLog(audited.database, audited.tenant)
    for _ in range(2):
        _fill(audited)
        audited.checkpoints.take()
        audited.files.rotate()
    _fill(audited)
    audited.checkpoints.take()
    assert acts.signing_keys() == audited.files.public_keys()
    assert [one.actor for one in acts.page(None, 10)] == ["checkpoints"] * 3


def test_a_note_of_another_key_is_not_believed(audited: Audited, tmp_path: Path) -> None:
    _fill(audited)
    stranger = AuditFiles(tmp_path / "stranger")
    checkpoints = Checkpoints(audited.database, audited.tenant, stranger)
    checkpoints.take()
    note = _all_notes(stranger.files(audited.tenant)[0])[0]
    with pytest.raises(NoteForged, match="no known key"):
        notes.opened(note, audited.files.public_keys())


@pytest.mark.parametrize(
    ("old", "new"), [("\n20\n", "\n21\n"), ("position", "Position"), ("taken 2", "taken 1")]
)
def test_a_note_with_another_text_is_not_believed(audited: Audited, old: str, new: str) -> None:
    _fill(audited)
    audited.checkpoints.take()
    note = _notes(audited)[0].replace(old, new)
    with pytest.raises((NoteForged, NoteUnreadable)):
        notes.opened(note, audited.files.public_keys())


def test_the_key_is_for_its_owner_only_and_made_once(tmp_path: Path) -> None:
    files = AuditFiles(tmp_path)
    key = files.signing_key().public_key().public_bytes_raw()
    assert AuditFiles(tmp_path).signing_key().public_key().public_bytes_raw() == key
    path = tmp_path / "audit" / "signing_key.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(files.public_keys().values()) == [key]
    path.write_text("no key")
    with pytest.raises(KeyUnusable, match="signing_key"):
        files.signing_key()
