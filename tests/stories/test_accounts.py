"""Sender accounts in a running tenant: what closes a gate holds messages and tells, never fails."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain import accounts
from domain.accounts import AccountSettings, PauseReason, ReasonRequired
from domain.events import topic_of
from domain.taxonomy import AnswerClass
from handlers.accounts.orders import AccountOrders
from handlers.accounts.provider import probe_credentials, pull_verified
from handlers.accounts.sweeping import AccountSweeper
from handlers.errands.lists import WantedNotices
from handlers.ports import Answer
from handlers.ports.accounts import ProviderUnseen
from infra.accounts import SqlDeliverability
from infra.leadership import Leadership
from infra.projector import Runner
from infra.vault import SqlNotices
from projections.metrics import METRICS
from tests.stories.house import SAM, STORY, TAKEN, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ONE_MAIL = plan(send("intro", way("timeout", "end", after="P9D")), stop())
REFUSED = Answer(
    kind=AnswerClass.NOT_SENT, reason="unauthorized", counted=False, opens_circuit=True
)


class PlayedAccount:
    """Implements handlers.ports.accounts.ProviderAccount as it is told."""

    def __init__(self) -> None:
        self.listed: Mapping[str, bool] | None = {}
        self.key_works: bool | None = True

    def verified(self) -> Mapping[str, bool]:
        if self.listed is None:
            raise ProviderUnseen
        return self.listed

    def credentials_work(self) -> bool:
        if self.key_works is None:
            raise ProviderUnseen
        return self.key_works


def numbers(house: House) -> SqlDeliverability:
    return SqlDeliverability(house.system.database, house.tenant)


def orders(house: House) -> AccountOrders:
    return AccountOrders(house.tenant, house.ports.accounts, numbers(house), house.ports.notices)


def sweep(house: House) -> int:
    """The numbers of now, and what they ask for."""
    leadership = Leadership(house.system.database)
    try:
        runner = Runner(house.system.database, house.tenant, METRICS, leadership=leadership)
        while runner.step():
            pass
    finally:
        leadership.close()
    return AccountSweeper(house.ports.accounts, numbers(house), house.clock).score_daily()


def states(house: House) -> list[tuple[str, str | None, int]]:
    found = house.rows(
        "SELECT state, hold_reason, count(*) FROM {s}.send_queue GROUP BY 1, 2 ORDER BY 1"
    )
    return [(state, reason, number) for state, reason, number in found]


def topics(house: House, sender: str | None = "sam") -> list[str]:
    return [topic_of(one.fact) for one in house.ports.accounts.history(sender)]


def test_a_spike_of_complaints_holds_what_is_left_and_fails_nothing(house: House) -> None:
    written = [house.started(ONE_MAIL) for _ in range(3)]
    house.work()
    for stream in written[:2]:
        house.hear(house.event(stream, "delivered"), house.event(stream, "spamreport"))
    house.work()
    for _ in range(4):
        house.started(ONE_MAIL)
    assert sweep(house) == 1
    account = house.ports.accounts.account("sam")
    assert account.health < 30
    assert account.paused == PauseReason.COMPLAINTS
    house.work()
    assert len(house.provider.calls) == 3
    assert {state for state, _, _ in states(house)} <= {"ACCEPTED", "PLANNED", "QUEUED"}
    assert sweep(house) == 0


def test_health_by_itself_holds_and_lets_go(house: House) -> None:
    house.account(accounts.override_health, score=29)
    house.started(ONE_MAIL)
    house.work()
    assert states(house) == [("QUEUED", "sender_health", 1)]
    house.account(accounts.override_health, score=30)
    house.after(minutes=6)
    assert len(house.provider.calls) == 1


def test_a_sender_deleted_under_a_campaign_holds_its_messages_and_tells(house: House) -> None:
    for _ in range(3):
        house.started(ONE_MAIL)
    done = orders(house).delete("sam", STORY, house.clock.now())
    assert [topic_of(fact) for fact in done] == ["sender_deleted"]
    assert orders(house).delete("sam", STORY, house.clock.now()) == []
    house.work()
    assert house.provider.calls == []
    notices = SqlNotices(house.system.database, house.tenant)
    (told,) = notices.page(WantedNotices(limit=10))
    assert told.text.startswith("The sender sam was deleted and 3 messages wait for it.")
    house.ports.register.put_sender(SAM)  # type: ignore[attr-defined]  # the SQL register
    house.after(minutes=6)
    assert len(house.provider.calls) == 3


def test_a_sender_deleted_while_nothing_waits_tells_nobody(house: House) -> None:
    orders(house).delete("sam", STORY, house.clock.now())
    notices = SqlNotices(house.system.database, house.tenant)
    assert notices.page(WantedNotices(limit=10)) == []


def test_the_provider_decides_which_address_is_verified(house: House) -> None:
    provider, now = PlayedAccount(), house.clock.now()
    book, identities = house.ports.accounts, house.ports.vault.senders()
    provider.listed = {"sam@mail.example": False}
    assert pull_verified(book, identities, provider, now) == 1
    assert pull_verified(book, identities, provider, now) == 0
    house.started(ONE_MAIL)
    house.work()
    assert states(house) == [("QUEUED", "sender_unverified", 1)]
    provider.listed = None
    assert pull_verified(book, identities, provider, now) == 0
    provider.listed = {"sam@mail.example": True}
    assert pull_verified(book, identities, provider, now) == 1
    house.after(minutes=6)
    assert len(house.provider.calls) == 1


def test_refused_credentials_stop_a_sender_until_the_provider_knows_them_again(
    house: House,
) -> None:
    house.provider.answer = lambda _: REFUSED
    house.started(ONE_MAIL)
    house.work()
    house.after(hours=3)
    assert len(house.provider.calls) == 1
    provider, book = PlayedAccount(), house.ports.accounts
    for answer in (None, False):
        provider.key_works = answer
        assert probe_credentials(book, provider, house.clock.now()) == 0
    provider.key_works = True
    house.provider.answer = lambda _: TAKEN
    assert probe_credentials(book, provider, house.clock.now()) == 1
    assert probe_credentials(book, provider, house.clock.now()) == 0
    house.after(minutes=20)
    assert [row[0] for row in states(house)] == ["ACCEPTED"]
    assert topics(house)[-2:] == ["circuit_opened", "circuit_closed"]


def test_trouble_with_the_account_pauses_all_once_and_people_let_them_go_on(
    house: House,
) -> None:
    before = len(topics(house))
    house.ports.register.hold_senders()
    house.ports.register.hold_senders()
    assert topics(house)[before:] == ["sender_paused"]
    assert house.ports.vault.senders()["sam"].paused
    house.ports.register.put_sender(SAM)  # type: ignore[attr-defined]  # the SQL register
    assert not house.ports.vault.senders()["sam"].paused


def test_a_stop_for_complaints_is_not_lifted_by_writing_the_sender_again(house: House) -> None:
    house.account(accounts.pause, reason=PauseReason.COMPLAINT_STOP)
    house.ports.register.put_sender(SAM)  # type: ignore[attr-defined]  # the SQL register
    assert house.ports.vault.senders()["sam"].paused
    with pytest.raises(ReasonRequired):
        orders(house).resume("sam", STORY, house.clock.now())
    said = replace(STORY, note="The list was bought; it is gone")
    assert len(orders(house).resume("sam", said, house.clock.now())) == 1
    assert not house.ports.vault.senders()["sam"].paused


def test_writing_a_sender_twice_is_no_news(house: House) -> None:
    before = topics(house)
    house.ports.register.put_sender(SAM)  # type: ignore[attr-defined]  # the SQL register
    assert topics(house) == before == ["sender_registered", "sender_verified"]
    house.ports.register.put_sender(replace(SAM, verified=False, paused=True))  # type: ignore[attr-defined]  # as above
    assert topics(house)[2:] == ["sender_unverified", "sender_paused"]


def test_a_warm_up_rises_after_a_good_day_and_stays_after_an_idle_one(house: House) -> None:
    house.account(accounts.begin_warmup, caps=[2, 4, 8], on=house.clock.now().date())
    for _ in range(2):
        house.started(ONE_MAIL)
    house.work()
    house.after(days=1)
    assert sweep(house) == 1
    assert sweep(house) == 0
    (row,) = house.ports.accounts.rows()
    assert row.warmup_max == 4
    house.after(days=1)
    sweep(house)
    (row,) = house.ports.accounts.rows()
    assert row.warmup_max == 4
    assert topics(house)[-1] == "warmup_held"


def test_a_cap_pauses_and_recovers_by_itself_both_as_facts(house: House) -> None:
    house.account(accounts.configure, settings=AccountSettings(day_max=1))
    for _ in range(2):
        house.started(ONE_MAIL)
    house.work()
    assert [row[:2] for row in states(house)] == [("ACCEPTED", None), ("QUEUED", "sender_day")]
    assert topics(house)[-1] == "cap_reached"
    sweep(house)
    assert "cap_lifted" not in topics(house)
    house.clock.advance(timedelta(hours=15))
    sweep(house)
    assert "cap_lifted" in topics(house)
    house.work()
    assert len(house.provider.calls) == 2


def test_senders_of_an_earlier_release_send_nothing_before_they_are_adopted(house: House) -> None:
    house.rows(
        "INSERT INTO {s}.senders (sender, from_email, from_name, reply_domain, postal_address,"
        " verified) VALUES ('jo', 'jo@x.example', 'Jo', 'r.example', 'Here', true) RETURNING 1"
    )
    assert [row.sender for row in house.ports.accounts.rows()] == ["sam"]
    assert sweep(house) >= 1
    assert [row.sender for row in house.ports.accounts.rows()] == ["jo", "sam"]
