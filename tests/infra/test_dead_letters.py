"""Reports that came to nothing are found and tried again, on PostgreSQL."""

from uuid import UUID

import pytest

from domain.ids import StreamId
from handlers.dead_letters import release
from handlers.errors import NotHere, OutOfStep
from infra.claims.dead_letters import SqlDeadLetters
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PLAN = plan(send("intro", way("no_reply", "end", after="P5D")), stop())


@pytest.fixture
def letters(house: House) -> SqlDeadLetters:
    return SqlDeadLetters(house.system.database, house.tenant)


@pytest.fixture
def sent(house: House) -> StreamId:
    stream = house.started(PLAN)
    house.after(minutes=10)
    return stream


def states(house: House) -> list[str]:
    return [state for (state,) in house.rows("SELECT state FROM {s}.webhook_inbox ORDER BY 1")]


def test_an_orphan_is_listed_and_matched_once_its_message_is_known(
    house: House, letters: SqlDeadLetters, sent: StreamId
) -> None:
    event = house.event(sent, "open", antiphon_message=str(UUID(int=77)), email="x@y.example")
    house.hear(event)
    house.work()
    (orphan,) = letters.page("orphan", None, 10)
    assert (orphan.state, orphan.reason, orphan.provider) == ("orphan", "no_message", "sendgrid")
    assert orphan.next_try_at is not None
    assert letters.page("orphan", orphan.id, 10) == []
    assert letters.page("parked", None, 10) == []
    house.rows(
        "UPDATE {s}.webhook_inbox SET reason = 'given_up', tries = 170, next_try_at = 'infinity'"
        " RETURNING 1"
    )
    (given_up,) = letters.page("orphan", None, 10)
    assert (given_up.next_try_at, given_up.tries) == (None, 170)
    assert (release(letters, orphan.id).state, release(letters, orphan.id).tries) == ("new", 0)
    house.work()
    (again,) = letters.page("orphan", None, 10)
    assert (again.reason, again.tries) == ("no_message", 1)


def test_a_parked_report_is_taken_in_once_what_hindered_it_is_mended(
    house: House, letters: SqlDeadLetters, sent: StreamId
) -> None:
    house.hear(house.event(sent, "open", ip="192.0.2.1"))
    park = "UPDATE {s}.webhook_inbox SET state = 'parked', reason = 'a_bug' RETURNING inbox_id"
    ((number,),) = house.rows(park)
    house.work()
    assert "signal_recorded" not in house.topics(sent)
    assert release(letters, number).reason is None
    house.work()
    assert states(house) == ["recorded"]
    assert "signal_recorded" in house.topics(sent)
    with pytest.raises(OutOfStep, match="recorded"):
        release(letters, number)


def test_a_parked_report_that_came_again_meanwhile_is_not_taken_in_twice(
    house: House, letters: SqlDeadLetters, sent: StreamId
) -> None:
    event = house.event(sent, "open", ip="192.0.2.1")
    house.hear(event)
    park = "UPDATE {s}.webhook_inbox SET state = 'parked', reason = 'a_bug' RETURNING inbox_id"
    ((number,),) = house.rows(park)
    house.hear(event)
    house.work()
    with pytest.raises(OutOfStep, match="came again"):
        release(letters, number)
    assert states(house) == ["parked", "recorded"]
    assert house.topics(sent).count("signal_recorded") == 1


def test_a_report_that_is_not_there_is_not_released(letters: SqlDeadLetters) -> None:
    for number in (1, 2**63 - 1, 2**80):
        with pytest.raises(NotHere):
            release(letters, number)
