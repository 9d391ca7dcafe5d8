"""The send queue under many hands: claimed once, guarded by its gates, matched to reports."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from domain import accounts, campaign
from domain.ids import MessageId
from domain.taxonomy import AnswerClass
from handlers.composing import Composer
from handlers.ports import Answer, Conflict, Match, Report
from infra.statements import transaction
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

WAITS = plan(send("intro", way("timeout", "end", after="P9D")), stop())


def _queued(house: House, count: int) -> None:
    row = house.campaign()
    for _ in range(count):
        assert house.enrol(WAITS, row=row).status == "started"
    Composer(house.ports, house.system.links(house.ports.tag)).compose_batch(limit=count)


def test_sixteen_hands_send_each_message_once(house: House) -> None:
    _queued(house, 40)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: house.send(), range(16)))
    while house.send():
        pass
    sent = [mail.message_id for mail, _ in house.provider.calls]
    assert len(sent) == len(set(sent)) == 40
    states = house.rows("SELECT state, count(*) FROM {s}.send_queue GROUP BY 1")
    assert states == [("ACCEPTED", 40)]


def test_a_gate_that_is_being_closed_is_not_passed(house: House) -> None:
    _queued(house, 1)
    with house.system.database.tenant_tx(house.tenant) as curs:
        curs.execute(f'SELECT 1 FROM "t_{house.tenant}".contacts FOR UPDATE'.encode())
        assert house.send() == 0
        assert house.provider.calls == []
    assert house.send() == 1


def test_a_message_that_is_not_due_is_left_alone(house: House) -> None:
    row = house.campaign()
    later = plan(
        send("intro", way("timeout", "end", after="P9D"), schedule={"delay": "PT2H"}), stop()
    )
    house.enrol(later, row=row)
    house.work()
    assert house.rows("SELECT state FROM {s}.send_queue") == [("PLANNED",)]
    house.after(hours=1, minutes=1)
    assert house.rows("SELECT state FROM {s}.send_queue") == [("QUEUED",)]
    assert house.provider.calls == []
    house.after(hours=1)
    assert len(house.provider.calls) == 1


def test_a_message_is_fresh_only_for_its_claim_attempt_and_time(house: House) -> None:
    _queued(house, 1)
    message = MessageId(house.rows("SELECT message_id FROM {s}.send_queue")[0][0])
    fresh = house.ports.outbox.fresh
    assert fresh("mine", {message: 1}) == set()
    house.rows(
        "UPDATE {s}.send_queue SET state = 'SENDING', attempt = 1, since = now(),"
        " claim = 'mine' RETURNING 1"
    )
    assert fresh("mine", {message: 1}) == {message}
    assert fresh("mine", {message: 2}) == set()
    assert fresh("other", {message: 1}) == set()
    house.rows("UPDATE {s}.send_queue SET since = now() - interval '31 s' RETURNING 1")
    assert fresh("mine", {message: 1}) == set()


def test_an_expired_message_is_not_sent(house: House) -> None:
    row = house.campaign()
    house.enrol(WAITS, row=row)
    house.account(accounts.go_away, until=house.clock.now() + timedelta(days=5))
    house.work()
    house.after(days=3, hours=1)
    assert house.sweep().expired() == 1
    house.account(accounts.come_back)
    house.after(hours=1)
    assert house.provider.calls == []
    assert house.rows("SELECT state, reason FROM {s}.send_queue") == [("CANCELLED", "expired")]


def test_silence_means_lost_only_while_webhooks_lived_the_whole_time(house: House) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    house.started(WAITS)
    house.work()
    assert _lost_after_days(house, told=(True, False, True)) == 0
    house.clock.advance(timedelta(hours=48))  # the day without webhooks is behind
    assert _lost_after_days(house, told=(True, True, True)) == 1
    assert house.rows("SELECT reason FROM {s}.send_queue WHERE state = 'PRESUMED_LOST'") == [
        ("silence",)
    ]


def test_a_tenant_with_few_messages_presumes_nothing(house: House) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    house.started(WAITS)
    house.work()
    house.clock.advance(timedelta(hours=73))
    assert house.sweep().lost() == 0


def _lost_after_days(house: House, *, told: tuple[bool, ...]) -> int:
    """Three days with twenty messages each, of which webhooks told or did not tell."""
    row = house.campaign()
    house.provider.answer = lambda _: Answer(kind=AnswerClass.ACCEPTED)
    for day_told in told:
        house.clock.advance(timedelta(hours=23))
        streams = [house.enrol(WAITS, row=row).contact_campaign_id for _ in range(20)]
        house.work()
        house.clock.advance(timedelta(hours=1))
        if day_told:
            house.hear(*(house.event(stream, "delivered") for stream in streams if stream))
            house.work()
    house.clock.advance(timedelta(minutes=20))
    return house.sweep().lost()


# --- matching -------------------------------------------------------------------------------------


def _find(house: House, **fields: object) -> Match | None:
    report = Report(provider="sendgrid", kind="bounce", raw=b"", key=b"", **fields)  # type: ignore[arg-type]  # fields of Report
    with house.ports.transactions.begin() as tx:
        return house.ports.outbox.find(tx, [report])[0]


def test_a_report_is_matched_by_our_id_the_providers_the_message_id_or_the_address(
    house: House,
) -> None:
    stream = house.started(WAITS, email="ann@harbor.example")
    house.work()
    message = house.message(stream)
    at = house.clock.now() + timedelta(hours=1)
    by_id = _find(house, message_id=message, attempt=1)
    by_provider = _find(house, provider_id="provider-1.recvd-5f9c.0")
    by_header = _find(house, smtp_id=f"<{message}.1@mail.example>")
    by_address = _find(house, address="Ann+x@Harbor.example", at=at)
    for found, attempt, weak in (
        (by_id, 1, False),
        (by_provider, None, False),
        (by_header, 1, False),
        (by_address, None, True),
    ):
        assert found is not None
        assert (found.message_id, found.attempt, found.weak) == (message, attempt, weak)


def test_an_address_that_one_campaign_wrote_to_twice_matches_the_latest_message(
    house: House,
) -> None:
    twice = plan(
        send("intro", way("timeout", "second", after="P2D")),
        send("second", way("timeout", "end", after="P9D")),
        stop(),
    )
    stream = house.started(twice, email="ann@harbor.example")
    house.work()
    house.after(days=2, minutes=3)
    found = _find(house, address="ann@harbor.example", at=house.clock.now())
    assert found is not None
    assert (found.stream, found.message_id, found.weak) == (stream, house.message(stream), True)


def test_an_address_that_two_campaigns_wrote_to_matches_none(house: House) -> None:
    house.rule(apart_days=0)
    for _ in range(2):
        house.started(WAITS, email="ann@harbor.example")
    house.work()
    house.after(minutes=2)  # two to one person are not claimed together
    at = house.clock.now() + timedelta(hours=1)
    assert _find(house, address="ann@harbor.example", at=at) is None


def test_a_conflict_in_a_claim_gives_everything_back(house: House) -> None:
    _queued(house, 3)
    decide_in = house.ports.campaigns.decide_in
    tries = iter([True, False])

    def conflicts_once(tx: object, given: object) -> object:
        if next(tries, False):
            raise Conflict
        return decide_in(tx, given)  # type: ignore[arg-type]  # passed through

    house.ports.campaigns.decide_in = conflicts_once  # type: ignore[method-assign,assignment]  # as above
    assert house.send() == 1  # a smaller batch meets fewer
    house.work()
    assert len(house.provider.calls) == 3
    with house.system.database.tenant_tx(house.tenant) as curs:
        assert house.ports.outbox.due(transaction(curs), house.clock.now(), 9) == []


def test_a_decision_that_breaks_holds_its_message_and_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _queued(house, 3)
    start_attempt = campaign.start_attempt
    broken = iter([True, False, False])

    def breaks_once(*given: object, **named: object) -> object:
        if next(broken, False):
            raise ZeroDivisionError
        return start_attempt(*given, **named)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(campaign, "start_attempt", breaks_once)
    house.send()
    assert len(house.provider.calls) == 2
    held = house.rows("SELECT hold_reason FROM {s}.send_queue WHERE state = 'QUEUED'")
    assert held == [("gate_error",)]
    house.after(minutes=6)
    assert len(house.provider.calls) == 3
