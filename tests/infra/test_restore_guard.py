"""A log that was set back is told by a mark that is kept outside of the database."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.migrations.run import create_tenant
from infra.restore_guard import FILE, RestoreGuard
from infra.tenancy import Database, role_of
from tests.infra.limits_stage import own_database
from tests.infra.log_written import Fact, Written
from tests.projections.facts_given import journeys

pytestmark = pytest.mark.postgres

NewTenant = Callable[[], TenantId]


def _facts(seed: int) -> Iterator[Fact]:
    return ((stream, fact) for stream, facts in journeys(seed, 40) for fact in facts)


class Story:
    """One tenant's log that grows and is set back, and the guards that look at it."""

    def __init__(self, home: Path, database: Database, tenant: TenantId) -> None:
        self.home, self.database, self.tenant = home, database, tenant
        self.written = Written(database, tenant)
        self.facts = _facts(1)
        self.guard = RestoreGuard(home, database)

    def write(self, count: int = 10) -> int:
        """The last position after some facts more."""
        return self.written.write([next(self.facts) for _ in range(count)])[-1]

    def set_back(self, to: int) -> None:
        """What a restored backup leaves: the log as it was, numbers included."""
        schema = schema_of(self.tenant)
        table = Identifier(schema, "events")
        with self.database.direct() as connection:
            connection.execute(SQL("DELETE FROM {} WHERE notification_id > %s").format(table), [to])
            connection.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'notification_id'), %s)",
                (f"{schema}.events", to),
            )
        self.written = Written(self.database, self.tenant)
        self.facts = _facts(2)

    def look(self, guard: RestoreGuard | None = None) -> bool:
        return (guard or self.guard).look(self.tenant)

    def another(self) -> RestoreGuard:
        """As another process has it, or this one after a restart."""
        return RestoreGuard(self.home, self.database)


@pytest.fixture
def story(tmp_path: Path, database: Database, tenant: TenantId) -> Story:
    return Story(tmp_path, database, tenant)


def test_a_log_that_grows_is_no_restored_one(story: Story) -> None:
    for _ in range(3):
        story.write()
        assert not story.look()
        assert not story.look()
    assert not story.look(story.another())


def test_an_empty_log_is_no_restored_one_and_leaves_no_mark(story: Story) -> None:
    assert not story.look()
    assert not (story.home / FILE).exists()


def test_a_log_that_lost_its_end_is_told_until_it_is_acknowledged(story: Story) -> None:
    backup = story.write()
    story.write()
    story.look()
    story.set_back(backup)
    assert story.look()
    assert story.look(story.another())
    assert story.look()
    assert story.guard.acknowledge(story.tenant)
    assert not story.look()
    assert not story.look(story.another())
    story.write()
    assert not story.look()


def test_a_log_that_grew_past_its_mark_after_it_was_set_back_is_told(story: Story) -> None:
    backup = story.write(5)
    lost = story.write(5)
    story.look()
    story.set_back(backup)
    assert story.write(20) > lost
    assert story.look()


def test_a_log_that_grew_to_just_its_mark_after_it_was_set_back_is_told(story: Story) -> None:
    backup = story.write(5)
    lost = story.write(5)
    story.look()
    story.set_back(backup)
    assert story.write(5) == lost
    assert story.look()


def test_a_log_that_lost_everything_is_told(story: Story) -> None:
    story.write()
    story.look()
    story.set_back(1)
    assert story.look()
    with story.database.direct() as connection:
        connection.execute(
            SQL("DELETE FROM {}").format(Identifier(schema_of(story.tenant), "events"))
        )
    assert story.look(story.another())
    assert story.guard.acknowledge(story.tenant)
    assert not story.look()


def test_an_acknowledgement_of_one_process_holds_for_all(story: Story) -> None:
    backup = story.write()
    story.write()
    ticker, operator = story.another(), story.another()
    assert not ticker.look(story.tenant)
    story.set_back(backup)
    assert ticker.look(story.tenant)
    operator.acknowledge(story.tenant)
    assert not ticker.look(story.tenant)


def test_tenants_have_marks_of_their_own(story: Story, new_tenant: NewTenant) -> None:
    other = Story(story.home, story.database, new_tenant())
    backup = story.write()
    story.write()
    other.write(30)
    assert not story.look()
    assert not other.look(story.guard)
    story.set_back(backup)
    assert story.look()
    assert not other.look(story.guard)
    other.guard.acknowledge(other.tenant)
    assert story.look()


def test_each_time_it_is_told_in_the_log_of_the_process_once(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    backup = story.write()
    story.write()
    story.look()
    story.set_back(backup)
    for _ in range(3):
        story.look()
    assert [one.message.split(" was at ")[0] for one in caplog.records] == [
        f"the log of {story.tenant}"
    ]


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff", b"[]", b'{"a": 5}', b'{"a": {"last": ""}}'])
def test_a_broken_file_is_told_and_written_anew(
    story: Story, broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    backup = story.write()
    story.write()
    (story.home / FILE).write_bytes(broken)
    assert not story.look()
    assert "cannot be read" in caplog.text
    story.set_back(backup)
    assert story.look(story.another())


def test_what_a_process_saw_itself_outlives_a_file_that_is_gone(story: Story) -> None:
    backup = story.write()
    story.write()
    story.look()
    (story.home / FILE).unlink()
    story.set_back(backup)
    assert story.look()


@pytest.fixture
def unwritable(story: Story) -> Iterator[Path]:
    """A directory in which nothing can be made, not even by root."""
    (story.home / f"{FILE}.new").mkdir()
    yield story.home
    (story.home / f"{FILE}.new").rmdir()


@pytest.mark.usefixtures("unwritable")
def test_where_no_mark_can_be_kept_it_is_told_and_nothing_breaks(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    backup = story.write()
    for _ in range(3):
        story.write()
        assert not story.look()
    assert [one.message.split(": ")[0] for one in caplog.records] == [
        f"no mark can be kept in {story.home / FILE}"
    ]
    assert not story.guard.acknowledge(story.tenant)
    story.set_back(backup)
    assert story.look(), "this process saw more of it"


def test_a_directory_that_is_not_there_breaks_nothing(story: Story) -> None:
    story.write()
    guard = RestoreGuard(story.home / "nowhere", story.database)
    assert not story.look(guard)
    assert not guard.acknowledge(story.tenant)


def test_no_half_written_file_is_ever_in_its_place(story: Story) -> None:
    story.write()
    story.look()
    kept = (story.home / FILE).read_bytes()
    os.link(story.home / FILE, story.home / "held")  # the file itself, by another name
    story.write()
    story.look()
    assert (story.home / "held").read_bytes() == kept
    assert (story.home / FILE).read_bytes() != kept


# --- other databases ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def elsewhere(database_url: str) -> Iterator[Database]:
    with own_database(database_url) as database:
        yield database


@pytest.fixture
def copy(story: Story, elsewhere: Database) -> Iterator[Story]:
    """The same tenant in another database, without anything in its log."""
    create_tenant(elsewhere, story.tenant, tag="copy")
    yield Story(story.home, elsewhere, story.tenant)
    with elsewhere.direct() as connection:  # the role stays: it belongs to the first one
        schema, role = Identifier(schema_of(story.tenant)), Identifier(role_of(story.tenant))
        connection.execute(SQL("DROP SCHEMA {} CASCADE").format(schema))
        connection.execute(SQL("DROP OWNED BY {}").format(role))
        connection.execute("DELETE FROM control.tenants")


def _restore(source: Story, into: Story) -> None:
    events = Identifier(schema_of(source.tenant), "events")
    with source.database.direct() as one, into.database.direct() as other:
        rows = one.execute(SQL("SELECT * FROM {} ORDER BY notification_id").format(events))
        insert = SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, %s, %s)").format(events)
        other.cursor().executemany(insert, rows.fetchall())


def test_another_database_at_the_same_home_is_another_log(story: Story, copy: Story) -> None:
    copy.facts = _facts(3)
    story.write(30)
    copy.write(5)
    for _ in range(2):
        assert not story.look()
        assert not copy.look()
        copy.write(1)


def test_a_backup_that_is_restored_into_another_database_is_told(story: Story, copy: Story) -> None:
    story.write()
    _restore(story, into=copy)
    story.write()
    assert not story.look()
    assert copy.look()
    assert copy.guard.acknowledge(copy.tenant)
    assert not copy.look()
    assert not story.look()


def test_a_log_that_was_moved_whole_is_no_restored_one(story: Story, copy: Story) -> None:
    story.write()
    assert not story.look()
    _restore(story, into=copy)
    assert not copy.look()


def test_two_who_look_at_once_while_the_log_grows_see_no_restore(story: Story) -> None:
    story.write()
    assert not story.look()
    ticker, worker = story.another(), story.another()
    read = ticker._log

    def grown_meanwhile(tenant: TenantId) -> Any:
        found = read(tenant)
        story.write()
        assert not worker.look(tenant)
        return found

    ticker._log = grown_meanwhile
    assert not ticker.look(story.tenant)
