from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.accounts import PauseReason
from domain.accounts.facts import SendingPaused, SendingResumed
from domain.events import SendAttemptStarted
from domain.ids import TenantId
from infra.embedded.servers import ServerUrls
from infra.invariants import check
from infra.tenancy import UnknownTenant
from tests.infra.invariants_broken import CASES as OF_STREAMS
from tests.infra.invariants_broken_sending import CASES as OF_SENDING
from tests.infra.invariants_stage import Stage
from tests.stories.house import open_house

pytestmark = pytest.mark.postgres

CASES = OF_STREAMS | OF_SENDING
STREAMS = 18
SKIPPED = {"I21", "I26", "I30", "I32", "I33", "I34"}


@pytest.fixture(scope="module")
def lived_in(servers: ServerUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_house(servers, tmp_path_factory.mktemp("invariants")) as house:
        made = Stage(house)
        yield made
        made.forget()


@pytest.fixture
def stage(lived_in: Stage) -> Iterator[Stage]:
    yield lived_in
    lived_in.mend()


def test_nothing_is_broken_where_nothing_went_wrong(lived_in: Stage) -> None:
    assert lived_in.broken() == {}


def test_every_invariant_is_told_in_order_and_looks_at_something(lived_in: Stage) -> None:
    found = lived_in.check()
    assert [finding.id for finding in found] == [f"I{number}" for number in range(1, 35)]
    assert {finding.id for finding in found if finding.skipped} == SKIPPED
    assert {finding.id for finding in found if not finding.examined} == SKIPPED


@pytest.mark.parametrize("case", CASES)
def test_what_was_broken_by_hand_is_told_under_its_id(stage: Stage, case: str) -> None:
    id_, broken, example, also = CASES[case]
    broken(stage)
    found = stage.broken()
    assert {id_} <= found.keys() <= {id_} | also, found
    assert any(example in line for line in found[id_].examples), found[id_].examples


def test_a_second_acceptance_is_counted_at_the_provider(lived_in: Stage) -> None:
    message = lived_in.message("silent").id
    told = lived_in.broken(accepts={str(message): 2})
    assert list(told) == ["I9"]
    assert told["I9"].examples == (f"message {message}: accepted 2 times by the provider",)


def test_an_acceptance_that_names_no_message_cannot_be_told_from_a_second_one(
    lived_in: Stage,
) -> None:
    told = lived_in.broken(accepts={"": 1})
    assert told["I9"].examples == ("a message without our id: accepted 1 times by the provider",)


def test_without_the_providers_count_two_attempts_that_may_have_left_are_told(
    stage: Stage,
) -> None:
    message = stage.message("silent")
    at, mac = stage.house.clock.now(), message.body_mac
    stage.append(
        "silent", SendAttemptStarted(message_id=message.id, attempt=2, body_mac=mac, at=at)
    )
    told = stage.broken(accepts=None)["I9"]
    assert told.examples == (f"message {message.id}: 2 attempts may have left",)
    assert told.title.endswith("; by our log, without its own count")


def test_of_many_streams_a_part_is_folded_and_the_title_says_so(stage: Stage) -> None:
    stage.sql("UPDATE {s}.contact_campaigns SET run = 2")
    found = {finding.id: finding for finding in stage.check(streams_max=4)}
    assert found["I28"].title.endswith(f"; 4 of {STREAMS} streams")
    assert found["I4"].examined <= 4
    assert found["I23"].broken == 4
    assert found["I20"].examined > STREAMS


def test_each_hour_has_another_part(lived_in: Stage) -> None:
    now = lived_in.house.clock.now()
    parts = [
        lived_in.check(streams_max=1, clock_now=now + timedelta(hours=hour))
        for hour in range(STREAMS)
    ]
    examined = {next(f.examined for f in part if f.id == "I31") for part in parts}
    assert len(examined) > 1


def test_on_a_fast_clock_work_has_more_of_its_minutes(stage: Stage) -> None:
    stage.sql("UPDATE {s}.send_queue SET not_before = due_at WHERE stream_id = %(paused)s")
    assert list(stage.broken()) == ["I18"]
    assert stage.broken(clock_factor=10_000.0) == {}


def test_a_reason_that_a_claim_wrote_without_a_fact_is_no_difference(stage: Stage) -> None:
    stage.sql(
        "UPDATE {s}.send_queue SET hold_reason = 'gate_error', not_before = 'infinity'"
        " WHERE stream_id = %(paused)s"
    )
    assert stage.broken() == {}


def test_an_order_to_send_again_is_worth_one_attempt_more(stage: Stage) -> None:
    message = stage.message("resent")
    assert message.attempt == 2
    assert stage.broken(accepts=None) == {}
    stage.sql("DELETE FROM {s}.events WHERE topic = 'resend_ordered'")
    told = stage.broken(accepts=None)["I9"].examples
    assert told == (f"message {message.id}: 2 attempts may have left",)


def test_what_waits_until_a_person_releases_it_is_not_stuck(stage: Stage) -> None:
    now = stage.house.clock.now() + timedelta(days=365 * 100)
    late = stage.broken(clock_now=now)["I18"].examples
    held = stage.message("held", "later")
    assert held.due_at.year == 8000
    assert [line for line in late if str(held.id) in line] == []


def test_calls_that_were_claimed_while_a_pause_was_written_are_counted_in_the_title(
    stage: Stage,
) -> None:
    at = stage.attempted("waiting") - timedelta(seconds=10)
    stage.order_sending(
        SendingPaused(reason=PauseReason.OPERATOR, at=at),
        SendingResumed(at=at + timedelta(seconds=20)),
    )
    found = {finding.id: finding for finding in stage.check()}["I13"]
    assert found.broken == 0
    assert found.title.endswith("; 2 claimed while a pause was written")


def test_of_many_calls_the_newest_are_recounted_and_the_title_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.invariants.caps.CALLS_MAX", 3)
    found = {finding.id: finding for finding in stage.check()}["I15"]
    assert found.title.endswith(f"; 3 of {found.examined} calls recounted")
    assert found.examined > 3


def test_only_the_first_ten_are_examples(stage: Stage) -> None:
    stage.sql("DELETE FROM {s}.activity_feed")
    skipped = stage.broken()["I22"]
    assert skipped.broken > 10
    assert len(skipped.examples) == 10
    assert list(skipped.examples) == sorted(skipped.examples)


def test_a_check_changes_nothing(lived_in: Stage) -> None:
    before = lived_in.contents()
    lived_in.check()
    assert lived_in.contents() == before


def test_a_tenant_that_is_not_there_is_an_error(lived_in: Stage) -> None:
    house = lived_in.house
    with pytest.raises(UnknownTenant):
        check(house.system.database, TenantId("nobody"), clock_now=house.clock.now())
